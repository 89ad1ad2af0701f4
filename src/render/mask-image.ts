/** The explanation x ⊙ H as a picture: what the map keeps, and a plain colour elsewhere. */
import type {DecodedImage} from '../core/types.js';
import {withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import {checkMap, colorField, rgbaOf, type MapLike, type Rgb, type RgbaImage} from './pixels.js';
import {fitMap} from './resize-map.js';

/** Options of {@link maskImage}. */
export interface MaskImageOptions {
  /**
   * The colour where the map is 0. Black is easy on the eye; a network sees the mean colour of its
   * preprocessing there (`'tf'`: 127.5 in each channel), so give that to see what it sees.
   * @default [0, 0, 0]
   */
  readonly fill?: Rgb | undefined;
}

/** The options of {@link maskImage}. */
export const maskImageSchema: OptionsSchema<Settled<MaskImageOptions>> = /* @__PURE__ */ (() => ({
  where: 'maskImage',
  fields: {fill: withDefault<Rgb, Rgb>(colorField, [0, 0, 0])},
}))();

/**
 * Multiplies a picture by its map: `fill + map · (image − fill)`, rounded. The map is resized to the
 * picture where needed and clamped to 0–1; NaN counts as 0.
 *
 * @returns A picture of the size of `image`, which is not changed.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {RangeError} If a size does not fit its data, or a colour is outside 0–255.
 */
export function maskImage(image: DecodedImage, map: MapLike, options?: MaskImageOptions): RgbaImage {
  const {fill} = readOptions(maskImageSchema, options);
  const masked = rgbaOf('maskImage: image', image);
  checkMap('maskImage: map', map);
  const {data} = fitMap(map, image);
  for (let pixel = 0; pixel < data.length; pixel++) {
    const value = data[pixel] as number;
    const keep = value > 0 ? Math.min(value, 1) : 0;
    for (let colour = 0; colour < 3; colour++) {
      const base = fill[colour] as number;
      const index = pixel * 4 + colour;
      masked.data[index] = base + keep * ((masked.data[index] as number) - base);
    }
  }
  return masked;
}
