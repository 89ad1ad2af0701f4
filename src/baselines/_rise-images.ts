/** Images one by one, in whichever form they were given. */
import {slice, Tensor, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import type {ImageInput, ImagesInput} from '../core/types.js';
import type {ScoreModel} from '../models/score-model.js';

/** How many images there are: entries of an array, or the first axis of a tensor `[N,H,W,C]`. */
export function countImages(images: ImagesInput): number {
  if (Array.isArray(images)) return images.length;
  return images instanceof Tensor && images.rank === 4 ? (images.shape[0] as number) : 1;
}

/** Returns one image as network input `[1,H,W,C]`, the caller's. */
export function inputAt(images: ImagesInput, index: number, {toInput}: Pick<ScoreModel, 'toInput'>): Tensor4D {
  if (Array.isArray(images)) return toInput([images[index] as ImageInput]);
  if (!(images instanceof Tensor) || images.rank !== 4) return toInput(images);
  return tidy(() => toInput(slice(images as Tensor4D, [index, 0, 0, 0], [1, -1, -1, -1])));
}
