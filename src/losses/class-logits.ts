/**
 * One form for all logits: `[N,K]` with K ≥ 2. A network with a single sigmoid output z is the
 * two-class softmax of [0, z], so the losses need no second case.
 */
import {concat, tidy, zerosLike, type Tensor2D} from '@tensorflow/tfjs-core';
import {checkTensor} from '../core/check-tensor.js';

/**
 * Returns logits whose softmax is the class distribution: `[N,K]` as it is, `[N,1]` as `[N,2]`
 * (negative, positive). The result belongs to the caller.
 *
 * @throws {TypeError} If `logits` is no tensor, or a disposed one.
 * @throws {RangeError} If `logits` is not of rank 2.
 */
export function classLogits(logits: Tensor2D): Tensor2D {
  checkTensor('classLogits: logits', logits, [null, null]);
  return tidy(() => (logits.shape[1] === 1 ? concat([zerosLike(logits), logits], 1) : logits.clone()));
}
