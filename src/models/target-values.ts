/** The values of a target that is a function of the logits. */
import {Tensor, tensor2d, tidy, type Tensor1D, type Tensor2D} from '@tensorflow/tfjs-core';
import {show} from '../core/check.js';
import type {TargetFn} from '../core/types.js';
import type {BatchScores} from './score-function.js';

/**
 * Calls the function and checks what it gives; inside `tidy`.
 *
 * @throws {TypeError} If it gives no tensor.
 * @throws {RangeError} If that has not one value per image.
 */
export function applyTarget(where: string, target: TargetFn, logits: Tensor2D): Tensor1D {
  const values: unknown = target(logits);
  if (!(values instanceof Tensor))
    throw new TypeError(`${where}: target must return a tensor [N], one value per image, but returned ${show(values)}.`);
  if (values.rank !== 1 || values.shape[0] !== logits.shape[0]) {
    throw new RangeError(
      `${where}: target must return a tensor [N], one value per image, but returned ${show(values)} for ${logits.shape[0]} images.`,
    );
  }
  return values as Tensor1D;
}

/** The function's values for scores that were read, as scores with one column. @throws {RangeError} If a value is not finite. */
export async function valuesOf(where: string, target: TargetFn, {values, numClasses}: BatchScores): Promise<BatchScores> {
  const made = tidy(() => applyTarget(where, target, tensor2d(values, [values.length / numClasses, numClasses])));
  try {
    const read = Float32Array.from(await made.data());
    const bad = read.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0)
      throw new RangeError(`${where}: target must return finite values, but returned ${read[bad]} for image ${bad} of the batch.`);
    return {values: read, numClasses: 1};
  } finally {
    made.dispose();
  }
}
