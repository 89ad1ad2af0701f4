/** The check of a decoded picture, once, before its pixels are used; and its mirror image. */
import {show} from '../core/check.js';
import type {DecodedImage} from '../core/types.js';

/** A picture whose fields were checked. */
export interface CheckedImage extends DecodedImage {
  readonly channels: 1 | 3 | 4;
}

/**
 * Returns the picture with its number of channels.
 *
 * @param where Names the argument in messages, e.g. `'images[2]'`.
 * @throws {TypeError} If it is no `{data, width, height}` with bytes or 32-bit floats.
 * @throws {RangeError} If a size is not a whole number above 0, the length of `data` does not fit,
 *   or a float is not within 0–255.
 */
export function checkDecodedImage(where: string, image: unknown): CheckedImage {
  if (typeof image !== 'object' || image === null || !('data' in image)) {
    throw new TypeError(`${where} must be a tensor or {data, width, height} (ImageData), but is ${show(image)}.`);
  }
  const {data, width, height, channels} = image as Partial<DecodedImage>;
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray || data instanceof Float32Array)) {
    throw new TypeError(`${where}.data must be a Uint8Array, Uint8ClampedArray or Float32Array, but is ${show(data)}.`);
  }
  if (!isSize(width) || !isSize(height)) {
    throw new RangeError(`${where} must have a width and height of whole numbers from 1, but has ${show(width)}×${show(height)}.`);
  }
  const found = channels ?? data.length / (width * height);
  if (found !== 1 && found !== 3 && found !== 4) {
    const what = channels === undefined ? `${data.length} values for ${width}×${height} pixels` : `channels ${show(channels)}`;
    throw new RangeError(`${where} must have 1 (grey), 3 (RGB) or 4 (RGBA) values per pixel, but has ${what}.`);
  }
  if (data.length !== width * height * found) {
    throw new RangeError(`${where}.data must have ${width}·${height}·${found} = ${width * height * found} values, but has ${data.length}.`);
  }
  if (data instanceof Float32Array) checkPixels(where, data);
  return {data, width, height, channels: found};
}

/** Returns a copy with left and right exchanged of a picture whose `data` fits its size. */
export function flipImage(image: DecodedImage): DecodedImage {
  const {data, width, height, channels = data.length / (width * height)} = image;
  const flipped = data.slice();
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const from = (row * width + column) * channels;
      const to = (row * width + width - 1 - column) * channels;
      for (let channel = 0; channel < channels; channel++) flipped[to + channel] = data[from + channel] as number;
    }
  }
  return {data: flipped, width, height, channels: channels as 1 | 3 | 4};
}

function isSize(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0;
}

function checkPixels(where: string, data: Float32Array): void {
  for (let index = 0; index < data.length; index++) {
    const value = data[index] as number;
    if (!(value >= 0 && value <= 255)) {
      const advice = 'Pixels go through the preprocessing; pass values that are already normalized as a tensor.';
      throw new RangeError(`${where}.data must be within 0–255, but value ${index} is ${value}. ${advice}`);
    }
  }
}
