/**
 * Makes tf.layers' BatchNormalization train and differentiate. With `scale: false` or `center: false` it throws in
 * training and has no gradient in inference (tensorflow/tfjs#2868): there, and only there, it gets a factor of 1 or a
 * summand of 0 in the place of the weight that it lacks, which computes the same numbers. In training it is also
 * composed of some twenty passes over the values, for which wasm and WebGPU have a kernel of ours.
 */
import {ones, tidy, zeros, type Tensor} from '@tensorflow/tfjs-core';
import {isUnderGradient} from '../gradients/input-only.js';
import {isMarked, mark} from '../mark.js';
import {registeredClass} from '../registered-class.js';
import {canNormalizeBatch, normalizeBatch, type Moving} from './training.js';

interface Weight {
  read(): Tensor;
}

type Statistic = Moving & {readonly shape: number[]};

/** As much of the layer as is touched here. */
interface BatchNormalization {
  readonly axis: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly gamma?: Weight | undefined;
  readonly beta?: Weight | undefined;
  readonly movingMean: Statistic;
  readonly movingVariance: Statistic;
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
    if (!kwargs.training || !isOfLastAxis(layer, x) || !canNormalizeBatch(x)) return original.call(layer, inputs, kwargs);
    const {epsilon, movingMean, movingVariance, momentum} = layer;
    const statistics = {epsilon, movingMean, movingVariance, momentum};
    return tidy(() => normalizeBatch(x, {gamma: layer.gamma.read(), beta: layer.beta.read(), ...statistics}));
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

function isOfLastAxis({axis}: BatchNormalization, {rank}: Tensor): boolean {
  return axis === -1 || axis === rank - 1;
}
