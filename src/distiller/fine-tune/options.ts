/** What fine-tuning can be told, and its defaults: the recipe of Lee & Kim, section 4.1. */
import {runFields, seedField} from '../../core/common-options.js';
import {absentMeans, callback, integer, number, oneOf, text, withDefault} from '../../core/fields.js';
import type {OptionsSchema, Settled} from '../../core/options.js';
import {preprocessingField, type PreprocessingName} from '../../core/preprocessing.js';
import type {Preprocessing, SeedOptions} from '../../core/types.js';
import {inputShapeField} from '../../models/input-spec.js';
import {checkpointField, type CheckpointOptions} from '../checkpoint-options.js';
import {stepSchedule, type LearningRateSchedule} from '../schedule.js';
import {budgetField, type Budget} from '../stage-length.js';
import {validationFields, type ValidationOptions} from '../validation-options.js';
import type {FineTuneProgress} from './progress.js';

/** Options of {@link fineTune}. */
export interface FineTuneOptions extends SeedOptions, ValidationOptions {
  /**
   * Classes of a fresh head, at least 2: global average pooling where the features are a map, one Dense layer, softmax.
   * @default the model's classes: its own head is trained further
   */
  readonly numClasses?: number | undefined;
  /**
   * Path of the layer whose output the head reads. What comes after it makes way for a fresh head, or is the head that is trained.
   * @default what the last layer reads, where the model ends in one Dense or 1×1 convolution; otherwise it has to be said
   */
  readonly features?: string | undefined;
  /**
   * `'free'`: all layers are trained but those with `trainable: false` of their own, with dropout, and with batch norms on
   * the statistics of each batch. `'frozen'`: the head alone is; everything in front of it stays to the last bit.
   * @default 'free'
   */
  readonly base?: 'free' | 'frozen' | undefined;
  /** How decoded pictures become network input. @default none: tensors only */
  readonly preprocessing?: PreprocessingName | Preprocessing | undefined;
  /** `[height, width, channels]`, needed where the model leaves height or width open. @default the model's */
  readonly inputShape?: readonly [number, number, number] | undefined;
  /** Passes over the data, 1–100000. @default 100 */
  readonly epochs?: number | undefined;
  /** What ends the training, beside its epochs: whatever is reached first. @default none */
  readonly budget?: Budget | undefined;
  /** `'momentum'`: SGD with momentum 0.9, as in the paper; `'sgd'`: the same with Nesterov's. @default 'momentum' */
  readonly optimizer?: 'momentum' | 'sgd' | 'adam' | undefined;
  /** At least 0. @default 0.01; 0.001 with 'adam' */
  readonly learningRate?: number | undefined;
  /** Factor on the rate by epoch. @default halved after every 20 epochs */
  readonly schedule?: LearningRateSchedule | undefined;
  /** Batches per epoch, where known, at least 1. @default counted */
  readonly batchesPerEpoch?: number | undefined;
  /** Where the state of the training is written, so that `resumeFrom` can go on from there. @default none */
  readonly checkpoint?: CheckpointOptions | undefined;
  /** Where an earlier run with the same model, batches and options has written its checkpoints: goes on from the newest. @default none */
  readonly resumeFrom?: string | undefined;
  /** Stops between two steps; the promise rejects with the signal's reason. @default none */
  readonly signal?: AbortSignal | undefined;
  /** Called after every step and every validation. @default none */
  readonly onProgress?: ((progress: FineTuneProgress) => void) | undefined;
}

type Undecided =
  | keyof ValidationOptions
  | 'numClasses'
  | 'features'
  | 'preprocessing'
  | 'inputShape'
  | 'budget'
  | 'learningRate'
  | 'batchesPerEpoch'
  | 'checkpoint'
  | 'resumeFrom'
  | 'signal'
  | 'onProgress';

/** Options of `fineTune` with their defaults filled in. */
export type FineTuneValues = Settled<FineTuneOptions, Undecided>;

const HALVINGS = 1000;
const halved: LearningRateSchedule = /* @__PURE__ */ stepSchedule({initialEpochs: 20, every: 20, times: HALVINGS, factor: 0.5});

/** The options of {@link fineTune}. */
export const fineTuneSchema: OptionsSchema<FineTuneValues> = {
  where: 'fineTune',
  fields: {
    numClasses: absentMeans(integer(2), "the model's classes: its own head is trained further"),
    features: absentMeans(
      text(),
      'what the last layer reads, where the model ends in one Dense or 1×1 convolution; otherwise it has to be said',
    ),
    base: withDefault(oneOf('free', 'frozen'), 'free'),
    preprocessing: preprocessingField,
    inputShape: inputShapeField,
    epochs: withDefault(integer(1, 100_000), 100),
    budget: budgetField,
    optimizer: withDefault(oneOf('momentum', 'sgd', 'adam'), 'momentum'),
    learningRate: absentMeans(number(0), "0.01; 0.001 with 'adam'"),
    schedule: withDefault<LearningRateSchedule, LearningRateSchedule>(
      callback<LearningRateSchedule>(),
      halved,
      'halved after every 20 epochs',
    ),
    batchesPerEpoch: absentMeans(integer(1), 'counted'),
    ...validationFields,
    checkpoint: checkpointField,
    resumeFrom: absentMeans(text(), 'none'),
    seed: seedField,
    signal: runFields.signal,
    onProgress: absentMeans(callback<(progress: FineTuneProgress) => void>(), 'none'),
  },
};

/** The rate to begin with. */
export function firstRate({learningRate, optimizer}: FineTuneValues): number {
  return learningRate ?? (optimizer === 'adam' ? 1e-3 : 0.01);
}
