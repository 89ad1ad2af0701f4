/** Named preprocessings of the common model zoos, and the check of a caller's own. */
import {checkNumber, checkOneOf, show} from './check.js';
import type {Preprocessing} from './types.js';

/** `'tf'`: [−1,1]. `'torch'`: ImageNet mean and deviation. `'unit'`: [0,1]. `'none'`: pixels as they are. */
export type PreprocessingName = 'tf' | 'torch' | 'unit' | 'none';

const presets: Readonly<Record<PreprocessingName, Preprocessing>> = {
  tf: {scale: 1 / 127.5, mean: 1, std: 1},
  torch: {scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]},
  unit: {scale: 1 / 255, mean: 0, std: 1},
  none: {scale: 1, mean: 0, std: 1},
};

/**
 * Returns the preprocessing for a name, or checks the caller's own.
 *
 * @throws {RangeError} If the name is unknown, a number is not finite, or `std` is not above 0.
 */
export function resolvePreprocessing(preprocessing: PreprocessingName | Preprocessing): Preprocessing {
  if (typeof preprocessing === 'string') {
    return presets[checkOneOf('preprocessing', preprocessing, Object.keys(presets) as PreprocessingName[])];
  }
  if (typeof preprocessing !== 'object' || preprocessing === null) {
    throw new TypeError(`preprocessing must be a name or {scale, mean, std}, but is ${show(preprocessing)}.`);
  }
  checkNumber('preprocessing.scale', preprocessing.scale);
  for (const value of [preprocessing.mean].flat()) checkNumber('preprocessing.mean', value);
  for (const value of [preprocessing.std].flat()) checkNumber('preprocessing.std', value, Number.MIN_VALUE);
  return preprocessing;
}

/** Reads a per-channel value: the single number, or the entry of that channel. */
export function channelValue(values: number | readonly number[], channel: number): number {
  if (typeof values === 'number') return values;
  const value = values[channel];
  if (value === undefined) {
    throw new RangeError(`preprocessing has ${values.length} values, but the image has a channel ${channel}.`);
  }
  return value;
}
