/** What a training run can be told, its defaults, and the paper's own settings. */
import {checkInteger, checkNumber, checkOneOf} from '../core/check.js';
import type {TrainingBatches} from '../data/batches.js';
import {sparsityWeight, type LambdaRule} from '../losses/explanation-loss.js';
import {cosineSchedule, stepSchedule, type LearningRateSchedule} from './train/schedule.js';

/** One value for both stages, or one for each; an absent one takes its default. */
export type PerStage<T> = T | {readonly student?: T | undefined; readonly explanation?: T | undefined};

/** Options of `fit` and `train`. */
export interface FitOptions {
  /**
   * `'staged'`: the student first, then the explanation network with the student frozen.
   * `'joint'`: both at once, equation 11; its epochs and rate are those of `explanation`.
   * @default 'staged'
   */
  readonly mode?: 'staged' | 'joint' | undefined;
  /** Passes over the data; 0 leaves a stage out. @default 6 */
  readonly epochs?: PerStage<number> | undefined;
  /** `'sgd'` has Nesterov momentum 0.9, as in the paper. @default 'adam' */
  readonly optimizer?: 'adam' | 'sgd' | undefined;
  /** @default student 1e-3 (1e-4 if it started from the teacher's weights), explanation 1e-3; times 10 with 'sgd' */
  readonly learningRate?: PerStage<number> | undefined;
  /** Factor on the rate by epoch. @default cosineSchedule */
  readonly schedule?: PerStage<LearningRateSchedule> | undefined;
  /** α, weight of the soft against the hard distillation loss, 0–1. Batches without labels train on the soft loss alone. @default 0.5 */
  readonly alpha?: number | undefined;
  /** t, the temperature of the soft loss, above 0. @default 1 */
  readonly temperature?: number | undefined;
  /** λ, weight of the map's L1 norm: larger makes sparser maps. @default 1e-5 */
  readonly lambda?: number | undefined;
  /** Whether λ refers to a 224×224 map or to the map at hand. @default 'per-224' */
  readonly lambdaRule?: LambdaRule | undefined;
  /** Share of the explanation stage over which λ rises from 0, 0–1. @default 0 */
  readonly lambdaWarmup?: number | undefined;
  /**
   * Who scores the masked image: the teacher (section 3.1) or the student (equation 9 as printed).
   * @default 'teacher'
   */
  readonly scorer?: 'teacher' | 'student' | undefined;
  /**
   * What stands where H is 0. `'zeros'`: x ⊙ H, the mean colour, as in the paper. `'blur'`: the
   * blurred image that insertion starts from, x ⊙ H + blur(x) ⊙ (1 − H), so that holes have no edges
   * that the teacher might take for evidence. Maps then rank better on insertion and worse on
   * deletion, and want a smaller λ.
   * @default 'zeros'
   */
  readonly fill?: 'zeros' | 'blur' | undefined;
  /**
   * Batches per epoch, where known: lets progress show a total from the first step. Counted by
   * itself for an array, and for anything else once the first epoch is over.
   */
  readonly batchesPerEpoch?: number | undefined;
  /** Measured after every epoch of every stage: the losses, on images not trained on. */
  readonly validation?: TrainingBatches | undefined;
  /** Stops between two steps; the networks keep what they have learned. */
  readonly signal?: AbortSignal | undefined;
}

/** Settings of one stage. */
export interface StageSettings {
  readonly stage: Stage;
  readonly epochs: number;
  readonly learningRate: number;
  readonly schedule: LearningRateSchedule;
}

/** The stages of a run, in order. */
export type Stage = 'student' | 'explanation' | 'joint';

/** All options with their defaults filled in. */
export interface FitSettings {
  readonly stages: readonly StageSettings[];
  readonly optimizer: 'adam' | 'sgd';
  readonly alpha: number;
  readonly temperature: number;
  readonly lambda: number;
  readonly lambdaRule: LambdaRule;
  readonly lambdaWarmup: number;
  readonly scorer: 'teacher' | 'student';
  readonly fill: 'zeros' | 'blur';
  readonly batchesPerEpoch: number | undefined;
  readonly validation: TrainingBatches | undefined;
  readonly signal: AbortSignal | undefined;
}

