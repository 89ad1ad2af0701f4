/** The Kullback–Leibler divergence of two softmax distributions, from logits, without a log of 0. */
import {exp, logSoftmax, sub, tidy, type Tensor1D, type Tensor2D} from '@tensorflow/tfjs-core';
import {expectation} from './_expectation.js';
import {sameShape} from './_same-shape.js';

/**
 * Computes `KL(p ‖ q) = Σ_k p_k · (log p_k − log q_k)` for `p = softmax(targetLogits)` and
 * `q = softmax(logits)`, per sample. Logits may be log-probabilities, with −∞ for a probability of 0, as
 * long as one of a row is finite. A term with `p_k = 0` is 0, whatever `q_k` is. Where `q_k = 0` and `p_k` is not,
 * the divergence is infinite, as it is in the books. Training never sees that: it takes a teacher's −∞ for
 * the smallest probability that float32 has.
 *
 * @param targetLogits `[N,K]`, the distribution to be matched (the teacher).
 * @param logits `[N,K]`, the distribution that should match it.
 * @returns `[N]`, each ≥ 0 up to rounding, or infinite; the caller's. Differentiable in both; the derivative
 *   `q − p` with respect to `logits` is always finite.
 * @throws {TypeError} If one is no tensor, or a disposed one.
 * @throws {RangeError} If the two are not of one shape `[N,K]`.
 */
export function klDivergence(targetLogits: Tensor2D, logits: Tensor2D): Tensor1D {
  sameShape('klDivergence', {targetLogits, logits});
  return tidy(() => {
    const logTarget = logSoftmax(targetLogits, -1);
    return expectation(exp(logTarget), sub(logTarget, logSoftmax(logits, -1)));
  });
}
