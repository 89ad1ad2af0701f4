/**
 * Makes tf.layers' BatchNormalization train and differentiate. With `scale: false` or `center: false` it throws in
 * training and has no gradient in inference (tensorflow/tfjs#2868): there, and only there, it gets a factor of 1 or a
 * summand of 0 in the place of the weight that it lacks, which computes the same numbers. In training it is also
 * composed of some twenty passes over the values, for which the wasm backend has a kernel of ours.
 */
import {engine, getKernel, mul, ones, sub, tidy, zeros, type KernelConfig, type NamedTensorMap, type Tensor} from '@tensorflow/tfjs-core';
import {isUnderGradient} from '../gradients/input-only.js';
import {isMarked, mark} from '../mark.js';
import {registeredClass} from '../registered-class.js';
import {BATCH_NORM_TRAINING} from '../wasm/batch-norm-training.js';

interface Weight {
  read(): Tensor;
}

interface Moving extends Weight {
  readonly shape: number[];
  write(value: Tensor): void;
}

/** As much of the layer as is touched here. */
interface BatchNormalization {
  readonly axis: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly gamma?: Weight | undefined;
  readonly beta?: Weight | undefined;
  readonly movingMean: Moving;
  readonly movingVariance: Moving;
}

type Complete = BatchNormalization & {readonly gamma: Weight; readonly beta: Weight};

type Call = (this: BatchNormalization, inputs: Tensor | Tensor[], kwargs: {readonly training?: boolean}) => unknown;

/** Wraps the layer's `call`, once per process; does nothing where tf.layers is not loaded. */
export function installBatchNormLayer(): void {
  const prototype = registeredClass('BatchNormalization')?.prototype as {call: Call} | undefined;
  if (prototype !== undefined && !isMarked(prototype.call)) prototype.call = mark(callBetter(prototype.call));
}

function callBetter(original: Call): Call {
  return function (inputs, kwargs) {
    if (!kwargs.training && !isUnderGradient()) return original.call(this, inputs, kwargs);
    const x = (Array.isArray(inputs) ? inputs[0] : inputs) as Tensor;
    const layer = completed(this);
    return kwargs.training && hasKernelFor(layer, x) ? normalizeBatch(layer, x) : original.call(layer, inputs, kwargs);
  };
}

/** The layer, or a stand-in that inherits everything from it and has both weights. */
function completed(layer: BatchNormalization): Complete {
  const {gamma, beta, movingMean} = layer;
  if (gamma != null && beta != null) return layer as Complete;
  const {shape} = movingMean;
  return Object.create(layer, {
    scale: {value: true},
    center: {value: true},
    gamma: {value: gamma ?? {read: () => ones(shape)}},
    beta: {value: beta ?? {read: () => zeros(shape)}},
  }) as Complete;
}

function hasKernelFor({axis}: BatchNormalization, x: Tensor): boolean {
  const isLast = axis === -1 || axis === x.rank - 1;
  const kernel = getKernel(BATCH_NORM_TRAINING, engine().backendName) as KernelConfig | undefined;
  return isLast && x.rank > 1 && x.dtype === 'float32' && kernel !== undefined;
}

/** What the layer does in training, with one kernel. */
function normalizeBatch(layer: Complete, x: Tensor): Tensor {
  return tidy(() => {
    const inputs: NamedTensorMap = {x, gamma: layer.gamma.read(), beta: layer.beta.read()};
    const outputs: unknown = engine().runKernel(BATCH_NORM_TRAINING, inputs, {epsilon: layer.epsilon});
    const [y, mean, variance] = outputs as [Tensor, Tensor, Tensor];
    for (const [moving, now] of [
      [layer.movingMean, mean],
      [layer.movingVariance, variance],
    ] as const) {
      const before = moving.read();
      moving.write(tidy(() => sub(before, mul(sub(before, now), 1 - layer.momentum))));
    }
    return y;
  });
}
