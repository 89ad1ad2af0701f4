/**
 * What drawing works on: RGBA pixels, and any rectangle of numbers as a map. Nothing here needs a
 * canvas; in a browser, `new ImageData(image.data, image.width, image.height)` shows a result.
 */
import {show} from '../core/check.js';
import type {DecodedImage} from '../core/types.js';
import {checkDecodedImage} from '../data/decoded-image.js';

/** A picture with four channels, row-major; also a {@link DecodedImage}. */
export interface RgbaImage {
  /** `height · width · 4` values in 0–255. */
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  /** Pixels per row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Always 4. */
  readonly channels: 4;
}

/** A rectangle of numbers, row-major. Every saliency map is one. */
export interface MapLike {
  /** `height · width` values. */
  readonly data: ArrayLike<number>;
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
}

/** A colour as red, green, blue in 0–255. */
export type Rgb = readonly [red: number, green: number, blue: number];

/**
 * Copies a picture into RGBA with full alpha: grey is repeated over the colours, an alpha channel
 * is ignored.
 *
 * @param image 1, 3 or 4 channels, values 0–255; fractions are rounded.
 * @returns A new picture of the same size.
 * @throws {TypeError} If it is no decoded picture.
 * @throws {RangeError} If the length of `data` does not fit the size.
 */
export function toRgba(image: DecodedImage): RgbaImage {
  const {data: source, width, height, channels} = checkDecodedImage('image', image);
  const size = width * height;
  const step = channels === 1 ? 0 : 1;
  const data = new Uint8ClampedArray(size * 4);
  for (let pixel = 0; pixel < size; pixel++) {
    const from = pixel * channels;
    for (let colour = 0; colour < 3; colour++) data[pixel * 4 + colour] = source[from + step * colour] as number;
    data[pixel * 4 + 3] = 255;
  }
  return {data, width, height, channels: 4};
}

/** @throws {RangeError} If a map's size and length disagree. */
export function checkMap(map: MapLike): void {
  const {data, width, height} = map;
  if (!(width >= 1 && height >= 1 && data.length === width * height)) {
    throw new RangeError(`map of ${show(width)} x ${show(height)} must have ${width * height} values, but has ${data.length}.`);
  }
}
