/** Whether a map's peak lies where the evidence is known to be (Zhang et al. 2018). */
import {checkNumber} from '../../core/check.js';
import {finiteValues} from './finite-values.js';
import {regionMask, type PlaneMap, type Region} from './region.js';

/** Options of {@link pointingGame}. */
export interface PointingOptions {
  /** Distance from the region, in pixels of the map (Euclidean, centre to centre), that still counts as inside; at least 0. @default 0 */
  readonly tolerance?: number | undefined;
}

/** The result of {@link pointingGame}. */
export interface Pointing {
  /** Whether any of the highest pixels lies inside; false for a flat map. */
  readonly hit: boolean;
  /** How many pixels share the highest value; 0 for a flat map, which points nowhere. */
  readonly peaks: number;
  /** How many of these lie inside: `inside / peaks` is the chance of a hit if ties are drawn. */
  readonly inside: number;
}

/**
 * Plays the pointing game: does the map's highest pixel lie in the region? Where several pixels share
 * the highest value, one inside is enough, as in Quantus; `inside` and `peaks` allow a stricter rule.
 * A map of equal values never hits, other than in Quantus. The authors allow 15 pixels around
 * the peak: `tolerance: 15`; here it is 0.
 *
 * @param map A map with its size; values finite.
 * @param region Boxes as fractions, or a mask with one entry per pixel of the map.
 * @returns The hit and its ties; the accuracy over images is the mean of `hit`.
 * @throws {TypeError | RangeError} If the region is empty or malformed, a value is not finite, or
 *   `tolerance` is negative.
 * @see Zhang et al. 2018, "Top-Down Neural Attention by Excitation Backprop", section 4.1.
 * @example
 * const {hit} = pointingGame(map, [[0.25, 0.1, 0.6, 0.9]], {tolerance: 15});
 */
export function pointingGame(map: PlaneMap, region: Region, options: PointingOptions = {}): Pointing {
  const {tolerance = 0} = options;
  checkNumber('pointingGame: tolerance', tolerance, 0);
  const data = finiteValues('pointingGame', map);
  const mask = regionMask('pointingGame', region, map);
  let low = Infinity;
  let high = -Infinity;
  for (let pixel = 0; pixel < data.length; pixel++) {
    low = Math.min(low, data[pixel] as number);
    high = Math.max(high, data[pixel] as number);
  }
  let peaks = 0;
  let inside = 0;
  for (let pixel = 0; pixel < data.length && low < high; pixel++) {
    if (data[pixel] !== high) continue;
    peaks += 1;
    if (isNear(mask, map, pixel, tolerance)) inside += 1;
  }
  return {hit: inside > 0, peaks, inside};
}

function isNear(mask: Uint8Array, {height, width}: PlaneMap, pixel: number, tolerance: number): boolean {
  if (mask[pixel] === 1) return true;
  const [row, column] = [Math.floor(pixel / width), pixel % width];
  const reach = Math.floor(tolerance);
  for (let y = Math.max(0, row - reach); y <= Math.min(height - 1, row + reach); y++) {
    for (let x = Math.max(0, column - reach); x <= Math.min(width - 1, column + reach); x++) {
      if (mask[y * width + x] === 1 && Math.hypot(y - row, x - column) <= tolerance) return true;
    }
  }
  return false;
}