const MAX_EPOCHS = 100_000;
const ADAM_RATES = {fresh: 1e-3, copied: 1e-4, explanation: 1e-3} as const;
// A rule of thumb: SGD's steps shrink with the gradient, Adam's do not.
const SGD_FACTOR = 10;

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {RangeError} If a value is outside its range or not one of those allowed.
 */
export function resolveFitOptions(options: FitOptions, startedFromTeacher: boolean): FitSettings {
  const {mode = 'staged', optimizer = 'adam', alpha = 0.5, temperature = 1, lambda = 1e-5} = options;
  const {lambdaRule = 'per-224', lambdaWarmup = 0, scorer = 'teacher', fill = 'zeros', batchesPerEpoch, validation, signal} = options;
  checkOneOf('fit: mode', mode, ['staged', 'joint']);
  checkOneOf('fit: optimizer', optimizer, ['adam', 'sgd']);
  checkOneOf('fit: scorer', scorer, ['teacher', 'student']);
  checkOneOf('fit: fill', fill, ['zeros', 'blur']);
  checkNumber('fit: alpha', alpha, 0, 1);
  checkNumber('fit: temperature', temperature, Number.MIN_VALUE);
  checkNumber('fit: lambdaWarmup', lambdaWarmup, 0, 1);
  if (batchesPerEpoch !== undefined) checkInteger('fit: batchesPerEpoch', batchesPerEpoch, 1);
  sparsityWeight(lambda, 224, 224, lambdaRule);
  const factor = optimizer === 'sgd' ? SGD_FACTOR : 1;
  const rates = {
    student: factor * (startedFromTeacher ? ADAM_RATES.copied : ADAM_RATES.fresh),
    explanation: factor * ADAM_RATES.explanation,
  };
  const settingsOf = (stage: Stage): StageSettings => {
    const key = stage === 'student' ? 'student' : 'explanation';
    const epochs = checkInteger(`fit: epochs of the ${stage} stage`, perStage(options.epochs, key) ?? 6, 0, MAX_EPOCHS);
    const learningRate =
      perStage(options.learningRate, key) ?? (stage === 'joint' ? Math.min(rates.student, rates.explanation) : rates[key]);
    checkNumber(`fit: learningRate of the ${stage} stage`, learningRate, 0);
    return {stage, epochs, learningRate, schedule: perStage(options.schedule, key) ?? cosineSchedule};
  };
  const stages = (mode === 'joint' ? (['joint'] as const) : (['student', 'explanation'] as const)).map(settingsOf);
  return {stages, optimizer, alpha, temperature, lambda, lambdaRule, lambdaWarmup, scorer, fill, batchesPerEpoch, validation, signal};
}

function perStage<T>(value: PerStage<T> | undefined, stage: 'student' | 'explanation'): T | undefined {
  const perStageObject = typeof value === 'object' && value !== null;
  return perStageObject ? (value as {student?: T; explanation?: T})[stage] : (value as T | undefined);
}

/**
 * The paper's own settings (section 4.1): SGD with Nesterov momentum, rate 0.1, the student for 100
 * epochs and three drops every 30, the explanation network for 10 and three drops every 2.
 * Spread it into the options of `fit`.
 */
export function paperTraining(): FitOptions {
  return {
    mode: 'staged',
    optimizer: 'sgd',
    learningRate: 0.1,
    epochs: {student: 190, explanation: 16},
    schedule: {student: stepSchedule({initialEpochs: 100, every: 30}), explanation: stepSchedule({initialEpochs: 10, every: 2})},
    alpha: 0.5,
    temperature: 1,
    lambda: 1e-5,
    lambdaWarmup: 0,
  };
}
