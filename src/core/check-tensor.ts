/** The check of a tensor, apart from those that need no tfjs: a page that only paints maps does not load it. */
import {Tensor} from '@tensorflow/tfjs-core';
import {checkShape, show} from './check.js';

/**
 * Returns `value` if it is a tensor that can be read, and of the shape, where one is given.
 *
 * @throws {TypeError} If it is no tensor, or a disposed one.
 * @throws {RangeError} If its shape differs from the pattern.
 */
export function checkTensor<T extends Tensor>(where: string, value: T, pattern?: readonly (number | null)[]): T {
  if (!(value instanceof Tensor) || value.isDisposed) throw new TypeError(`${where} must be a tensor, but is ${show(value)}.`);
  if (pattern !== undefined) checkShape(where, value.shape, pattern);
  return value;
}
