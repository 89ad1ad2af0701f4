/** The loop of whatever takes many images: in batches of bounded memory, stoppable between two. */
import type {Tensor4D} from '@tensorflow/tfjs-core';
import {onBackend} from '../backend/on-backend.js';
import {checkShape} from '../core/check.js';
import {inOrder, partsOf, type Part} from '../core/in-order.js';
import type {ImagesInput, RunOptions} from '../core/types.js';
import {checkImages, type InputMaker} from '../data/image-list.js';
import {checkFinite, decodedInput} from './finite-input.js';

/** What the loop needs to know. */
export interface BatchLoop extends RunOptions, InputMaker {
  /** Names the caller in messages. */
  readonly where: string;
  /** Images per turn. */
  readonly batchSize: number;
  /** Threads that `use` hands batches to: so many turns, and one more, are under way at a time. @default 0 */
  readonly threads?: number | undefined;
}

/** One turn of the loop. */
export interface ImageBatch {
  /** `[n,H,W,C]`, borrowed; with threads it is freed before `use` first waits. */
  readonly images: Tensor4D;
  /** Index of its first image among all. */
  readonly first: number;
}

/**
 * Calls `use` for batch after batch and joins the results. Images are converted batch by batch, so
 * that a thousand pictures are never all tensors at once.
 *
 * @throws {TypeError} If something is no image.
 * @throws {RangeError} If there is no image, one is not finite, or they differ in size.
 * @throws {BackendError} If the backend lacks what is needed.
 */
export async function overImageBatches<T>(
  images: ImagesInput,
  {where, batchSize, threads = 0, signal, onProgress, toInput}: BatchLoop,
  use: (batch: ImageBatch) => Promise<readonly T[]>,
): Promise<T[]> {
  const total = checkImages(where, images);
  let size: readonly number[] | undefined;
  const turn = async ({first, count}: Part): Promise<{done: number; found: readonly T[]}> => {
    const input = await decodedInput(where, images, first, first + count, {toInput});
    try {
      size ??= input.shape.slice(1);
      checkShape(`${where}: images`, input.shape, [count, ...size]);
      // Beside the work, so that nothing waits for it; but what it finds explains why the work failed.
      const finite = checkFinite(where, input);
      finite.catch(() => undefined); // Reported when it is awaited.
      const found = await use({images: input, first}).catch(async (error: unknown) => {
        await finite;
        throw error;
      });
      await finite;
      return {done: first + count, found};
    } finally {
      input.dispose();
    }
  };
  return onBackend(where, async () => {
    const results: T[] = [];
    for await (const {done, found} of inOrder(partsOf(total, batchSize, threads), turn, {threads, signal})) {
      results.push(...found);
      onProgress?.({stage: where, done, total});
    }
    return results;
  });
}
