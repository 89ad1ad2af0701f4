/** How much of a map's mass lies where the evidence is known to be. */
import {at} from '../../core/at.js';
import {isNumberList, show} from '../../core/check.js';
import {mapValues, type ValuesOfMap} from './map-values.js';
import {checkMask} from './region.js';

/** The result of {@link evidenceShare}. */
export interface EvidenceShare {
  /** Share of the map's mass inside the mask, 0–1; 0 for a map without mass. */
  readonly share: number;
  /** Share of the pixels inside the mask, 0–1: what a flat map would get. */
  readonly areaShare: number;
  /** `share / areaShare`: 1 is chance, more is better. */
  readonly ratio: number;
}

/**
 * Computes the share of a map's mass inside a mask, and how that compares with the mask's area.
 *
 * @param map A map without negative values.
 * @param mask One entry per pixel of the map, row-major: true or 1 where the evidence is.
 * @throws {TypeError} If `map` is no map or `mask` no list of booleans or numbers.
 * @throws {RangeError} If the lengths differ, the mask is empty, or a value is negative or not finite.
 */
export function evidenceShare(map: ValuesOfMap, mask: ArrayLike<boolean | number>): EvidenceShare {
  const where = 'evidenceShare';
  const data = mapValues(where, map);
  if (!isNumberList(mask)) throw new TypeError(`${where}: mask must be a list with one entry per pixel, but is ${show(mask)}.`);
  checkMask(`${where}: mask`, mask);
  if (data.length !== mask.length) {
    throw new RangeError(`${where}: mask must have one entry per pixel, but has ${mask.length} for ${data.length} pixels.`);
  }
  let [mass, inside, area] = [0, 0, 0];
  for (let index = 0; index < data.length; index++) {
    const value = at(data, index);
    if (value < 0) throw new RangeError(`${where}: map must have values of at least 0, but is ${value} at index ${index}.`);
    mass += value;
    if (!mask[index]) continue;
    inside += value;
    area += 1;
  }
  if (area === 0) throw new RangeError(`${where}: mask must mark at least one pixel, but is empty.`);
  const share = mass === 0 ? 0 : inside / mass;
  const areaShare = area / data.length;
  return {share, areaShare, ratio: share / areaShare};
}
