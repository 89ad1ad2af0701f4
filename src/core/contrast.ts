/** The target for "this class rather than that one". */
import {gather, squeeze, sub, tensor1d, tidy, type Tensor1D} from '@tensorflow/tfjs-core';
import {checkInteger} from './check.js';
import type {TargetFn} from './types.js';

/**
 * Makes the target `z_a − z_b`: what speaks for class `a` rather than for class `b`.
 *
 * @param a Index of the class that is explained.
 * @param b Index of the class that it is compared with.
 * @returns A function of the logits, for the option `target`.
 * @throws {TypeError | RangeError} If a class is no whole number from 0, or both are the same.
 * @example
 * const [map] = await gradCam(image, teacher, {target: contrast(281, 282)});
 */
export function contrast(a: number, b: number): TargetFn {
  checkInteger('contrast: a', a);
  checkInteger('contrast: b', b);
  if (a === b) throw new RangeError(`contrast: a and b must be two classes, but both are ${a}.`);
  return (logits) =>
    tidy(() => {
      const largest = logits.shape[1] - 1;
      checkInteger('contrast: a', a, 0, largest);
      checkInteger('contrast: b', b, 0, largest);
      const column = (index: number): Tensor1D => squeeze(gather(logits, tensor1d([index], 'int32'), 1), [1]);
      return sub<Tensor1D>(column(a), column(b));
    });
}
