/** How much of an image a map lights up: the fourth measure of Lee & Kim 2021, section 4.2. */
import {finiteValues} from './finite-values.js';

/**
 * Computes the mean value of a map, its brightness.
 *
 * @param map Any map; those of this library are in [0,1].
 * @returns The mean, within the range of the map's values.
 * @throws {RangeError} If the map has no values or one is not finite.
 */
export function meanIntensity(map: {readonly data: ArrayLike<number>}): number {
  const data = finiteValues('meanIntensity', map);
  let sum = 0;
  for (let index = 0; index < data.length; index++) sum += data[index] as number;
  return sum / data.length;
}
