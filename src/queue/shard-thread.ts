/** What a thread of a shard worker runs: it opens the model of a plan, keeps it, and does shard after shard. */
import type {MessagePort} from 'node:worker_threads';
import {AttentiveError} from '../core/errors/attentive-error.js';
import {show} from '../core/check.js';
import type {ShardParts} from '../node/shards/parts.js';
import {readPlan} from '../node/shards/plan-file.js';
import type {ShardPlan} from '../node/shards/plan.js';
import {runShard, type ShardRun} from '../node/shards/run.js';
import type {ShardStore} from '../node/shards/store.js';
import {toPlainError, type PlainError} from '../workers/plain-error.js';

/** One shard for a thread. */
export interface ShardThreadTask {
  /** URL of the caller's module, see {@link ShardModule}. */
  readonly module: string;
  /** Id of the plan. */
  readonly plan: string;
  readonly shard: number;
  /** Tells how far the shard is, and is told when nobody wants it any more. */
  readonly port: MessagePort;
}

/** What comes back. */
export type ShardThreadReply = {readonly run: ShardRun} | {readonly error: PlainError};

/** Model and explainers, and what frees them. */
export interface OpenedParts extends ShardParts {
  /** Frees what was opened. */
  dispose?(): void | Promise<void>;
}

/** The module that a worker is given: how work is done here. */
export interface ShardModule {
  /** Where plans and shards are. */
  readonly store: ShardStore;
  /**
   * Opens what a plan needs: chooses the backend, loads the model, makes the explainers. Called once for each plan and thread;
   * `dispose` when the thread goes on to another plan.
   */
  open(plan: ShardPlan): Promise<OpenedParts>;
}

interface Opened {
  readonly plan: ShardPlan;
  readonly parts: ShardParts;
  dispose(): void | Promise<void>;
}

let opened: Opened | undefined;

/** Does a shard; errors are handed over as plain values, since classes of our own do not survive the way. */
export default async function perform({module, plan: id, shard, port}: ShardThreadTask): Promise<ShardThreadReply> {
  const stop = new AbortController();
  port.on('message', () => stop.abort(new AttentiveError('The shard was cancelled.')));
  try {
    const {store, open} = await load(module);
    if (opened?.plan.id !== id) {
      await opened?.dispose();
      opened = undefined;
      const plan = await readPlan(id, store);
      const parts = await open(plan);
      opened = {plan, parts, dispose: () => parts.dispose?.()};
    }
    const {plan, parts} = opened;
    const onProgress = ({done, total}: {done: number; total: number}): void => port.postMessage(done / total);
    return {run: await runShard(plan, shard, {parts, store, signal: stop.signal, onProgress})};
  } catch (error) {
    return {error: toPlainError(error)};
  } finally {
    port.close();
  }
}

async function load(module: string): Promise<ShardModule> {
  const loaded = (await import(/* @vite-ignore */ /* webpackIgnore: true */ module)) as Partial<ShardModule> & {
    default?: Partial<ShardModule>;
  };
  // A CommonJS module is the default of what `import` gives.
  const {store, open} = loaded.open === undefined ? (loaded.default ?? loaded) : loaded;
  if (typeof open === 'function' && typeof store?.read === 'function') return {store, open};
  throw new TypeError(
    `startShardWorker: module must export store and open(), but ${show(module)} exports ${Object.keys(loaded).join(', ') || 'nothing'}.`,
  );
}
