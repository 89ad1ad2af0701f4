/** One or several images, whatever form they come in: checked at the edge, then read piece by piece. */
import {clone, reshape, slice, Tensor, tidy, type Rank, type Tensor4D} from '@tensorflow/tfjs-core';
import {at} from '../core/at.js';
import {isPromise, show} from '../core/check.js';
import type {ImageInput, ImagesInput} from '../core/types.js';
import {isBlob, isPageImage, pageImageSize} from './page-image.js';

/** What turns images into network input, such as a model that is ready to be scored. */
export interface InputMaker {
  /** Images to network input `[N,H,W,C]`, the caller's. */
  toInput(images: ImagesInput): Tensor4D;
}

/**
 * Checks the argument `images` as far as that is possible without reading pixels, and counts them.
 *
 * @returns Entries of an array, or the first axis of a tensor `[N,H,W,C]`; at least 1.
 * @throws {TypeError} If an entry is neither a tensor that can be read nor a picture.
 * @throws {RangeError} If there is no image.
 */
export function checkImages(where: string, images: ImagesInput): number {
  if (!Array.isArray(images)) checkImage(`${where}: images`, images);
  // Holes count, which forEach leaves out.
  else for (const [index, image] of (images as readonly unknown[]).entries()) checkImage(`${where}: images[${index}]`, image);
  const count = countImages(images);
  if (count === 0) throw new RangeError(`${where}: images must hold at least one image, but is ${show(images)}.`);
  return count;
}

function checkImage(where: string, image: unknown): void {
  if (image instanceof Tensor && !image.isDisposed) return;
  if (isPageImage(image)) {
    pageImageSize(where, image);
    return;
  }
  if (isBlob(image)) return;
  const isPicture = typeof image === 'object' && image !== null && !isPromise(image) && !(image instanceof Tensor) && 'data' in image;
  if (isPicture) return;
  throw new TypeError(
    `${where} must be a tensor or a picture {data, width, height} (ImageData; in a page also an image, canvas, video or file), but is ${show(image)}.`,
  );
}

/** Counts the images without converting them: entries of an array, or the first axis of a tensor `[N,H,W,C]`. */
export function countImages(images: ImagesInput): number {
  if (Array.isArray(images)) return images.length;
  return images instanceof Tensor && images.rank === 4 ? at(images.shape, 0) : 1;
}

/** Returns images `first` … `last − 1` as network input `[N,H,W,C]`, the caller's. */
export function inputOf(images: ImagesInput, first: number, last: number, maker: InputMaker): Tensor4D {
  if (Array.isArray(images)) return maker.toInput((images as readonly ImageInput[]).slice(first, last));
  // A tensor that is wanted whole is not cut.
  if (!(images instanceof Tensor) || images.rank !== 4 || last - first === images.shape[0]) return maker.toInput(images);
  return tidy(() => maker.toInput(slice(images as Tensor4D, [first, 0, 0, 0], [last - first, -1, -1, -1])));
}

/** Returns image `index` as it came: a tensor `[1,H,W,C]` that is the caller's, or the picture itself. */
export function imageAt(images: ImagesInput, index: number): ImageInput {
  const image: ImageInput = Array.isArray(images) ? (images[index] as ImageInput) : (images as ImageInput);
  if (!(image instanceof Tensor)) return image;
  const [height, width, channels] = image.shape.slice(-3) as [number, number, number];
  if (image.rank === 3) return reshape<Rank.R4>(image, [1, height, width, channels]);
  const batch = image as Tensor4D;
  return Array.isArray(images) ? clone<Tensor4D>(batch) : slice(batch, [index, 0, 0, 0], [1, height, width, channels]);
}
