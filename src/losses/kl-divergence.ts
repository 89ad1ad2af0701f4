/** The Kullback–Leibler divergence of two softmax distributions, from logits, without a log of 0. */
import {exp, logSoftmax, mul, sub, sum, tidy, type Tensor1D, type Tensor2D} from '@tensorflow/tfjs-core';
import {sameShape} from './_same-shape.js';

/**
 * Computes `KL(p ‖ q) = Σ_k p_k · (log p_k − log q_k)` for `p = softmax(targetLogits)` and
 * `q = softmax(logits)`, per sample. A term with `p_k = 0` is 0.
 *
 * @param targetLogits `[N,K]`, the distribution to be matched (the teacher).
 * @param logits `[N,K]`, the distribution that should match it.
 * @returns `[N]`, each ≥ 0 up to rounding; the caller's. Differentiable in both.
 * @throws {RangeError} If the two are not of one shape `[N,K]`.
 */
export function klDivergence(targetLogits: Tensor2D, logits: Tensor2D): Tensor1D {
  sameShape('klDivergence', {targetLogits, logits});
  return tidy(() => {
    const logTarget = logSoftmax(targetLogits, -1);
    return sum(mul(exp(logTarget), sub(logTarget, logSoftmax(logits, -1))), 1) as Tensor1D;
  });
}
