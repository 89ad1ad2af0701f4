/**
 * The gradient of a fused convolution or dense layer with respect to its input alone. tfjs has none for a fused
 * activation, and without one it computes the gradient of the weights as well, wanted or not.
 */
import {
  customGrad,
  engine,
  fused,
  matMul,
  type NamedAttrMap,
  type NamedTensorMap,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import {rectifierGradient} from './rectifier.js';

/** What a fused operation ends with. */
export type Fused = 'linear' | 'relu' | 'relu6';

/** What the backward pass of a convolution needs besides dy. */
export interface Backward {
  readonly kernelName: 'Conv2DBackpropInput' | 'DepthwiseConv2dNativeBackpropInput';
  readonly filter: Tensor;
  readonly activation: Fused;
  readonly attributes: NamedAttrMap;
}

/** Whether what runs now is to be differentiated. */
export function isUnderGradient(): boolean {
  return engine().state.gradientDepth > 0;
}

/** Runs the convolution `forward` on x; under a gradient, in such a way that only x gets one. */
export function withInputGradient(
  x: Tensor,
  forward: (x: Tensor) => Tensor,
  {kernelName, filter, activation, attributes}: Backward,
): Tensor {
  const back = (dy: Tensor): Tensor => engine().runKernel(kernelName, {dy, filter} as NamedTensorMap, {...attributes, inputShape: x.shape});
  return differentiable(x, forward, activation, back);
}

/** `activation(x · kernel + bias)` for x `[N,I]` and kernel `[I,O]`; under a gradient, only x gets one. */
export function denseOfInput(x: Tensor2D, kernel: Tensor2D, bias: Tensor1D | undefined, activation: Fused): Tensor2D {
  const forward = (a: Tensor): Tensor => fused.matMul({a, b: kernel, ...(bias && {bias}), activation});
  return differentiable(x, forward, activation, (dy) => matMul(dy, kernel, false, true)) as Tensor2D;
}

/** @param back From the gradient before the activation to that of x. */
function differentiable(x: Tensor, forward: (x: Tensor) => Tensor, activation: Fused, back: (dy: Tensor) => Tensor): Tensor {
  if (!isUnderGradient()) return forward(x);
  return customGrad((input, save) => {
    const y = asInInference(() => forward(input as Tensor));
    (save as (tensors: Tensor[]) => void)([y]);
    const gradFunc = (slope: Tensor, saved: Tensor[]): Tensor =>
      back(activation === 'linear' ? slope : rectifierGradient(slope, saved[0] as Tensor, activation));
    return {value: y, gradFunc};
  })(x);
}

/** Runs an operation whose gradient is known as if none were wanted: otherwise tfjs takes fused kernels apart. */
function asInInference<T>(operation: () => T): T {
  const {state} = engine();
  const depth = state.gradientDepth;
  state.gradientDepth = 0;
  try {
    return operation();
  } finally {
    state.gradientDepth = depth;
  }
}
