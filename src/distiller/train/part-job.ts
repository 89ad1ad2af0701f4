/**
 * The job of a worker thread in training: losses and gradients of a part of a batch. The networks stay in the thread for a
 * whole stage; what changes from step to step comes in shared memory, and gradients go back there.
 */
import {dispose, tensor2d, type Tensor2D, type Tensor4D, type Variable} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {at} from '../../core/at.js';
import {Random} from '../../core/random.js';
import type {Teacher} from '../../core/types.js';
import {teacherFromLayersModel} from '../../models/teacher-from-layers-model.js';
import {installTrainingKernels} from '../../tfjs/install-training-kernels.js';
import type {Job, ReadyJob} from '../../workers/job.js';
import type {Method} from '../method.js';
import {slopesOf} from './gradient-step.js';
import {scalarsOf, stageLoss, type LossSettings, type Objective} from './objectives.js';
import {answerBatch, type BatchImages} from './prepare-batch.js';
import {assignValues, othersOf, sizeOf, writeValues} from './shared-weights.js';
import {readScalars} from './read-scalars.js';
import {stageNetworks, type StageNetworks} from './stage-networks.js';
import {stageVariables} from './train-step.js';

/** What a thread is told of a stage, and of a part of a batch. */
export interface PartSettings extends Pick<Objective, 'where' | 'stage' | 'lambda' | 'training'>, Required<Pick<Objective, 'first'>> {
  readonly batchName: string;
  readonly losses: LossSettings;
  readonly method: Method;
  /** Whether batch norm and dropout of the student run in training mode. */
  readonly trainingMode: boolean;
  /** What is to be known of the teacher besides its model. */
  readonly teacher: Pick<Teacher, 'name' | 'inputShape' | 'numClasses' | 'classes'>;
  readonly seed: number;
  readonly labels: Int32Array | undefined;
  /** What the teacher says of the images, where it is not there to be asked. */
  readonly asked: Float32Array | undefined;
  /** Whether the step changes weights that have no gradient: statistics of batch norms. */
  readonly learnsStatistics: boolean;
  /** Changes with the weights. */
  readonly version: number;
  /** In shared memory: the trainable weights, then the others of the stage. */
  readonly weights: Float32Array;
  /** In shared memory, laid out alike: takes the gradients and what the others have become, if this is training. */
  readonly slopes: Float32Array;
}

/** What comes back besides the gradients. */
export interface PartResult {
  readonly reported: Readonly<Record<string, number>>;
  /** `[n,K]`, K ≥ 2. */
  readonly teacherLogits: Float32Array;
  /** Places of the trainable variables that have a gradient. */
  readonly moved: readonly number[];
}

/** Of student, decoder and, if it is sent, teacher, in this order. */
export const partJob: Job<PartSettings, PartResult> = {module: 'distiller/train/part-job', prepare};

/** Makes the networks ready for a stage, the one of the first part that is asked for. */
export function prepare(models: readonly LayersModel[]): ReadyJob<PartSettings, PartResult> {
  let stage: Stage | undefined;
  return {
    work: async (images, settings) => {
      stage ??= prepareStage(models, settings);
      stage.load(settings);
      return workOn(stage, images, settings);
    },
    dispose: () => stage?.networks.dispose(),
  };
}

interface Stage {
  readonly networks: StageNetworks;
  readonly trainable: Variable[];
  readonly others: Variable[];
  /** Takes over the weights of a step. */
  load(settings: PartSettings): void;
}

function prepareStage(models: readonly LayersModel[], {stage, method, trainingMode, teacher}: PartSettings): Stage {
  installTrainingKernels();
  const [student, decoder, model] = [at(models, 0), at(models, 1), models[2]];
  const networks = stageNetworks(stage, {
    teacher:
      model === undefined
        ? absentTeacher(teacher)
        : teacherFromLayersModel(model, {classes: teacher.classes, inputShape: teacher.inputShape}),
    student: {model: student, trainingMode},
    decoder,
    method,
  });
  const variables = stageVariables(stage, networks);
  const trainable = [...variables.trainable];
  const others = othersOf(variables);
  let known: number | undefined;
  return {
    networks,
    trainable,
    others,
    load: ({version, weights, learnsStatistics}) => {
      if (version !== known) assignValues(weights, [...trainable, ...others]);
      // The part before this one has moved them.
      else if (learnsStatistics) assignValues(weights.subarray(sizeOf(trainable)), others);
      known = version;
    },
  };
}

/** A teacher that has answered already, elsewhere. */
function absentTeacher(teacher: PartSettings['teacher']): Teacher {
  return {
    ...teacher,
    logits: () => {
      throw new Error(`teacher '${teacher.name}' is in another thread`);
    },
  };
}

async function workOn({networks, trainable, others}: Stage, images: Tensor4D, settings: PartSettings): Promise<PartResult> {
  const {where, batchName, stage, losses, lambda, training, seed, first, labels, slopes, learnsStatistics, teacher} = settings;
  const objective = {where, stage, settings: losses, lambda, training, random: new Random(seed), first};
  const asked = settings.asked && tensor2d(settings.asked, [images.shape[0], teacher.numClasses]);
  const prepared = await answered(batchName, networks, {images, labels}, {...objective, asked});
  try {
    const teacherLogits = prepared.teacherLogits.dataSync<'float32'>().slice();
    if (!training) {
      const scalars = scalarsOf(networks, prepared, objective);
      return {reported: await readScalars(scalars).finally(() => dispose(scalars)), teacherLogits, moved: []};
    }
    const {reported, gradients} = await slopesOf(() => stageLoss(networks, prepared, objective), trainable);
    const ordered = trainable.map(({name}) => gradients[name]);
    writeValues(slopes, trainable, ordered);
    if (learnsStatistics) writeValues(slopes.subarray(sizeOf(trainable)), others);
    dispose(gradients);
    return {reported, teacherLogits, moved: [...ordered.keys()].filter((place) => ordered[place] !== undefined)};
  } finally {
    dispose({...prepared});
  }
}

async function answered(
  batchName: string,
  networks: StageNetworks,
  batch: BatchImages,
  answering: Parameters<typeof answerBatch>[3] & {readonly asked: Tensor2D | undefined},
): ReturnType<typeof answerBatch> {
  return answerBatch(batchName, networks, batch, answering).finally(() => answering.asked?.dispose());
}
