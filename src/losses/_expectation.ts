/** The mean of values under a distribution, where what has the probability 0 counts for nothing. */
import {
  customGrad,
  equal,
  mul,
  sum,
  tidy,
  where,
  zerosLike,
  type GradSaveFunc,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import {at} from '../core/at.js';

/**
 * Computes `Σ_k weight_k · value_k` per sample. A weight of 0 makes its term 0 whatever the value, also −∞: the limit
 * of `p · log p` at 0. Where the weight is not 0, an infinite value makes the sum infinite.
 *
 * @param weights `[N,K]`.
 * @param values `[N,K]`.
 * @returns `[N]`; differentiable in both, and the derivative of a term that counts for nothing is 0.
 */
export function expectation(weights: Tensor2D, values: Tensor2D): Tensor1D {
  const product = customGrad((...given) => {
    const [weight, value, save] = given as [Tensor, Tensor, GradSaveFunc];
    const result = tidy(() => mul(weight, counted(weight, value)));
    // What was given, not what was computed: tfjs' profiler takes for a leak what a forward pass leaves behind.
    save([weight, value]);
    return {
      value: result,
      gradFunc: (dy: Tensor, saved: Tensor[]) => [mul(dy, counted(at(saved, 0), at(saved, 1))), mul(dy, at(saved, 0))],
    };
  });
  return sum<Tensor1D>(product(weights, values), 1);
}

/** The values that count. */
function counted(weight: Tensor, value: Tensor): Tensor {
  return where(equal(weight, 0), zerosLike(value), value);
}
