/**
 * Learns in worker threads (data parallelism): each batch is cut into parts that depend on the batch alone, threads compute
 * the gradients of the parts, and these are added up in the order of the parts. So the result does not depend on the number
 * of threads, bit for bit. Weights and gradients are in shared memory; the optimiser stays here.
 *
 * Batch norms in training mode see one part at a time, and their running statistics follow the mean of the parts ("ghost
 * batch normalization", Hoffer et al. 2017), as is usual where each device has a part of a batch.
 */
import {dispose, scalar, tensor2d, type NamedTensorMap} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {at} from '../../core/at.js';
import {UnsupportedModelError} from '../../core/errors/unsupported-model-error.js';
import {inOrder, partsOf, type Part} from '../../core/in-order.js';
import {itemsOf} from '../../core/tensors.js';
import {layersModelOf} from '../../models/teacher-from-layers-model.js';
import {inThreads} from '../../workers/in-threads.js';
import {shipOnce, type OneShipment} from '../../workers/shipped-models.js';
import {checkThreads} from '../../workers/thread-pool.js';
import {awaitTeacher, kindOf, type Networks} from '../networks.js';
import type {FitSettings} from '../options.js';
import type {Stage} from '../progress.js';
import type {BatchLearner, Measuring} from './learner.js';
import {Means} from './means.js';
import {partJob, type PartResult, type PartSettings} from './part-job.js';
import type {BatchImages} from './prepare-batch.js';
import {assignValues, othersOf, readTensors, sharedNumbers, sizeOf, writeValues} from './shared-weights.js';
import type {LearnerVariables} from './run-place.js';
import {checkLosses} from './gradient-step.js';

// As many threads can be of use; every part costs an addition of all gradients.
const MOST_PARTS = 8;
// Images of a part: what a part costs by itself, the gradients of all weights, is little beside so many. And statistics of
// few images are too rough to normalize by.
const LEAST = {plain: 4, normalized: 8} as const;

/** What is trained in threads. */
export interface ThreadedStage {
  readonly where: string;
  readonly stage: Stage;
  /** Those of the distiller, not compiled. */
  readonly networks: Networks;
  readonly variables: LearnerVariables;
  readonly workers: number;
}

/**
 * Checks that a training can be had in threads.
 *
 * @throws {WorkerError | BackendError} If threads cannot be had here.
 * @throws {UnsupportedModelError} If the gradient of a teacher is needed that cannot be sent.
 */
export function checkTrainsInThreads(where: string, {teacher}: Networks, {stages, scorer}: FitSettings): void {
  checkThreads(where);
  const explains = stages.some(({stage, limits}) => stage !== 'student' && limits.epochs !== 0);
  if (!explains || scorer === 'student' || layersModelOf(teacher) !== undefined) return;
  throw new UnsupportedModelError(
    `${where}: the teacher '${teacher.name}' cannot be sent to worker threads, where its gradient is needed. Take a LayersModel or a Teacher made by teacherFromLayersModel(model), or scorer: 'student'; or leave the option workers out.`,
  );
}

