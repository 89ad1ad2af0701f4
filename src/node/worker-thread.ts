/**
 * What a worker thread runs: it builds the models that it is sent, keeps them, and does batch after
 * batch with the functions that the main thread would use. The other end is src/workers.
 */
import {workerData} from 'node:worker_threads';
import {tensor4d, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {startBackend} from '../backend/start-backend.js';
import {installTrainingKernels} from '../backend/training-kernels.js';
import {CompiledNetworks, drawPlain} from '../distiller/compiled-networks.js';
import {drawMaps} from '../distiller/draw-maps.js';
import {disposeModel} from '../models/dispose-model.js';
import {scoreModel} from '../models/score-model.js';
import {toPlainError} from '../workers/plain-error.js';
import type {JobName, Jobs, Shipment, ThreadReply, ThreadTask} from '../workers/thread-task.js';
import {unpackModel} from '../workers/unpack-model.js';

type Work<Name extends JobName> = (images: Tensor4D, settings: Jobs[Name]['settings']) => Promise<Jobs[Name]['result']>;

/** Models made ready for a job. */
interface Ready<Name extends JobName> {
  readonly work: Work<Name>;
  /** Frees what was made of the models, not the models. */
  dispose(): void;
}

/** Prepares models for a job. */
const jobs: {readonly [Name in JobName]: (models: readonly LayersModel[]) => Ready<Name>} = {
  score: ([model]) => {
    const scorer = scoreModel(model as LayersModel);
    return {work: (images) => scorer.score(images), dispose: () => undefined};
  },
  explain: ([student, decoder]) => {
    // Training is none of a thread's business.
    const networks = {student: {model: student as LayersModel, trainingMode: false}, decoder: decoder as LayersModel};
    const compiled = new CompiledNetworks(networks);
    return {
      work: (images, {compile, ...settings}) => drawMaps(compile ? compiled.draw : drawPlain(networks), images, settings),
      dispose: () => compiled.dispose(),
    };
  },
};

/** Models that are built and ready. */
interface Arrived {
  readonly version: number;
  readonly models: readonly LayersModel[];
  readonly ready: Ready<JobName>;
}

/** By the id of their shipment. */
const arrived = new Map<number, Arrived>();

// Once, and before the first model: a thread serves one backend.
const started = startBackend((workerData as {backend: string}).backend);

/** Does a task; errors are handed over as plain values, since classes of our own do not survive the way. */
export default async function perform(task: ThreadTask): Promise<ThreadReply> {
  if (Atomics.load(task.abandoned, 0) !== 0) return undefined;
  try {
    await started;
    if (task.trainingKernels) installTrainingKernels();
    for (const id of arrived.keys()) if (!task.alive.includes(id)) free(id);
    const {ready: {work}} = arrivedAs(task.shipment) ?? (await receive(task));
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

/** Builds the models of a shipment in place of an earlier version. */
async function receive({job, shipment}: ThreadTask): Promise<Arrived> {
  const {id, version} = shipment;
  free(id);
  const models: LayersModel[] = [];
  try {
    for (const packed of shipment.models) models.push(await unpackModel(packed));
    const received = {version, models, ready: jobs[job](models) as Ready<JobName>};
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
