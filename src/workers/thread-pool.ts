/**
 * Worker threads, kept from call to call: to start one takes a second or two, since tfjs has to be
 * loaded, its backend started and the model built. The pool is piscina's. Idle threads do not keep
 * the process alive. A thread that dies takes its pool with it, and the next call starts another, so
 * that no work can wait for a thread that is gone.
 */
import type * as piscina from 'piscina';
import {getBackend} from '@tensorflow/tfjs-core';
import {hasTrainingKernels} from '../tfjs/has-training-kernels.js';
import {BackendError} from '../core/errors/backend-error.js';
import {WorkerError} from '../core/errors/worker-error.js';
import {isNode} from '../core/is-node.js';
import {fromPlainError} from './plain-error.js';
import {forgetShipments, livingShipments} from './shipped-models.js';
import {sourceRoot} from './source-root.js';
import type {ThreadReply, ThreadStart, ThreadTask} from './thread-task.js';

/** Backends that use one core; all others are parallel in themselves. */
const BACKENDS = ['cpu', 'wasm'];

interface Pool {
  /** Backend and number of threads. */
  readonly key: string;
  readonly threads: Promise<piscina.Piscina>;
  /** Why its threads ended, which the loss of their work does not tell. */
  failure?: Error;
}

const pools = new Map<string, Pool>();

/** What is asked of a thread, beside what the pool knows itself. */
export type ThreadWork<Settings> = Pick<ThreadTask<Settings>, 'module' | 'settings' | 'shipment' | 'shape' | 'values' | 'abandoned'>;

/**
 * Checks that threads can be had, as far as that is known.
 *
 * @throws {WorkerError} Outside Node.
 * @throws {BackendError} If the backend in use is none for threads.
 */
export function checkThreads(where: string): void {
  if (!isNode()) {
    throw new WorkerError(
      `${where}: the option workers needs the worker threads of Node. Leave it out elsewhere; in a browser webgpu and webgl are parallel in themselves.`,
    );
  }
  // Null as long as none is chosen, whatever the declared type says.
  const backend = getBackend() as string | null | undefined;
  if (backend != null && !BACKENDS.includes(backend)) {
    throw new BackendError(
      `${where}: the option workers is for the backends ${BACKENDS.join(' and ')}, which use one core, but '${backend}' is in use, which is parallel in itself. Leave it out.`,
    );
  }
}

/**
 * Gives a batch to one of `workers` threads and waits for its answer. The values move to the thread: they are empty here afterwards.
 *
 * @throws What the job throws, of the same class.
 * @throws {WorkerError} If threads cannot be started, the thread dies, or the job was abandoned.
 */
export async function runInThread<Settings, Result>(where: string, workers: number, work: ThreadWork<Settings>): Promise<Result> {
  const task: ThreadTask<Settings> = {...work, alive: livingShipments(), trainingKernels: hasTrainingKernels()};
  const pool = poolOf(workers);
  const reply = await ask<Result>(where, pool, task);
  if (reply === undefined) throw new WorkerError(`${where}: the work was abandoned.`);
  if (!('error' in reply)) return reply.result;
  const error = fromPlainError(reply.error);
  // A WebAssembly module that was stopped in its middle cannot go on.
  if (error.name === 'RuntimeError') void endPool(pool, error);
  throw error;
}

/**
 * Ends all worker threads that the option `workers` has started, and frees what they hold. Work that
 * they still have is given up with a {@link WorkerError}. A later call that asks for workers starts
 * new ones. Safe to call twice.
 */
export async function disposeWorkers(): Promise<void> {
  forgetShipments();
  await Promise.all([...pools.values()].map((pool) => endPool(pool, new Error('disposeWorkers() was called'))));
}

async function ask<Result>(where: string, pool: Pool, task: ThreadTask): Promise<ThreadReply<Result>> {
  const threads = await pool.threads.catch((cause: Error) => {
    void endPool(pool, cause);
    throw new WorkerError(`${where}: worker threads cannot be started (${cause.message}).`, {cause});
  });
  try {
    return (await threads.run(task, {transferList: [task.values.buffer as ArrayBuffer]})) as ThreadReply<Result>;
  } catch (error) {
    void endPool(pool, error as Error);
    const cause = pool.failure ?? (error as Error);
    throw new WorkerError(
      `${where}: a worker thread was lost (${cause.message}), and its work with it. The next call starts new threads; if memory ran out, use fewer workers or a smaller batchSize.`,
      {cause},
    );
  }
}

function poolOf(workers: number): Pool {
  const backend = getBackend();
  const key = `${backend} ${workers}`;
  const known = pools.get(key);
  if (known !== undefined) return known;
  const pool: Pool = {key, threads: startThreads(backend, workers)};
  pools.set(key, pool);
  // Emitted for a thread that fails while it has no work. What cannot be started is reported to who asks.
  pool.threads.then(
    (threads) => threads.on('error', (failure: Error) => void endPool(pool, failure)),
    () => undefined,
  );
  return pool;
}

async function endPool(pool: Pool, why: Error): Promise<void> {
  pool.failure ??= why;
  if (pools.get(pool.key) === pool) pools.delete(pool.key);
  // One that could not be started has nothing to end.
  await (await pool.threads.catch(() => undefined))?.destroy();
}

async function startThreads(backend: string, workers: number): Promise<piscina.Piscina> {
  // A name that bundlers cannot see: a browser never comes here.
  const name = 'piscina';
  const {default: Piscina} = (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as typeof piscina;
  return new Piscina({...threadCode(backend), minThreads: workers, maxThreads: workers, idleTimeout: Infinity});
}

/** The file that threads run, and where it finds the modules of jobs. */
function threadCode(backend: string): {filename: string; execArgv?: string[]; workerData: ThreadStart} {
  const {root, extension} = sourceRoot();
  // Of the CommonJS build the file is one of the entries.
  const filename = `${root}${extension === '.cjs' ? '' : 'workers/'}worker-thread${extension}`;
  // Built code follows the options of the process, `--import` among them.
  return {filename, ...(extension === '.ts' && {execArgv: ['--require', 'tsx/cjs']}), workerData: {backend, root, extension}};
}