/** Learns a stage in threads. */
export function learnInThreads({where, stage, networks, variables, workers}: ThreadedStage): BatchLearner {
  const {teacher, student, decoder, method} = networks;
  const {trainable} = variables;
  const others = othersOf(variables);
  const teacherModel = layersModelOf(teacher);
  const learnsStatistics = stage !== 'explanation' && student.trainingMode && others.length > 0;
  const numbers = sizeOf([...trainable, ...others]);
  const weights = sharedNumbers(numbers);
  // As many parts as there are threads are under way, and one more.
  const slots = Array.from({length: workers + 1}, () => sharedNumbers(numbers));
  const models: LayersModel[] = [student.model, decoder, ...(teacherModel === undefined ? [] : [teacherModel])];
  let sent: OneShipment | undefined;
  let version = 0;

  /** Does the parts of a batch, and hands on each in turn: what it came to, its gradients, and its share of the batch. */
  async function overParts(
    {images, labels}: BatchImages,
    {batchName, stage: _, settings, lambda, random}: Measuring,
    training: boolean,
    take: (result: PartResult, slopes: Float32Array, part: Part) => void,
  ): Promise<void> {
    const [count] = images.shape;
    const {alpha, temperature, lambdaRule, fill, scorer, softness, baselines, rankingTemperature, deletionWeight} = settings;
    const asked = teacherModel === undefined ? await valuesOfTeacher(batchName, images) : undefined;
    writeValues(weights, [...trainable, ...others]);
    const common = {
      ...{where, batchName, stage, method, lambda, training, learnsStatistics, weights, version: ++version, seed: random.seed},
      losses: {alpha, temperature, lambdaRule, fill, scorer, softness, baselines, rankingTemperature, deletionWeight},
      trainingMode: student.trainingMode,
      teacher: {name: teacher.name, inputShape: teacher.inputShape, numClasses: teacher.numClasses, classes: kindOf(teacher)},
    };
    const size = Math.max(Math.ceil(count / MOST_PARTS), LEAST[learnsStatistics ? 'normalized' : 'plain']);
    const parts = [...partsOf(count, size)];
    const slopesOf = (index: number): Float32Array => at(slots, index % slots.length);
    const {shipment} = (sent ??= shipOnce(where, models));
    const work = async (index: number): Promise<PartResult> => {
      const {first, count: own} = at(parts, index);
      const settingsOfPart: PartSettings = {
        ...common,
        first,
        labels: labels?.slice(first, first + own),
        asked: asked?.slice(first * teacher.numClasses, (first + own) * teacher.numClasses),
        slopes: slopesOf(index),
      };
      const run = inThreads({where, job: partJob, settings: settingsOfPart, ship: () => shipment, workers});
      return run(itemsOf(images, first, own));
    };
    let index = 0;
    for await (const result of inOrder(parts.keys(), work, {threads: workers})) {
      take(result, slopesOf(index), at(parts, index));
      index++;
    }
  }

  async function valuesOfTeacher(batchName: string, images: BatchImages['images']): Promise<Float32Array> {
    const logits = await awaitTeacher(batchName, teacher, images);
    return logits.data<'float32'>().finally(() => logits.dispose());
  }

  return {
    step: async (batch, stepping) => {
      const [count] = batch.images.shape;
      const means = new Means();
      const logits: number[] = [];
      const moved = new Set<number>();
      const sums = new Float32Array(numbers);
      await overParts(batch, stepping, true, (result, slopes, part) => {
        means.add(result.reported, part.count);
        for (const value of result.teacherLogits) logits.push(value);
        for (const place of result.moved) moved.add(place);
        addTimes(sums, slopes, part.count / count);
      });
      const reported = means.values();
      checkLosses(stage, stepping.position, reported);
      const gradients = readTensors(sums, trainable);
      try {
        const named = [...moved].map((place) => [at(trainable, place).name, at(gradients, place)] as const);
        stepping.updater.apply(Object.fromEntries(named) as NamedTensorMap);
        if (learnsStatistics) assignValues(sums.subarray(sizeOf(trainable)), others);
      } finally {
        dispose(gradients);
      }
      return {numbers: reported, teacherLogits: tensor2d(logits, [count, logits.length / count])};
    },
    measure: async (batch, measuring) => {
      const means = new Means();
      await overParts(batch, measuring, false, ({reported}, __, part) => means.add(reported, part.count));
      return Object.fromEntries(Object.entries(means.values()).map(([name, value]) => [name, scalar(value)]));
    },
    dispose: () => sent?.release(),
  };
}

/** Adds a multiple of some numbers to others. */
function addTimes(sums: Float32Array, values: Float32Array, factor: number): void {
  for (let index = 0; index < sums.length; index++) sums[index] = (sums[index] as number) + factor * (values[index] as number);
}
