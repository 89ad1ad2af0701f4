/** Whether a map's peak lies where the evidence is known to be (Zhang et al. 2018). */
import {at} from '../../core/at.js';
import {number, withDefault} from '../../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {mapValues, peakOf} from './map-values.js';
import {regionMask, type PlaneMap, type Region} from './region.js';

/** Options of {@link pointingGame}. */
export interface PointingOptions {
  /**
   * Distance from the region, in pixels of the map (Euclidean, centre to centre), that still counts as inside; at least 0.
   * @default 0
   */
  readonly tolerance?: number | undefined;
}

/** The options of pointingGame. */
export const pointingGameSchema: OptionsSchema<Settled<PointingOptions>> = {
  where: 'pointingGame',
  fields: {tolerance: withDefault(number(0), 0)},
};

/** The result of {@link pointingGame}. */
export interface Pointing {
  /**
   * The share of the highest pixels that lies inside, 0–1: 1 or 0 unless several share the highest value, and then the
   * chance of a hit if one of them is drawn. 0 for a flat map, which points nowhere.
   */
  readonly hit: number;
  /** How many pixels share the highest value; 0 for a flat map. */
  readonly peaks: number;
  /** How many of these lie inside. */
  readonly inside: number;
}

/**
 * Plays the pointing game: does the map's highest pixel lie in the region? Where several pixels share the highest
 * value, the share of them that lies inside counts, so that a saturated map gains nothing (Quantus is content with
 * one inside). A map of equal values never hits, other than in Quantus. The authors allow 15 pixels around the
 * peak: `tolerance: 15`; here it is 0.
 *
 * @param map A map with its size; values finite.
 * @param region Boxes as fractions, or a mask with one entry per pixel of the map.
 * @returns The hit and its ties; the accuracy over images is the mean of `hit`.
 * @throws {TypeError | RangeError} If the map or the region is malformed, a value is not finite, or `tolerance` is
 *   negative.
 * @see Zhang et al. 2018, "Top-Down Neural Attention by Excitation Backprop", section 4.1.
 * @example
 * const {hit} = pointingGame(map, [[0.25, 0.1, 0.6, 0.9]], {tolerance: 15});
 */
export function pointingGame(map: PlaneMap, region: Region, options?: PointingOptions): Pointing {
  const {tolerance} = readOptions(pointingGameSchema, options);
  const data = mapValues('pointingGame', map);
  const mask = regionMask('pointingGame', region, map);
  const {high, peaks} = peakOf(data);
  if (peaks === 0) return {hit: 0, peaks, inside: 0};
  const across = distancesInRow(mask, map);
  let inside = 0;
  for (let pixel = 0; pixel < data.length; pixel++) {
    if (data[pixel] === high && isNear(across, map, pixel, tolerance)) inside += 1;
  }
  return {hit: inside / peaks, peaks, inside};
}

/** How far each pixel is from the nearest marked one of its row, which is what keeps the search of saturated maps short. */
function distancesInRow(mask: Uint8Array, {height, width}: PlaneMap): Float64Array {
  const across = new Float64Array(height * width);
  for (let row = 0; row < height; row++) {
    const sweep = (from: number, step: number): void => {
      for (let column = from, distance = Infinity; column >= 0 && column < width; column += step, distance += 1) {
        const pixel = row * width + column;
        if (mask[pixel] === 1) distance = 0;
        across[pixel] = step === 1 ? distance : Math.min(at(across, pixel), distance);
      }
    };
    sweep(0, 1);
    sweep(width - 1, -1);
  }
  return across;
}

function isNear(across: Float64Array, {height, width}: PlaneMap, pixel: number, tolerance: number): boolean {
  if (across[pixel] === 0) return true;
  const [row, column] = [Math.floor(pixel / width), pixel % width];
  const reach = Math.min(Math.floor(tolerance), height);
  for (let y = Math.max(0, row - reach); y <= Math.min(height - 1, row + reach); y++) {
    if (Math.hypot(at(across, y * width + column), y - row) <= tolerance) return true;
  }
  return false;
}
