/**
 * What drawing works on: RGBA pixels, and any rectangle of numbers as a map. Nothing here needs a
 * canvas; in a browser, `new ImageData(image.data, image.width, image.height)` shows a result.
 */
import {checkNumber, checkNumbers, checkSize, isPromise, show} from '../core/check.js';
import {number, tuple} from '../core/fields.js';
import type {Field} from '../core/options.js';
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

/** An option that is a colour. */
export const colorField: Field<Rgb | undefined> = /* @__PURE__ */ (() => {
  const part = number(0, 255);
  return tuple<Rgb>('[red, green, blue], each 0–255', part, part, part);
})();

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
  return rgbaOf('toRgba: image', image);
}

/** As {@link toRgba}; `name` is the function and argument of the caller. */
export function rgbaOf(name: string, image: DecodedImage): RgbaImage {
  const {data: source, width, height, channels} = checkDecodedImage(name, image);
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

/**
 * Checks a map.
 *
 * @param name The function and argument, for messages.
 * @throws {TypeError} If it is no `{data, width, height}` with numbers.
 * @throws {RangeError} If its size and length disagree.
 */
export function checkMap(name: string, map: MapLike): void {
  if (typeof map !== 'object' || (map as unknown) === null || Array.isArray(map) || isPromise(map) || !('data' in map)) {
    throw new TypeError(`${name} must be a map {data, width, height}, but is ${show(map)}.`);
  }
  const {data, width, height} = map;
  checkSize(name, height, width);
  checkNumbers(`${name}.data`, data);
  if (data.length !== width * height) {
    throw new RangeError(`${name} of ${height}×${width} (height×width) must have ${width * height} values, but has ${data.length}.`);
  }
}

/**
 * Returns a colour.
 *
 * @throws {TypeError | RangeError} If it is no list of three numbers in 0–255.
 */
export function checkColor(name: string, color: Rgb): Rgb {
  if (checkNumbers(name, color).length !== 3) throw new RangeError(`${name} must be [red, green, blue], but is ${show(color)}.`);
  color.forEach((value, index) => checkNumber(`${name}[${index}]`, value, 0, 255));
  return color;
}
