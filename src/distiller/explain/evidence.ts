/** What is asked of a student: the number whose gradient guides the map, for each form of a target. */
import {max, mul, oneHot, sum, tensor1d, type Tensor1D} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import type {ClassKind, Target} from '../../core/types.js';
import {logClassProbabilities} from '../../losses/class-probabilities.js';
import type {Evidence} from '../../models/compiled/guided-student.js';
import {applyTarget} from '../../models/target-values.js';

/** The log-probability of the class of each image. */
export function logProbabilityOf(classes: ArrayLike<number>, kind: ClassKind): Evidence {
  return (logits) => {
    const chosen = oneHot(tensor1d(Int32Array.from(classes), 'int32'), logits.shape[1]);
    return sum(mul(logClassProbabilities(logits, kind), chosen), 1) as Tensor1D;
  };
}

/**
 * One number per map that an image gets, in the order of the maps.
 *
 * @param where Names the caller in messages.
 * @param first Index among all images of the first of the batch.
 * @param count Images in the batch.
 * @param kind What the logits mean.
 */
export function evidenceOf(
  where: string,
  target: Target | undefined,
  {first, count, kind}: {readonly first: number; readonly count: number; readonly kind: ClassKind},
): Evidence[] {
  const alike = (index: number): Evidence => logProbabilityOf(new Int32Array(count).fill(index), kind);
  if (target === undefined || target === 'argmax') return [(logits) => max(logClassProbabilities(logits, kind), 1) as Tensor1D];
  if (typeof target === 'function') return [(logits) => applyTarget(where, target, logits)];
  if (typeof target === 'number') return [alike(target)];
  if ('perImage' in target)
    return [
      logProbabilityOf(
        Int32Array.from({length: count}, (_, image) => at(target.perImage, first + image)),
        kind,
      ),
    ];
  if ('kind' in target) return [alike(target.positive ? 1 : 0)];
  return target.map(alike);
}
