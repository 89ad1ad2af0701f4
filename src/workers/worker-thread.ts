/**
 * What a worker thread runs: it builds the models that it is sent, keeps them, and does batch after
 * batch with the functions that the main thread would use. The other end is thread-pool.ts.
 */
import {createRequire} from 'node:module';
import {workerData} from 'node:worker_threads';
import {tensor4d} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {startBackend} from '../backend/start-backend.js';
import {installTrainingKernels} from '../tfjs/install-training-kernels.js';
import {toPlainError} from './plain-error.js';
import type {Job, ReadyJob} from './job.js';
import type {Shipment, ThreadReply, ThreadStart, ThreadTask} from './thread-task.js';
import {unpackModel} from './unpack-model.js';
import {disposeModel} from '../tfjs/model-variables.js';

/** Models that are built and ready. */
interface Arrived {
  readonly version: number;
  readonly models: readonly LayersModel[];
  readonly ready: ReadyJob<unknown, unknown>;
}

/** By the id of their shipment. */
const arrived = new Map<number, Arrived>();

// Once, and before the first model: a thread serves one backend.
const {backend, root, extension} = workerData as ThreadStart;
const started = startBackend(backend);

/** Does a task; errors are handed over as plain values, since classes of our own do not survive the way. */
export default async function perform(task: ThreadTask): Promise<ThreadReply> {
  if (Atomics.load(task.abandoned, 0) !== 0) return undefined;
  try {
    await started;
    if (task.trainingKernels) installTrainingKernels();
    for (const id of arrived.keys()) if (!task.alive.includes(id)) free(id);
    const {
      ready: {work},
    } = arrivedAs(task.shipment) ?? (await receive(task));
    const images = tensor4d(task.values, task.shape);
    return {result: await work(images, task.settings).finally(() => images.dispose())};
  } catch (error) {
    return {error: toPlainError(error)};
  }
}

function arrivedAs({id, version}: Shipment): Arrived | undefined {
  const known = arrived.get(id);
  return known?.version === version ? known : undefined;
}

/** Loads the module of a job as this one was loaded, so that nothing is there twice. */
async function load(module: string): Promise<Pick<Job<unknown, unknown>, 'prepare'>> {
  const file = `${root}${module}${extension}`;
  return (extension === '.js' ? await import(file) : createRequire(file)(file)) as Pick<Job<unknown, unknown>, 'prepare'>;
}

/** Builds the models of a shipment in place of an earlier version. */
async function receive({module, shipment}: ThreadTask): Promise<Arrived> {
  const {id, version} = shipment;
  free(id);
  const models: LayersModel[] = [];
  try {
    for (const packed of shipment.models) models.push(await unpackModel(packed));
    const {prepare} = await load(module);
    const received = {version, models, ready: prepare(models)};
    arrived.set(id, received);
    return received;
  } catch (error) {
    models.forEach(disposeModel);
    throw error;
  }
}

function free(id: number): void {
  const {models = [], ready} = arrived.get(id) ?? {};
  ready?.dispose();
  models.forEach(disposeModel);
  arrived.delete(id);
}
