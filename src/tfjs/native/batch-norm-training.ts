/**
 * Batch normalisation with the statistics of its batch (Ioffe & Szegedy 2015), forward and backward, by TensorFlow's own
 * operations. On a card they keep other statistics for the way back, so these are for the processor.
 */
import {reshape, tensor1d, tidy, util, type KernelFunc, type Tensor, type TensorInfo} from '@tensorflow/tfjs-core';
import {attribute, floats, type NativeBackend} from './_operations.js';

type Named<Name extends string> = Readonly<Record<Name, Tensor>>;

/**
 * `y = (x − mean) / sqrt(variance + ε) · gamma + beta` over all axes but the last.
 *
 * Inputs `x` `[…,C]`, `gamma` and `beta` `[C]`, borrowed; attribute `epsilon`. Outputs `[y, mean, variance]`, the variance the biased one.
 */
export const batchNormTraining: KernelFunc = ({inputs, backend, attrs}) =>
  tidy(() => {
    const {x, gamma, beta} = inputs as unknown as Named<'x' | 'gamma' | 'beta'>;
    const none = tensor1d([]);
    const outputs = run(backend, 'FusedBatchNorm', attrs?.['epsilon'], [asImages(x), gamma, beta, none, none]);
    // The second and third are what TensorFlow moves its statistics with, the last two what it keeps for the way back.
    const [y, , , mean, variance] = outputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
    return [reshape(y, x.shape), mean, variance];
  });

/** The gradient. Inputs `dy`, `x`, `gamma`, `mean`, `variance`, borrowed; attribute `epsilon`. Outputs `[dx, dgamma, dbeta]`. */
export const batchNormTrainingGradient: KernelFunc = ({inputs, backend, attrs}) =>
  tidy(() => {
    const {dy, x, gamma, mean, variance} = inputs as unknown as Named<'dy' | 'x' | 'gamma' | 'mean' | 'variance'>;
    const slopes = run(backend, 'FusedBatchNormGrad', attrs?.['epsilon'], [asImages(dy), asImages(x), gamma, mean, variance]);
    const [dx, dgamma, dbeta] = slopes as [Tensor, Tensor, Tensor];
    return [reshape(dx, x.shape), dgamma, dbeta];
  });

function run(any: unknown, name: string, epsilon: unknown, inputs: TensorInfo[]): Tensor[] {
  const backend = any as NativeBackend;
  const attributes = [
    floats(backend),
    attribute(backend, 'epsilon', 'FLOAT', epsilon),
    attribute(backend, 'data_format', 'STRING', 'NHWC'),
    attribute(backend, 'is_training', 'BOOL', true),
  ];
  return backend.executeMultipleOutputs(name, attributes, inputs, 5);
}

/** The operations take images only. */
function asImages(x: Tensor): Tensor {
  if (x.rank === 4) return x;
  const channels = x.shape.at(-1) as number;
  return reshape(x, [util.sizeFromShape(x.shape) / channels, 1, 1, channels]);
}
