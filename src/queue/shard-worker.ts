/**
 * A process that takes shards from a queue and does them in threads, so that this thread is free to renew the locks of its jobs: a
 * job whose lock is not renewed is thought lost and given to another worker.
 */
import {existsSync} from 'node:fs';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {MessageChannel} from 'node:worker_threads';
import type * as bullmq from 'bullmq';
import {Piscina} from 'piscina';
import {AttentiveError} from '../core/errors/attentive-error.js';
import {absentMeans, callback, custom, integer, number, required, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import {toFilePath} from '../files/file-path.js';
import {fromPlainError} from '../workers/plain-error.js';
import {sourceRoot} from '../workers/source-root.js';
import {addressFields, connectionOf, loadBullmq, type QueueAddress, type ShardJob} from './connect.js';
import type {ShardThreadReply, ShardThreadTask} from './shard-thread.js';

const WHERE = 'startShardWorker';
/** How often a job may be found without a lock: machines are taken away, which is no fault of the shard. */
const MAX_STALLED = 20;
/** Milliseconds between two looks whether a shard is still wanted. */
const LOOK = 1000;

/** Options of {@link startShardWorker}. */
export interface ShardWorkerOptions extends QueueAddress {
  /** The file of an ES or CommonJS module with `store` and `open(plan)`, see `ShardModule`. Threads import it. */
  readonly module: string | URL;
  /** Shards that are done at the same time, each in a thread of its own, 1–256. @default 1 */
  readonly threads?: number | undefined;
  /** Seconds after which a worker that does not answer has lost its shard, at least 1. @default 30 */
  readonly lockSeconds?: number | undefined;
  /** Told of every shard that this worker has done or that has failed here. @default none */
  readonly onShard?: ((event: ShardEvent) => void) | undefined;
  /** Told of what the worker goes on after: a lost connection, a lock that another worker has got. @default none */
  readonly onError?: ((error: Error) => void) | undefined;
}

/** A shard that has ended. */
export interface ShardEvent {
  /** The name of its file. */
  readonly name: string;
  /** `'known'`: the file was there already. */
  readonly state: 'done' | 'known' | 'failed';
  /** Why it failed. */
  readonly error?: Error | undefined;
}

/** A worker under way. */
export interface ShardWorker {
  /** Ends it after the shards that it is at; with `now`, at once: others get them when the locks end. Safe to call twice. */
  close(options?: {readonly now?: boolean | undefined}): Promise<void>;
}

type Settings = Settled<ShardWorkerOptions, 'onShard' | 'onError'>;

/** The options of {@link startShardWorker}. */
export const startShardWorkerSchema: OptionsSchema<Settings> = {
  where: WHERE,
  fields: {
    ...addressFields,
    module: required(
      custom<string | URL>('the file of a module', (value) => (typeof value === 'string' || value instanceof URL ? undefined : 'kind')),
    ),
    threads: withDefault(integer(1, 256), 1),
    lockSeconds: withDefault(number(1), 30),
    onShard: absentMeans(callback(), 'none'),
    onError: absentMeans(callback(), 'none'),
  },
};

/**
 * Starts to take shards from a queue. Start one on every machine, and one for every few cores of it, or `threads`.
 *
 * @returns How to end it.
 * @throws {TypeError | RangeError} If an option is wrong, or there is no such module.
 * @throws {AttentiveError} If bullmq or ioredis is not installed.
 * @example
 * const worker = await startShardWorker({connection: 'redis://localhost:6379', module: './shard-module.mjs', threads: 4});
 * process.once('SIGTERM', () => void worker.close());
 */
export async function startShardWorker(options: ShardWorkerOptions): Promise<ShardWorker> {
  const {connection, queue, module: given, threads, lockSeconds, onShard, onError} = readOptions(startShardWorkerSchema, options);
  const file = toFilePath(given, `${WHERE}: module`);
  if (!existsSync(file)) throw new RangeError(`${WHERE}: module must be the file of a module, but there is no ${file}.`);
  const {Worker, Queue, UnrecoverableError} = await loadBullmq(WHERE);
  const jobs = new Queue<ShardJob>(queue, {connection: connectionOf({connection})});
  const pool = new Piscina({...threadCode(), minThreads: threads, maxThreads: threads, idleTimeout: Infinity, concurrentTasksPerWorker: 1});
  const module = pathToFileURL(file).href;

  const perform = async (job: bullmq.Job<ShardJob>): Promise<'done' | 'known'> => {
    const {
      data: {plan, shard},
    } = job;
    const {port1: mine, port2: port} = new MessageChannel();
    let share = 0;
    let told = 0;
    let cancelled = false;
    mine.on('message', (value: number) => (share = value));
    const look = setInterval(() => {
      if (share > told) void job.updateProgress((told = share)).catch(() => undefined);
      const isWanted = async (): Promise<void> => {
        cancelled ||= (await jobs.getJob(job.id ?? ''))?.data.cancelled === true;
        if (cancelled) mine.postMessage('stop');
      };
      void isWanted().catch(() => undefined);
    }, LOOK);
    try {
      const task: ShardThreadTask = {module, plan, shard, port};
      const reply = (await pool.run(task, {transferList: [port]})) as ShardThreadReply;
      if ('run' in reply) return reply.run.computed ? 'done' : 'known';
      const error = fromPlainError(reply.error);
      // What nobody wants is not tried again.
      throw cancelled ? new UnrecoverableError(error.message) : error;
    } finally {
      clearInterval(look);
      mine.close();
    }
  };

  const worker = new Worker<ShardJob, 'done' | 'known'>(queue, perform, {
    connection: connectionOf({connection}),
    concurrency: threads,
    lockDuration: 1000 * lockSeconds,
    stalledInterval: 1000 * lockSeconds,
    maxStalledCount: MAX_STALLED,
  });
  worker.on('completed', ({id: name = ''}, state) => onShard?.({name, state}));
  worker.on('failed', (job, error) => onShard?.({name: job?.id ?? '', state: 'failed', error}));
  // Without listeners a lost connection would end the process; the client reconnects by itself.
  for (const source of [worker, jobs]) (source as bullmq.Worker).on('error', (error) => onError?.(error));
  pool.on('error', (error: Error) => onError?.(new AttentiveError(`${WHERE}: a thread was lost: ${error.message}`, {cause: error})));

  let closing: Promise<void> | undefined;
  return {
    close: ({now = false} = {}) =>
      (closing ??= (async () => {
        await worker.close(now);
        await jobs.close();
        await pool.destroy();
      })()),
  };
}

/** The file that threads run. */
function threadCode(): {filename: string; execArgv?: string[]} {
  const {root, extension} = sourceRoot();
  const filename = `${root.startsWith('file:') ? fileURLToPath(root) : root}queue/shard-thread${extension}`;
  return {filename, ...(extension === '.ts' && {execArgv: ['--import', 'tsx']})};
}
