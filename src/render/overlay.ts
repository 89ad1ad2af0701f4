/** A coloured map laid over the picture it explains. */
import {number, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import type {DecodedImage} from '../core/types.js';
import {colored, colorizeSchema, type ColorizeOptions} from './colorize.js';
import {checkMap, rgbaOf, type MapLike, type RgbaImage} from './pixels.js';
import {fitMap} from './resize-map.js';

/** Options of {@link overlay}. */
export interface OverlayOptions extends ColorizeOptions {
  /** Share of the map in the mixture, 0 (picture alone) to 1 (map alone). @default 0.5 */
  readonly opacity?: number | undefined;
}

/** The options of {@link overlay}. */
export const overlaySchema: OptionsSchema<Settled<OverlayOptions, 'range'>> = /* @__PURE__ */ (() => ({
  where: 'overlay',
  fields: {...colorizeSchema.fields, opacity: withDefault(number(0, 1), 0.5)},
}))();

/**
 * Mixes a picture with its coloured map: `(1 − opacity) · image + opacity · colorize(map)`. The map
 * is resized to the picture, bilinearly with half-pixel centres; where it is NaN, the picture stays.
 *
 * @returns A picture of the size of `image`, which is not changed.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {RangeError} If `opacity` is outside 0–1, a size does not fit its data, or as `colorize` does.
 *
 * @example
 * ```ts
 * const picture = overlay(image, map, {colormap: 'inferno', opacity: 0.6});
 * ```
 */
export function overlay(image: DecodedImage, map: MapLike, options?: OverlayOptions): RgbaImage {
  const {opacity, ...colors} = readOptions(overlaySchema, options);
  const under = rgbaOf('overlay: image', image);
  checkMap('overlay: map', map);
  const over = colored('overlay', fitMap(map, image), colors);
  for (let index = 0; index < under.data.length; index += 4) {
    const share = (opacity * (over.data[index + 3] as number)) / 255;
    for (let channel = index; channel < index + 3; channel++) {
      under.data[channel] = (1 - share) * (under.data[channel] as number) + share * (over.data[channel] as number);
    }
  }
  return under;
}
