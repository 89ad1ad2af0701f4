/** A batch norm in inference as what it is: one factor and one summand per channel. */
import {add, mul, neg, rsqrt, type Tensor1D} from '@tensorflow/tfjs-core';
import type {layers} from '@tensorflow/tfjs-layers';
import {optionsOf, weightIn, weightOf, type WeightReader} from './_layer-parts.js';

/** `x · factor + shift`, `[C]` each. */
export interface Affine {
  readonly factor: Tensor1D;
  readonly shift: Tensor1D;
}

/** What a batch norm has learned. */
export interface NormWeights {
  readonly gamma: WeightReader<Tensor1D> | undefined;
  readonly beta: WeightReader<Tensor1D> | undefined;
  readonly mean: WeightReader<Tensor1D>;
  readonly variance: WeightReader<Tensor1D>;
  readonly epsilon: number;
}

/** Finds the weights of a BatchNormalization layer. */
export function normWeights(layer: layers.Layer): NormWeights {
  return {
    gamma: weightOf(layer, 'gamma'),
    beta: weightOf(layer, 'beta'),
    mean: weightIn(layer, 'moving_mean'),
    variance: weightIn(layer, 'moving_variance'),
    epsilon: optionsOf<{epsilon: number}>(layer).epsilon,
  };
}

/** `(x − mean) · s + beta` with `s = gamma / √(variance + ε)`. To be called inside `tidy`. */
export function affineOf({gamma, beta, mean, variance, epsilon}: NormWeights): Affine {
  const slope = rsqrt(add<Tensor1D>(variance(), epsilon));
  const factor = gamma === undefined ? slope : mul<Tensor1D>(slope, gamma());
  const shift = neg(mul<Tensor1D>(mean(), factor));
  return {factor, shift: beta === undefined ? shift : add(shift, beta())};
}
