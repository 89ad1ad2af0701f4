/** The channel gate of CBAM behind its pooling as one operation, where the backend has a kernel for it. */
import {
  engine,
  getGradient,
  registerGradient,
  type GradConfig,
  type NamedTensorMap,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import {CHANNEL_GATE, CHANNEL_GATE_GRADIENT} from './own-kernels.js';

/** What the gate is made of: both poolings of N images, and the perceptron that both go through. */
export interface PooledChannels {
  /** `[N,C]`. */
  readonly average: Tensor2D;
  readonly maximum: Tensor2D;
  /** `[C,R]`, `[R]`, `[R,C]`, `[C]`. */
  readonly fc1: Tensor2D;
  readonly bias1: Tensor1D;
  readonly fc2: Tensor2D;
  readonly bias2: Tensor1D;
}

const inputsToSave = ['average', 'maximum', 'fc1', 'fc2'] as const;

/** Installs the gradient of the kernel, once per process. */
export function installChannelGateGradient(): void {
  if ((getGradient(CHANNEL_GATE) as GradConfig | undefined) !== undefined) return;
  const gradFunc: GradConfig['gradFunc'] = (dys, saved) => {
    const [average, maximum, fc1, fc2, gate, hidden] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
    const inputs: NamedTensorMap = {dy: (dys as Tensor[])[0] as Tensor, average, maximum, fc1, fc2, gate, hidden};
    const slopes = engine().runKernel(CHANNEL_GATE_GRADIENT, inputs) as unknown as Tensor[];
    const names = ['average', 'maximum', 'fc1', 'bias1', 'fc2', 'bias2'];
    return Object.fromEntries(names.map((name, index) => [name, () => slopes[index] as Tensor]));
  };
  registerGradient({kernelName: CHANNEL_GATE, inputsToSave: [...inputsToSave], outputsToSave: [true, true], gradFunc});
}

/** `sigmoid(mlp(average) + mlp(maximum))`, `[N,C]`. To be called inside `tidy`, where the backend has the kernel. */
export function channelGateOf(pooled: PooledChannels): Tensor2D {
  const [gate] = engine().runKernel(CHANNEL_GATE, {...pooled} as unknown as NamedTensorMap) as unknown as [Tensor2D];
  return gate;
}
