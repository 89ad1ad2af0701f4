/** Which numbers are explained, per image, once the scores of the unmasked images are known. */
import {at} from '../core/at.js';
import {checkInteger} from '../core/check.js';
import {targetField} from '../core/common-options.js';
import {refusal} from '../core/options.js';
import type {Target, TargetFn} from '../core/types.js';
import type {BatchScores} from './score-function.js';

/** One number to be explained. */
export interface ResolvedTarget {
  /** Index of the class; −1 where the target is a function of the logits. */
  readonly target: number;
  /** Its score for the unmasked image. */
  readonly score: number;
}

/** Whether a target is a function of the logits. */
export function isTargetFn(target: Target | undefined): target is TargetFn {
  return typeof target === 'function';
}

/** Where the scores of a batch hold a target: scores of a function have one column. */
export function columnOf({target}: Pick<ResolvedTarget, 'target'>): number {
  return Math.max(target, 0);
}

/**
 * Checks a target as far as that is possible before the model is asked.
 *
 * @throws {TypeError | RangeError} If it is none of its forms, or `perImage` has another length than there are images.
 */
export function checkTarget(where: string, target: Target | undefined, numImages: number): void {
  if (target === undefined) return;
  const problem = targetField.problem(target);
  if (problem !== undefined) throw refusal(where, {...problem, path: `target${problem.path}`});
  if (typeof target !== 'object' || !('perImage' in target) || target.perImage.length === numImages) return;
  throw new RangeError(
    `${where}: target.perImage must be one class for each image, but there are ${target.perImage.length} for ${numImages} images.`,
  );
}

/**
 * Finds what is explained: the class with the highest score (the first of equals), the given classes in their
 * order, the image's own class, a side, or the value of the function.
 *
 * @param where Names the caller in messages.
 * @param target What was asked for, checked. @default 'argmax'
 * @param scores Of the unmasked images, row by row; of a function one column.
 * @param first Index among all images of the first of these.
 * @returns One list per image.
 * @throws {RangeError} If a class does not exist, or a side is asked of a model that has not two classes.
 */
export function resolveTargets(
  where: string,
  target: Target | undefined,
  {values, numClasses}: BatchScores,
  first: number = 0,
): ResolvedTarget[][] {
  return Array.from({length: values.length / numClasses}, (_, image) => {
    const row = values.subarray(image * numClasses, (image + 1) * numClasses);
    if (isTargetFn(target)) return [{target: -1, score: at(row, 0)}];
    return classesOf(`${where}: target`, target, row, first + image).map((each) => ({target: each, score: at(row, each)}));
  });
}

/** As {@link resolveTargets} where there is one number per image. */
export function resolveSingleTargets(...parameters: Parameters<typeof resolveTargets>): ResolvedTarget[] {
  return resolveTargets(...parameters).map(([only]) => only as ResolvedTarget);
}

/** The classes of image number `image`. */
function classesOf(where: string, target: Exclude<Target, TargetFn> | undefined, row: Float32Array, image: number): readonly number[] {
  const last = row.length - 1;
  if (target === undefined || target === 'argmax') return [argmax(row)];
  if (typeof target === 'number') return [checkInteger(where, target, 0, last)];
  if ('perImage' in target) return [checkInteger(`${where}.perImage[${image}]`, target.perImage[image], 0, last)];
  if (!('kind' in target)) return target.map((each, index) => checkInteger(`${where}[${index}]`, each, 0, last));
  if (row.length !== 2) {
    throw new RangeError(
      `${where} must be a class from 0 to ${last}: sides are for models with one output or two classes, but this one has ${row.length}.`,
    );
  }
  return [target.positive ? 1 : 0];
}

function argmax(row: Float32Array): number {
  return row.reduce((best, value, index) => (value > at(row, best) ? index : best), 0);
}
