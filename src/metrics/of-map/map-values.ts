/** What every metric of a map alone begins with: the check of its values, and their peak. */
import {Tensor} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {checkNumbers, isNumberList, show} from '../../core/check.js';

/** Anything with the values of a map. */
export interface ValuesOfMap {
  /** Finite values, in any order. */
  readonly data: ArrayLike<number>;
}

/**
 * Returns the values of a map if there are any and all are finite.
 *
 * @throws {TypeError} If it is no map, or several.
 * @throws {RangeError} If there are no values, or one is NaN or infinite.
 */
export function mapValues(where: string, map: ValuesOfMap): ArrayLike<number> {
  const data = (map as ValuesOfMap | null | undefined)?.data;
  if (Array.isArray(map))
    throw new TypeError(`${where}: map must be one map, but is ${show(map)}: take one of them, such as the first, [0].`);
  if (map instanceof Tensor) throw new TypeError(`${where}: map must be {data}, but is ${show(map)}: pass {data: await tensor.data()}.`);
  if (typeof map !== 'object' || !isNumberList(data))
    throw new TypeError(`${where}: map must be {data} with a list of numbers, but is ${show(map)}.`);
  checkNumbers(`${where}: map.data`, data);
  if (data.length === 0) throw new RangeError(`${where}: map must have values, but is empty.`);
  checkFiniteValues(`${where}: map`, data);
  return data;
}

/**
 * Finds the highest value and how many pixels share it; none in a flat map, which points nowhere.
 *
 * @param values Finite, at least one.
 */
export function peakOf(values: ArrayLike<number>): {readonly high: number; readonly peaks: number} {
  let [low, high, peaks] = [Infinity, -Infinity, 0];
  for (let pixel = 0; pixel < values.length; pixel++) {
    const value = at(values, pixel);
    low = Math.min(low, value);
    if (value > high) [high, peaks] = [value, 0];
    if (value === high) peaks += 1;
  }
  return {high, peaks: low < high ? peaks : 0};
}

/** Checks values that were read. @throws {RangeError} If one is NaN or infinite. */
export function checkFiniteValues(where: string, values: ArrayLike<number>): void {
  for (let index = 0; index < values.length; index++) {
    if (!Number.isFinite(values[index]))
      throw new RangeError(`${where} must have finite values, but is ${values[index]} at index ${index}.`);
  }
}
