/** Means over batches that are not trained on. */
import {dispose, type NamedTensorMap} from '@tensorflow/tfjs-core';
import {yieldToEvents} from '../../core/yield-to-events.js';
import {iterateBatches, type TrainingBatch, type TrainingBatches} from '../../data/batches.js';
import {Means} from './means.js';
import {readScalars} from './read-scalars.js';

/** What is gone over. */
export interface MeasuredBatches {
  /** Names the caller in messages. */
  readonly where: string;
  readonly batches: TrainingBatches;
  readonly epoch: number;
  readonly signal: AbortSignal | undefined;
}

/** What a batch comes to: scalars, taken over, that are means over so many images. */
export interface BatchMeasures {
  readonly scalars: NamedTensorMap;
  readonly images: number;
}

/** Measures every batch of an epoch. */
export async function measureBatches(
  {where, batches, epoch, signal}: MeasuredBatches,
  measure: (batch: TrainingBatch, index: number) => Promise<BatchMeasures>,
): Promise<Means> {
  const means = new Means();
  let index = 0;
  for await (const batch of iterateBatches(where, batches, epoch)) {
    await yieldToEvents();
    signal?.throwIfAborted();
    const {scalars, images} = await measure(batch, index++);
    means.add(await readScalars(scalars).finally(() => dispose({...scalars})), images);
  }
  return means;
}
