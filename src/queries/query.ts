/**
 * The one loop that asks a model about changed images: builds a batch of them, has it scored here or in
 * threads, and hands the scores out in the order of the changes. RISE, LIME, insertion, deletion and
 * every other method that perturbs differ only in what they build and what they make of the scores.
 */
import type {Tensor4D} from '@tensorflow/tfjs-core';
import {inOrder, partsOf, type Part} from '../core/in-order.js';
import type {BatchScores} from '../models/score-function.js';
import type {BatchScorer} from './batch-scorer.js';

/** What is asked. */
export interface Queries {
  /** Names the method in messages. */
  readonly where: string;
  readonly scorer: BatchScorer;
  /** How many changed images there are. */
  readonly total: number;
  /** How many scores there are, where the image itself was scored before. @default as many as the first batch gets */
  readonly numClasses?: number | undefined;
  /** Changed images per call of the model. */
  readonly batchSize: number;
  /** Builds changed images `first` … `first + count − 1`, `[count,H,W,C]`; the batch is freed after scoring. */
  readonly build: (first: number, count: number) => Tensor4D | Promise<Tensor4D>;
  readonly signal: AbortSignal | undefined;
}

/** The scores of some changed images, in their order. */
export interface Answers extends Part, BatchScores {}

/**
 * Asks about all of them, batch by batch; leaving the loop stops it.
 *
 * @throws {RangeError} If the model gives malformed scores, or another number of them than before.
 *   Aborting rejects with the signal's reason, before the next batch is built.
 */
export async function* query({
  where,
  scorer,
  total,
  numClasses,
  batchSize,
  build,
  signal,
}: Queries): AsyncGenerator<Answers, void, undefined> {
  const {threads} = scorer;
  const ask = async ({first, count}: Part): Promise<Answers> => ({first, count, ...(await scorer.scoreOnce(await build(first, count)))});
  let width = numClasses ?? scorer.numClasses;
  for await (const answers of inOrder(partsOf(total, batchSize, threads), ask, {threads, signal})) {
    width ??= answers.numClasses;
    if (answers.numClasses !== width) {
      throw new RangeError(`${where}: the model must give as many scores for every batch, but gave ${answers.numClasses} after ${width}.`);
    }
    yield answers;
  }
}
