/**
 * The gradient of a fused convolution with respect to its input alone. tfjs has none for a fused
 * activation, and without one it computes the gradient of the filter as well, wanted or not.
 */
import {customGrad, engine, type NamedAttrMap, type NamedTensorMap, type Tensor} from '@tensorflow/tfjs-core';
import {rectifierGradient} from './rectifier.js';

/** What the backward pass needs besides dy. */
export interface Backward {
  readonly kernelName: 'Conv2DBackpropInput' | 'DepthwiseConv2dNativeBackpropInput';
  readonly filter: Tensor;
  readonly activation: 'linear' | 'relu' | 'relu6';
  readonly attributes: NamedAttrMap;
}

/** Whether what runs now is to be differentiated. */
export function isUnderGradient(): boolean {
  return engine().state.gradientDepth > 0;
}

/** Runs `forward` on x; under a gradient, in such a way that only x gets one. */
export function withInputGradient(
  x: Tensor,
  forward: (x: Tensor) => Tensor,
  {kernelName, filter, activation, attributes}: Backward,
): Tensor {
  if (!isUnderGradient()) return forward(x);
  return customGrad((input, save) => {
    const y = forward(input as Tensor);
    (save as (tensors: Tensor[]) => void)([y]);
    const gradFunc = (slope: Tensor, saved: Tensor[]): Tensor => {
      const dy = activation === 'linear' ? slope : rectifierGradient(slope, saved[0] as Tensor, activation);
      return engine().runKernel(kernelName, {dy, filter} as NamedTensorMap, {...attributes, inputShape: x.shape});
    };
    return {value: y, gradFunc};
  })(x);
}
