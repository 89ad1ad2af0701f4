/** The loop of the gradient methods: images in batches of bounded memory, stoppable between two. */
import {slice, Tensor, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import {checkInteger, checkShape} from '../core/check.js';
import type {ImageInput, ImagesInput, RunOptions, SaliencyMap} from '../core/types.js';
import {countImages} from './_rise-images.js';

/** What the loop needs to know. */
export interface BatchLoop extends RunOptions {
  /** Names the caller in messages. */
  readonly where: string;
  /** Images per turn. */
  readonly batchSize: number;
  /** Images to network input; the result is the loop's. */
  toInput(images: ImagesInput): Tensor4D;
}

/** One turn of the loop. */
export interface ImageBatch {
  /** `[n,H,W,C]`, borrowed. */
  readonly images: Tensor4D;
  /** Index of its first image among all. */
  readonly first: number;
}

/**
 * Calls `explain` for batch after batch and joins the maps.
 *
 * @throws {RangeError} If there is no image, `batchSize` is below 1, or images differ in size.
 */
export async function explainBatches(
  images: ImagesInput,
  {where, batchSize, signal, onProgress, toInput}: BatchLoop,
  explain: (batch: ImageBatch) => Promise<SaliencyMap[]>,
): Promise<SaliencyMap[]> {
  checkInteger(`${where}: batchSize`, batchSize, 1);
  const total = countImages(images);
  if (total === 0) throw new RangeError(`${where}: images must hold at least one image, but is empty.`);
  const maps: SaliencyMap[] = [];
  let size: readonly number[] | undefined;
  for (let first = 0; first < total; first += batchSize) {
    signal?.throwIfAborted();
    const last = Math.min(first + batchSize, total);
    const input = toInputOf(images, first, last, toInput);
    try {
      size ??= input.shape.slice(1);
      checkShape(`${where}: images`, input.shape, [last - first, ...size]);
      maps.push(...(await explain({images: input, first})));
    } finally {
      input.dispose();
    }
    onProgress?.({stage: where, done: last, total});
  }
  return maps;
}

function toInputOf(images: ImagesInput, first: number, last: number, toInput: BatchLoop['toInput']): Tensor4D {
  if (Array.isArray(images)) return toInput((images as readonly ImageInput[]).slice(first, last));
  if (!(images instanceof Tensor) || images.rank !== 4) return toInput(images);
  return tidy(() => toInput(slice(images as Tensor4D, [first, 0, 0, 0], [last - first, -1, -1, -1])));
}
