/** The loop of whatever takes many images: in batches of bounded memory, stoppable between two. */
import type {Tensor4D} from '@tensorflow/tfjs-core';
import {checkInteger, checkShape} from '../core/check.js';
import type {ImagesInput, RunOptions} from '../core/types.js';
import {countImages, inputOf, type InputMaker} from './image-list.js';

/** What the loop needs to know. */
export interface BatchLoop extends RunOptions, InputMaker {
  /** Names the caller in messages. */
  readonly where: string;
  /** Images per turn. */
  readonly batchSize: number;
}

/** One turn of the loop. */
export interface ImageBatch {
  /** `[n,H,W,C]`, borrowed. */
  readonly images: Tensor4D;
  /** Index of its first image among all. */
  readonly first: number;
}

/**
 * Calls `use` for batch after batch and joins the results. Images are converted batch by batch, so
 * that a thousand pictures are never all tensors at once.
 *
 * @throws {RangeError} If there is no image, `batchSize` is below 1, or images differ in size.
 */
export async function overImageBatches<T>(
  images: ImagesInput,
  {where, batchSize, signal, onProgress, toInput}: BatchLoop,
  use: (batch: ImageBatch) => Promise<readonly T[]>,
): Promise<T[]> {
  checkInteger(`${where}: batchSize`, batchSize, 1);
  const total = countImages(images);
  if (total === 0) throw new RangeError(`${where}: images must hold at least one image, but is empty.`);
  const results: T[] = [];
  let size: readonly number[] | undefined;
  for (let first = 0; first < total; first += batchSize) {
    signal?.throwIfAborted();
    const last = Math.min(first + batchSize, total);
    const input = inputOf(images, first, last, {toInput});
    try {
      size ??= input.shape.slice(1);
      checkShape(`${where}: images`, input.shape, [last - first, ...size]);
      results.push(...(await use({images: input, first})));
    } finally {
      input.dispose();
    }
    onProgress?.({stage: where, done: last, total});
  }
  return results;
}
