/** A map drawn as a picture: low values at one end of a colour scale, high ones at the other. */
import {colorTable, type ColormapName} from './colormap.js';
import {checkMap, type MapLike, type RgbaImage} from './pixels.js';

/** Options of {@link colorize}. */
export interface ColorizeOptions {
  /** The colour scale. @default 'turbo' */
  readonly colormap?: ColormapName | undefined;
  /**
   * The values at the two ends of the scale; what lies outside takes the colour of the end. Without
   * it, the smallest and the largest finite value of the map. Give `[0, 1]` to compare the maps of
   * the attentive distiller with each other.
   */
  readonly range?: readonly [low: number, high: number] | undefined;
}

/**
 * Colours a map: `table[round(255 · (value − low) / (high − low))]`. A map without structure gets
 * the colour of the low end throughout; NaN becomes a transparent pixel.
 *
 * @param map Any finite values; higher is further along the scale.
 * @returns A picture of the map's size.
 * @throws {RangeError} If the size does not fit the data, the range is reversed or not finite, or
 * the scale is unknown.
 */
export function colorize(map: MapLike, options: ColorizeOptions = {}): RgbaImage {
  const {colormap = 'turbo', range} = options;
  checkMap(map);
  const table = colorTable(colormap);
  const [low, high] = range ?? finiteRange(map.data);
  if (!(Number.isFinite(low) && Number.isFinite(high) && low <= high)) {
    throw new RangeError(`range must be two finite numbers, low before high, but is [${low}, ${high}].`);
  }
  const data = new Uint8ClampedArray(map.data.length * 4);
  for (let pixel = 0; pixel < map.data.length; pixel++) {
    const value = map.data[pixel] as number;
    if (Number.isNaN(value)) continue;
    const inside = Math.min(Math.max(value, low), high);
    const entry = high > low ? Math.round((255 * (inside - low)) / (high - low)) : 0;
    for (let colour = 0; colour < 3; colour++) data[pixel * 4 + colour] = table[entry * 3 + colour] as number;
    data[pixel * 4 + 3] = 255;
  }
  return {data, width: map.width, height: map.height, channels: 4};
}

function finiteRange(values: ArrayLike<number>): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as number;
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : [0, 0];
}
