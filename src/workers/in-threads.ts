/** Batches that are handed to worker threads, and what becomes of them when the run is aborted. */
import type {Tensor4D} from '@tensorflow/tfjs-core';
import type {RunOptions} from '../core/types.js';
import {untilAborted} from '../core/until-aborted.js';
import type {Job} from './job.js';
import {checkThreads, runInThread} from './thread-pool.js';
import type {Shipment} from './thread-task.js';

/** What the batches of a run have in common. */
export interface ThreadRun<Settings, Result> extends Pick<RunOptions, 'signal'> {
  /** Names the caller in messages. */
  readonly where: string;
  readonly job: Job<Settings, Result>;
  readonly settings: Settings;
  /** Gives the models, packed; asked for every batch. */
  readonly ship: () => Promise<Shipment>;
  /** How many threads, at least 1. */
  readonly workers: number;
}

/** Takes a batch `[N,H,W,C]`, frees it at once, and resolves when a thread has done it. */
export type BatchRunner<Result> = (batch: Tensor4D) => Promise<Result>;

/**
 * Prepares a run in threads.
 *
 * @returns What does a batch. It rejects with the signal's reason as soon as that is aborted; threads
 *   then end the batch that they are at, and leave those that still wait.
 * @throws {WorkerError | BackendError} If threads cannot be had here.
 */
export function inThreads<Settings, Result>(run: ThreadRun<Settings, Result>): BatchRunner<Result> {
  const {where, job, settings, ship, workers, signal} = run;
  checkThreads(where);
  const abandoned = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const send = async (values: Float32Array, shape: Tensor4D['shape']): Promise<Result> => {
    const shipment = await ship();
    return runInThread<Settings, Result>(where, workers, {module: job.module, settings, shipment, shape, values, abandoned});
  };
  return async (batch) => {
    try {
      return await untilAborted(send(takeValues(where, batch), batch.shape), signal);
    } finally {
      if (signal?.aborted === true) Atomics.store(abandoned, 0, 1);
    }
  };
}

/** Reads and frees a batch, before anything else can fail or has to be waited for. */
function takeValues(where: string, batch: Tensor4D): Float32Array {
  try {
    // Again, as the first tensor may be what chooses the backend.
    checkThreads(where);
    // At once, as both backends can. A copy, since the values of cpu are the tensor's own and they move to the thread.
    return batch.dataSync<'float32'>().slice();
  } finally {
    batch.dispose();
  }
}
