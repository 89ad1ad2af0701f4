/**
 * Logits with a probability of exactly 0, as the logarithm of a softmax gives them, made fit for training: the
 * divergence from a distribution that rules out what the other one allows is infinite, and has no direction.
 */
import {customGrad, greater, max, sub, tidy, where, zerosLike, type GradSaveFunc, type Tensor, type Tensor2D} from '@tensorflow/tfjs-core';
import {at} from '../core/at.js';

// Minus the logarithm of the smallest normal float32: a softmax can tell what lies further below its largest from nothing.
const TINIEST = 87.3;
const LOWEST = -3.4e38;

/**
 * Puts logits of −∞ so far below the largest of their row that their probability is the smallest that float32 has.
 * All others stay as they are, NaN included.
 *
 * @param logits `[N,K]`, borrowed.
 * @returns `[N,K]`, the caller's; differentiable, with the derivative 0 for what was −∞.
 */
export function finiteLogits(logits: Tensor2D): Tensor2D {
  const raise = customGrad((...given) => {
    const [x, save] = given as [Tensor, GradSaveFunc];
    const value = tidy(() => where(ruledOut(x), sub(max(x, -1, true), TINIEST), x));
    // What was given, not what was computed: tfjs' profiler takes for a leak what a forward pass leaves behind.
    save([x]);
    return {value, gradFunc: (dy: Tensor, saved: Tensor[]) => where(ruledOut(at(saved, 0)), zerosLike(dy), dy)};
  });
  return tidy(() => raise(logits) as Tensor2D);
}

/** Said in this way round, NaN stays NaN. */
function ruledOut(x: Tensor): Tensor {
  return greater(LOWEST, x);
}
