/** How much of an image a map lights up: the fourth metric of Lee & Kim 2021, section 4.2. */
import {at} from '../../core/at.js';
import {mapValues, type ValuesOfMap} from './map-values.js';

/**
 * Computes the mean value of a map, its brightness.
 *
 * @param map Any map; those of this library are in [0,1].
 * @returns The mean, within the range of the map's values.
 * @throws {TypeError} If it is no map.
 * @throws {RangeError} If the map has no values or one is not finite.
 */
export function meanIntensity(map: ValuesOfMap): number {
  const data = mapValues('meanIntensity', map);
  let sum = 0;
  for (let index = 0; index < data.length; index++) sum += at(data, index);
  return sum / data.length;
}
