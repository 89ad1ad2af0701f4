/** The training steps of a student and an explanation network on random images, made ready to be timed. */
import {dispose, randomUniform, tidy, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {readOptions} from '../src/core/options.js';
import {createNetworks} from '../src/distiller/create.js';
import {paperForm, type MethodOptions} from '../src/distiller/method.js';
import {Random} from '../src/core/random.js';
import {makeUpdater} from '../src/tfjs/optimizer.js';
import {fitSchema, fitSettings} from '../src/distiller/options.js';
import type {Stage} from '../src/distiller/progress.js';
import {prepareBatch} from '../src/distiller/train/prepare-batch.js';
import {stageNetworks} from '../src/distiller/train/stage-networks.js';
import {stageVariables, trainStep} from '../src/distiller/train/train-step.js';
import {teacherFromLayersModel, type StudentBuilder} from '../src/index.js';
import type {Work} from './timing.js';

/** What is timed, on one batch. */
export interface TrainingRun {
  /** A plain forward pass. */
  forward(of: 'teacher' | 'student'): Work;
  /** One whole step of a stage: losses, gradients, update. */
  step(stage: Stage): {readonly step: Work; readonly end: () => void};
  dispose(): void;
}

/**
 * Makes networks and a batch of seeded random images, on the current backend. The teacher becomes the run's.
 *
 * @param form The form of the method; the paper's, where nothing is said.
 */
export async function trainingRun(
  teacherModel: LayersModel,
  student: StudentBuilder,
  batch: number,
  form: MethodOptions = paperForm,
): Promise<TrainingRun> {
  const teacher = teacherFromLayersModel(teacherModel);
  const networks = await createNetworks({teacher, student, seed: 1, ...form});
  const images = randomUniform([batch, ...teacher.inputShape], -1, 1, 'float32', 1) as Tensor4D;
  const labels = Array.from({length: batch}, (_, index) => index % teacher.numClasses);
  const random = new Random(1);
  const prepared = await prepareBatch('bench', networks, {images, labels}, {random, leastCrop: 1});

  return {
    forward: (of) => async () => {
      const model = of === 'teacher' ? teacherModel : networks.student.model;
      const outputs = tidy(() => model.apply(images, {training: false}) as Tensor | Tensor[]);
      await (Array.isArray(outputs) ? (outputs[0] as Tensor) : outputs).data();
      dispose(outputs);
    },
    step: (stage) => {
      const settings = fitSettings(readOptions(fitSchema), networks);
      const frozen = stageNetworks(stage, networks);
      const updater = makeUpdater(settings.optimizer, 1e-6);
      const context = {
        stage,
        settings,
        lambda: settings.lambda,
        updater,
        variables: stageVariables(stage, networks).trainable,
        where: 'bench',
        random,
        position: 'the bench',
      };
      const step = async (): Promise<void> => {
        const batchOfStage = stage === 'student' ? prepared : await prepareBatch('bench', frozen, {images, labels}, {random, leastCrop: 1});
        await trainStep(frozen, batchOfStage, context);
        if (batchOfStage !== prepared) dispose({...batchOfStage});
      };
      const end = (): void => {
        updater.dispose();
        frozen.dispose();
      };
      return {step, end};
    },
    dispose: () => {
      dispose([images, ...Object.values({...prepared})].filter((tensor) => tensor !== undefined));
      for (const model of new Set([teacherModel, networks.student.model, networks.decoder])) model.dispose();
    },
  };
}
