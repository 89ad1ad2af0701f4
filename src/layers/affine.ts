/** A batch norm in inference as what it is: one factor and one summand per channel. */
import {add, mul, neg, rsqrt, type Tensor1D} from '@tensorflow/tfjs-core';

/** `x · factor + shift`, `[C]` each. */
export interface Affine {
  readonly factor: Tensor1D;
  readonly shift: Tensor1D;
}

/** What a batch norm has learned; each weight is read where it is asked for. */
export interface NormWeights {
  readonly gamma: (() => Tensor1D) | undefined;
  readonly beta: (() => Tensor1D) | undefined;
  readonly mean: () => Tensor1D;
  readonly variance: () => Tensor1D;
  readonly epsilon: number;
}

/** `(x − mean) · s + beta` with `s = gamma / √(variance + ε)`. To be called inside `tidy`. */
export function affineOf({gamma, beta, mean, variance, epsilon}: NormWeights): Affine {
  const slope = rsqrt(add<Tensor1D>(variance(), epsilon));
  const factor = gamma === undefined ? slope : mul<Tensor1D>(slope, gamma());
  const shift = neg(mul<Tensor1D>(mean(), factor));
  return {factor, shift: beta === undefined ? shift : add(shift, beta())};
}
