/** A map drawn as a picture: low values at one end of a colour scale, high ones at the other. */
import {show} from '../core/check.js';
import {absentMeans, number, oneOf, tuple, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import {colormapNames, colorTable, type ColormapName} from './colormap.js';
import {checkMap, type MapLike, type RgbaImage} from './pixels.js';

/** Options of {@link colorize}. */
export interface ColorizeOptions {
  /** The colour scale. @default 'turbo' */
  readonly colormap?: ColormapName | undefined;
  /**
   * The values at the two ends of the scale; what lies outside takes the colour of the end. Without
   * it, the smallest and the largest finite value of the map. Give `[0, 1]` to compare the maps of
   * the attentive distiller with each other.
   * @default from the smallest to the largest value
   */
  readonly range?: readonly [low: number, high: number] | undefined;
}

/** `ColorizeOptions` with their defaults. */
export type ColorizeSettings = Settled<ColorizeOptions, 'range'>;

/** The options of {@link colorize}. */
export const colorizeSchema: OptionsSchema<ColorizeSettings> = /* @__PURE__ */ (() => ({
  where: 'colorize',
  fields: {
    colormap: withDefault(oneOf(...colormapNames), 'turbo'),
    range: absentMeans(tuple<readonly [number, number]>('[low, high]', number(), number()), 'from the smallest to the largest value'),
  },
}))();

/**
 * Colours a map: `table[round(255 · (value − low) / (high − low))]`. A map without structure gets
 * the colour of the low end throughout; NaN becomes a transparent pixel.
 *
 * @param map Any finite values; higher is further along the scale.
 * @returns A picture of the map's size.
 * @throws {TypeError} If the map is none, or an option is of the wrong kind or unknown.
 * @throws {RangeError} If the size does not fit the data, the range is reversed or not finite, or
 *   the scale is unknown.
 */
export function colorize(map: MapLike, options?: ColorizeOptions): RgbaImage {
  const settings = readOptions(colorizeSchema, options);
  checkMap('colorize: map', map);
  return colored('colorize', map, settings);
}

/** As {@link colorize}, for a map and options that are checked; `where` names the caller in messages. */
export function colored(where: string, map: MapLike, {colormap, range}: ColorizeSettings): RgbaImage {
  const table = colorTable(colormap);
  const [low, high] = range ?? finiteRange(map.data);
  if (low > high) throw new RangeError(`${where}: range must be [low, high], low before high, but is ${show(range)}.`);
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
