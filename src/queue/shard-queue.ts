/**
 * Shards in a queue that any number of machines work on: BullMQ on Redis or Valkey. The queue holds which shards are to be done
 * and no results; those are files in the store. A job has the name of its shard's file, so that it is there once however often it
 * is enqueued, and one that is done twice, since a machine was thought dead, writes the same file again.
 */
import {setTimeout as pause} from 'node:timers/promises';
import type * as bullmq from 'bullmq';
import {at} from '../core/at.js';
import {progressField, signalField} from '../core/common-options.js';
import {AttentiveError} from '../core/errors/attentive-error.js';
import {integer, number, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import type {RunOptions} from '../core/types.js';
import {missingShards} from '../node/shards/merge.js';
import {checkPlan, type ShardPlan} from '../node/shards/plan.js';
import {writePlan} from '../node/shards/plan-file.js';
import {storeField, type ShardStore} from '../node/shards/store.js';
import {addressFields, connectionOf, loadBullmq, type QueueAddress, type ShardJob} from './connect.js';

// So many questions are on their way to the server at a time.
const AT_ONCE = 200;

/** Options of {@link openShardQueue}. */
export type ShardQueueOptions = QueueAddress;

/** The options of {@link openShardQueue}. */
export const openShardQueueSchema: OptionsSchema<Settled<QueueAddress>> = {where: 'openShardQueue', fields: addressFields};

/** Options of {@link ShardQueue.enqueue}. */
export interface EnqueueOptions {
  /** Where the plan is put and the shards will be. */
  readonly store: ShardStore;
  /** How often a shard that fails is tried, 1–100; the pause doubles from one second. @default 3 */
  readonly attempts?: number | undefined;
}

/** The options of {@link ShardQueue.enqueue}. */
export const enqueueSchema: OptionsSchema<Settled<EnqueueOptions>> = {
  where: 'enqueue',
  fields: {store: storeField, attempts: withDefault(integer(1, 100), 3)},
};

/** Options of {@link ShardQueue.wait}. */
export interface WaitOptions extends RunOptions {
  /** Seconds between two looks, at least 0.05. @default 1 */
  readonly pollSeconds?: number | undefined;
}

/** The options of {@link ShardQueue.wait}. */
export const waitSchema: OptionsSchema<Settled<WaitOptions, 'signal' | 'onProgress'>> = {
  where: 'wait',
  fields: {pollSeconds: withDefault(number(0.05), 1), signal: signalField, onProgress: progressField},
};

/** What enqueuing did with the shards of a plan. */
export interface Enqueued {
  /** Put into the queue now, those that had failed or been cancelled included. */
  readonly added: number;
  /** Were in the queue already. */
  readonly queued: number;
  /** Have their files already. */
  readonly done: number;
}

/** How many shards of a plan are where. */
export interface QueueProgress {
  /** Shards of the plan. */
  readonly total: number;
  /** Shards whose files are there. */
  readonly done: number;
  /** Shards that workers are at. */
  readonly active: number;
  /** Those that are tried again after a pause included. */
  readonly waiting: number;
  /** Given up, cancelled ones included. */
  readonly failed: number;
  /** Not in the queue: never enqueued, or cancelled. */
  readonly absent: number;
}

/** A queue of shards. */
export interface ShardQueue {
  /**
   * Puts the plan into the store, and its shards that have no file yet into the queue. What is there already stays as it is; what
   * failed or was cancelled is tried again.
   *
   * @throws {TypeError | RangeError | AttentiveError} If an argument is wrong or the plan of another version.
   */
  enqueue(plan: ShardPlan, options: EnqueueOptions): Promise<Enqueued>;
  /** Counts the shards of a plan. */
  progress(plan: ShardPlan): Promise<QueueProgress>;
  /**
   * Waits until all shards of a plan are done; `onProgress` is told after every look.
   *
   * @throws {AttentiveError} If none is left to be done, but some have failed or are not there; says why the first has failed.
   *   Aborting rejects with the signal's reason, and the queue goes on.
   */
  wait(plan: ShardPlan, options?: WaitOptions): Promise<void>;
  /** Takes the shards of a plan out of the queue; those that are being done are stopped within seconds. Returns how many. */
  cancel(plan: ShardPlan): Promise<number>;
  /** Ends the connection; the queue stays. */
  close(): Promise<void>;
}

/**
 * Opens a queue, from which any number of `startShardWorker` take shards.
 *
 * @throws {TypeError | RangeError} If an option is wrong.
 * @throws {AttentiveError} If bullmq or ioredis is not installed.
 * @example
 * const queue = await openShardQueue({connection: 'redis://localhost:6379'});
 * await queue.enqueue(plan, {store});
 * await queue.wait(plan);
 * const rows = await mergeShards(plan, {store});
 */
export async function openShardQueue(options: ShardQueueOptions): Promise<ShardQueue> {
  const {connection, queue: name} = readOptions(openShardQueueSchema, options);
  const {Queue} = await loadBullmq('openShardQueue');
  const queue = new Queue<ShardJob>(name, {connection: connectionOf({connection})});
  // The client reconnects by itself; without a listener the process would end.
  queue.on('error', () => undefined);
  const progress = (plan: ShardPlan): Promise<QueueProgress> => countShards(queue, plan);
  return {
    enqueue: (plan, given) => enqueue(queue, plan, readOptions(enqueueSchema, given)),
    progress,
    wait: async (plan, given) => {
      const {pollSeconds, signal, onProgress} = readOptions(waitSchema, given);
      for (;;) {
        signal?.throwIfAborted();
        const {done, waiting, active, total, failed, absent} = await progress(plan);
        onProgress?.({stage: 'queue', done, total});
        if (done === total) return;
        if (waiting + active === 0) throw await failure(queue, plan, {failed, absent, total});
        await pause(1000 * pollSeconds, undefined, {signal}).catch(() => signal?.throwIfAborted());
      }
    },
    cancel: (plan) => cancel(queue, plan),
    close: () => queue.close(),
  };
}

type Jobs = bullmq.Queue<ShardJob>;

async function enqueue(queue: Jobs, plan: ShardPlan, {store, attempts}: Settled<EnqueueOptions>): Promise<Enqueued> {
  await writePlan(plan, store);
  const missing = await missingShards(plan, store);
  const states = await statesOf(queue, plan, missing);
  const fresh: number[] = [];
  for (const [index, state] of states) {
    const {name} = at(plan.shards, index);
    if (state === 'unknown') fresh.push(index);
    if (state !== 'failed' && state !== 'completed') continue;
    const job = await queue.getJob(name);
    // Done, but the file is gone, or failed: as if it had never been there.
    await job?.remove();
    fresh.push(index);
  }
  const backoff = {type: 'exponential', delay: 1000};
  const jobs = fresh.map((shard) => ({
    name: plan.task.kind,
    data: {plan: plan.id, shard, cancelled: false},
    opts: {jobId: at(plan.shards, shard).name, attempts, backoff},
  }));
  for (let from = 0; from < jobs.length; from += AT_ONCE) await queue.addBulk(jobs.slice(from, from + AT_ONCE));
  return {added: fresh.length, queued: missing.length - fresh.length, done: plan.shards.length - missing.length};
}

async function countShards(queue: Jobs, plan: ShardPlan): Promise<QueueProgress> {
  checkPlan('progress', plan);
  const total = plan.shards.length;
  const states = await statesOf(
    queue,
    plan,
    Array.from({length: total}, (_, index) => index),
  );
  const count = (...names: string[]): number => [...states.values()].filter((state) => names.includes(state)).length;
  const [done, active, failed, absent] = [count('completed'), count('active'), count('failed'), count('unknown')];
  return {total, done, active, waiting: total - done - active - failed - absent, failed, absent};
}

async function statesOf(queue: Jobs, plan: ShardPlan, indices: readonly number[]): Promise<Map<number, string>> {
  const states = new Map<number, string>();
  for (let from = 0; from < indices.length; from += AT_ONCE) {
    const some = indices.slice(from, from + AT_ONCE);
    const found = await Promise.all(some.map((index) => queue.getJobState(at(plan.shards, index).name)));
    found.forEach((state, row) => states.set(at(some, row), state));
  }
  return states;
}

async function cancel(queue: Jobs, plan: ShardPlan): Promise<number> {
  checkPlan('cancel', plan);
  let count = 0;
  for (const {name} of plan.shards) {
    const state = await queue.getJobState(name);
    if (state === 'completed' || state === 'failed' || state === 'unknown') continue;
    const job = await queue.getJob(name);
    if (job === undefined) continue;
    // One that is being done is locked; its worker looks whether it is still wanted.
    await job.remove().catch(() => job.updateData({...job.data, cancelled: true}));
    count++;
  }
  return count;
}

async function failure(
  queue: Jobs,
  plan: ShardPlan,
  {failed, absent, total}: Pick<QueueProgress, 'failed' | 'absent' | 'total'>,
): Promise<AttentiveError> {
  let reason = '';
  for (const {name} of failed > 0 ? plan.shards : []) {
    reason = (await queue.getJob(name))?.failedReason ?? '';
    if (reason !== '') break;
  }
  const why = reason === '' ? '' : ` The first failed with: ${reason}`;
  return new AttentiveError(
    `wait: of ${total} shards ${failed} have failed and ${absent} are not in the queue. Enqueue the plan again to have them tried again.${why}`,
  );
}
