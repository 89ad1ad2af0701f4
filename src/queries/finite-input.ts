/** Images as network input, refused where they hold NaN or infinite values. */
import {mul, sum, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import {show} from '../core/check.js';
import type {ImageInput, ImagesInput} from '../core/types.js';
import {inputOf, type InputMaker} from '../data/image-list.js';
import {decodeFiles} from '../data/read-image.js';

/**
 * Checks that all values of a batch are finite: a rectifier may turn NaN into 0, so that nothing shows it later.
 *
 * @param images `[N,H,W,C]`, borrowed; may be disposed once this has returned its promise.
 * @param name The argument that holds them. @default 'images'
 * @throws {RangeError} If one is not. (By rejecting.)
 */
export async function checkFinite(where: string, images: Tensor4D, name: string = 'images'): Promise<void> {
  const {shape} = images;
  // ∞ · 0 is NaN, so the sum is 0 if and only if all values are finite.
  const checksum = tidy(() => sum(mul(images, 0)));
  try {
    const [value] = await checksum.data();
    if (value === 0) return;
  } finally {
    checksum.dispose();
  }
  throw new RangeError(
    `${where}: ${name} must be finite, but hold NaN or infinite values (shape ${show(shape)}). Check how they are normalised.`,
  );
}

/**
 * Returns images `first` … `last − 1` as network input `[N,H,W,C]`, the caller's.
 *
 * @throws {TypeError | RangeError} If an image does not fit the model or is not finite.
 */
export async function finiteInput(where: string, images: ImagesInput, first: number, last: number, maker: InputMaker): Promise<Tensor4D> {
  const input = await decodedInput(where, images, first, last, maker);
  try {
    await checkFinite(where, input);
    return input;
  } catch (error) {
    input.dispose();
    throw error;
  }
}

/** Returns images `first` … `last − 1` as network input `[N,H,W,C]`, the caller's, the files among them decoded. */
export async function decodedInput(where: string, images: ImagesInput, first: number, last: number, maker: InputMaker): Promise<Tensor4D> {
  if (!Array.isArray(images)) return inputOf(await decodeFiles(`${where}: images`, images), first, last, maker);
  const part = (images as readonly ImageInput[]).slice(first, last);
  return maker.toInput(await decodeFiles(`${where}: images`, part));
}
