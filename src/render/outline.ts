/** The border of a region, and that border drawn over a picture. */
import {checkNumbers, checkSize} from '../core/check.js';
import {oneOf, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import type {DecodedImage} from '../core/types.js';
import {checkColor, rgbaOf, type Rgb, type RgbaImage} from './pixels.js';

/** Options of {@link outline}. */
export interface OutlineOptions {
  /** `'inside'`: the region's own border pixels. `'outside'`: the pixels around it. @default 'inside' */
  readonly side?: 'inside' | 'outside' | undefined;
}

/** The options of {@link outline}. */
export const outlineSchema: OptionsSchema<Settled<OutlineOptions>> = /* @__PURE__ */ (() => ({
  where: 'outline',
  fields: {side: withDefault(oneOf('inside', 'outside'), 'inside')},
}))();

/**
 * Finds the border of a region: pixels with one of their four neighbours on the other side. What
 * lies beyond the picture counts as outside the region.
 *
 * @param mask `width · height` values; any value other than 0 belongs to the region.
 * @returns `width · height` values, 1 on the border and 0 elsewhere.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {RangeError} If the length of `mask` does not fit, or a side is not above 0.
 */
export function outline(mask: ArrayLike<number>, width: number, height: number, options?: OutlineOptions): Uint8Array {
  const {side} = readOptions(outlineSchema, options);
  checkSize('outline', height, width);
  if (checkNumbers('outline: mask', mask).length !== width * height) {
    throw new RangeError(`outline: mask of ${width}×${height} (width×height) must have ${width * height} values, but has ${mask.length}.`);
  }
  const wanted = side === 'inside';
  const inRegion = (x: number, y: number): boolean => x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] !== 0;
  const edges = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (inRegion(x, y) !== wanted) continue;
      const borders =
        inRegion(x - 1, y) !== wanted || inRegion(x + 1, y) !== wanted || inRegion(x, y - 1) !== wanted || inRegion(x, y + 1) !== wanted;
      if (borders) edges[y * width + x] = 1;
    }
  }
  return edges;
}

/**
 * Paints the pixels of a mask over a picture, for example those of {@link outline}.
 *
 * @param mask As many values as the picture has pixels; others than 0 are painted.
 * @param color Red, green, blue in 0–255.
 * @returns A picture of the size of `image`, which is not changed.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {RangeError} If the length of `mask` does not fit, or the colour is outside 0–255.
 */
export function paint(image: DecodedImage, mask: ArrayLike<number>, color: Rgb): RgbaImage {
  const painted = rgbaOf('paint: image', image);
  checkColor('paint: color', color);
  if (checkNumbers('paint: mask', mask).length * 4 !== painted.data.length) {
    throw new RangeError(`paint: mask must have ${image.width * image.height} values, one per pixel, but has ${mask.length}.`);
  }
  for (let pixel = 0; pixel < mask.length; pixel++) {
    if (mask[pixel] !== 0) painted.data.set([...color, 255], pixel * 4);
  }
  return painted;
}
