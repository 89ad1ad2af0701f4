/** Which classes are explained, per image, once the scores of the unmasked images are known. */
import {checkInteger, checkOneOf, show} from '../core/check.js';
import type {Target} from '../core/types.js';

/** One class to be explained. */
export interface ResolvedTarget {
  /** Index of the class. */
  readonly target: number;
  /** Its score for the unmasked image. */
  readonly score: number;
}

/**
 * Finds the classes that are explained: the one with the highest score (the first of equals), the
 * given ones in their order, or for a model with two classes the side 1 (`positive`) or 0.
 *
 * @param where Names the caller in messages.
 * @param target What was asked for. @default 'argmax'
 * @param scores `N · numClasses` values of the unmasked images, row by row.
 * @returns One list per image.
 * @throws {TypeError} If `target` is none of its forms.
 * @throws {RangeError} If a class does not exist, the list is empty, or a side is asked of a model
 *   that has not two classes.
 */
export function resolveTargets(
  where: string,
  target: Target | undefined,
  scores: {readonly values: Float32Array; readonly numClasses: number},
): ResolvedTarget[][] {
  const {values, numClasses} = scores;
  const given = givenClasses(`${where}: target`, target, numClasses);
  return Array.from({length: values.length / numClasses}, (_, image) => {
    const row = values.subarray(image * numClasses, (image + 1) * numClasses);
    return (given ?? [argmax(row)]).map((each) => ({target: each, score: row[each] as number}));
  });
}

/** The classes that were asked for, `undefined` for the highest score. */
function givenClasses(where: string, target: Target | undefined, numClasses: number): readonly number[] | undefined {
  if (target === undefined || target === 'argmax') return undefined;
  if (typeof target === 'number') return [checkInteger(where, target, 0, numClasses - 1)];
  if (Array.isArray(target)) {
    if (target.length === 0)
      throw new RangeError(`${where} must name at least one class from 0 to ${numClasses - 1}, but is an empty list.`);
    return target.map((each: unknown, index) => checkInteger(`${where}[${index}]`, each, 0, numClasses - 1));
  }
  if (typeof target !== 'object' || target === null) {
    throw new TypeError(`${where} must be 'argmax', a class, a list of classes or {kind: 'binary', positive}, but is ${show(target)}.`);
  }
  const {kind, positive} = target as {kind: unknown; positive: unknown};
  checkOneOf(`${where}.kind`, kind, ['binary']);
  if (typeof positive !== 'boolean') throw new TypeError(`${where}.positive must be true or false, but is ${show(positive)}.`);
  if (numClasses !== 2) {
    throw new RangeError(
      `${where} must be a class from 0 to ${numClasses - 1}: sides are for models with one output or two classes, but this one has ${numClasses}.`,
    );
  }
  return [positive ? 1 : 0];
}

function argmax(row: Float32Array): number {
  return row.reduce((best, value, index) => (value > (row[best] as number) ? index : best), 0);
}
