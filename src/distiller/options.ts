/** What a training run can be told, its defaults, and the paper's own settings. */
import {signalField, workersField} from '../core/common-options.js';
import {absentMeans, callback, either, group, integer, list, number, oneOf, withDefault} from '../core/fields.js';
import type {Field, OptionsSchema, Settled} from '../core/options.js';
import {explanationLossSchema, type LambdaRule} from '../losses/explanation-loss.js';
import {distillationLossSchema} from '../losses/distillation-loss.js';
import {rankingMaskSchema} from '../losses/ranking-mask.js';
import {baselineKinds, type BaselineKind} from '../queries/random-baselines.js';
import {checkpointField, type CheckpointOptions} from './checkpoint-options.js';
import {isBlackBox} from '../models/black-box.js';
import {recipeOf} from '../models/students/student-recipe.js';
import type {Networks} from './networks.js';
import type {Stage, TrainingProgress} from './progress.js';
import {budgetField, type Budget, type StageLimits} from './stage-length.js';
import {checkKeptByValidation, validationFields, type ValidationOptions} from './validation-options.js';
import {cosineSchedule, stepSchedule, type LearningRateSchedule} from './schedule.js';

/** One value for both stages, or one for each; an absent one takes its default. */
export type PerStage<T> = T | StageValues<T>;

/** A value for each stage. */
export interface StageValues<T> {
  /** For the training of the student. */
  readonly student?: T | undefined;
  /** For the training of the explanation network. */
  readonly explanation?: T | undefined;
}

/** Options of `fit`. */
export interface FitOptions extends ValidationOptions {
  /**
   * `'staged'`: the student first, then the explanation network with the student frozen.
   * `'joint'`: both at once, equation 11; its epochs and rate are those of `explanation`.
   * @default 'staged'
   */
  readonly mode?: 'staged' | 'joint' | undefined;
  /**
   * Passes over the data, 0–100000; 0 leaves a stage out. A single number is for the stages that run by default.
   * @default explanation 6 or, for few images, as many as make 300 steps; without limit with a budget. Student 6; 0 with guidance if it started from the teacher's weights, which it then keeps; 60 of a black box
   */
  readonly epochs?: PerStage<number> | undefined;
  /** What ends the training of the explanation network, beside its epochs: whatever is reached first. @default none */
  readonly budget?: Budget | undefined;
  /** `'sgd'` has Nesterov momentum 0.9, as in the paper. @default 'adam' */
  readonly optimizer?: 'adam' | 'sgd' | undefined;
  /**
   * At least 0.
   * @default student 1e-3 (1e-4 if it started from trained weights), explanation 1e-3 (2e-3 with the objective 'ranking'); times 10 with 'sgd'
   */
  readonly learningRate?: PerStage<number> | undefined;
  /** Factor on the rate by epoch. @default cosineSchedule */
  readonly schedule?: PerStage<LearningRateSchedule> | undefined;
  /** α, weight of the soft against the hard distillation loss, 0–1. Batches without labels train on the soft loss alone. @default 0.5 */
  readonly alpha?: number | undefined;
  /** t, the temperature of the soft loss, above 0. @default 1 */
  readonly temperature?: number | undefined;
  /** λ, weight of the map's L1 norm, at least 0: larger makes sparser maps. @default 1e-5 */
  readonly lambda?: number | undefined;
  /** Whether λ refers to a 224×224 map or to the map at hand. @default 'per-224' */
  readonly lambdaRule?: LambdaRule | undefined;
  /** Share of the explanation stage over which λ rises from 0, 0–1. @default 0 */
  readonly lambdaWarmup?: number | undefined;
  /**
   * Who scores the masked image: the teacher (section 3.1) or the student (equation 9 as printed), which it has to be
   * where the teacher is a black box.
   * @default 'teacher'; 'student' of a black box
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
  /** With the objective 'ranking': τ, how soft the map is cut, in standard deviations, at least 0.001. @default 0.35 */
  readonly softness?: number | undefined;
  /**
   * With the objective 'ranking': the temperature at which the scorer's probabilities are read, above 0. Those of a network
   * that is sure of everything hardly move, and teach nothing about what to take out.
   * @default 4
   */
  readonly rankingTemperature?: number | undefined;
  /** With the objective 'ranking': w, 0–2; the loss is w · deleted − (2 − w) · inserted. @default 1.5 */
  readonly deletionWeight?: number | undefined;
  /** With the objective 'ranking': what stands where pixels are hidden, drawn per image out of these. @default all four */
  readonly baselines?: readonly BaselineKind[] | undefined;
  /**
   * What the explanation network is trained on: rectangles cut at random, of at least this share of an image's area,
   * 0.01–1; 1: whole images.
   * @default 0.25; 1 with the objective 'fidelity'
   */
  readonly leastCrop?: number | undefined;
  /**
   * Share of these images that are put together with another one of their batch, beside or above it, 0–1: so that maps tell
   * two objects apart.
   * @default 0.25; 0 with the objective 'fidelity', and without guidance
   */
  readonly composites?: number | undefined;
  /**
   * What a step leaves of the running mean of the explanation network's weights, which takes their place in the end,
   * 0–0.9999; 0: no mean, the last weights.
   * @default 0.98; 0 with the objective 'fidelity'
   */
  readonly averaging?: number | undefined;
  /**
   * Batches per epoch, where known: lets progress show a total from the first step. Counted by
   * itself for an array, `batchesOf` and `imageFolder`, and for anything else once the first epoch is over. At least 1.
   * @default counted
   */
  readonly batchesPerEpoch?: number | undefined;
  /**
   * Worker threads that compute the gradients of parts of each batch, 0–256; 0 for none but this one. In Node, on the
   * backends wasm and cpu. With 1 or more a batch is learned in at most 8 parts of at least 4 images, whose gradients are
   * added in their order: the result is the same, bit for bit, with any number of threads, and that without to rounding.
   * The batch norms of a student in training mode see one part at a time, of at least 8 images. Threads are kept for
   * later calls until `disposeWorkers()`. @default 0
   */
  readonly workers?: number | undefined;
  /**
   * Where the state of the training is written, so that `AttentiveDistiller.resume` can go on from there; once more when the
   * signal stops it, so that no step is lost. @default none
   */
  readonly checkpoint?: CheckpointOptions | undefined;
  /** Stops between two steps; the networks keep what they have learned. @default none */
  readonly signal?: AbortSignal | undefined;
}

/** Options of `train`. */
export interface TrainOptions extends FitOptions {
  /** Called with every record that `fit` would yield. @default none */
  readonly onProgress?: ((progress: TrainingProgress) => void) | undefined;
}

/** Options of `fit` with their defaults filled in. */
export type FitValues = Settled<FitOptions, Undecided>;

/** Options whose defaults depend on the networks, or that have none. */
type Undecided =
  | 'scorer'
  | 'keepBest'
  | 'patience'
  | 'epochs'
  | 'budget'
  | 'learningRate'
  | 'leastCrop'
  | 'composites'
  | 'averaging'
  | 'batchesPerEpoch'
  | 'validation'
  | 'checkpoint'
  | 'signal';

const STUDENT_EPOCHS = 6;
// A student from scratch, on images that are other ones every time.
const BLACK_BOX_EPOCHS = 60;
const MAX_EPOCHS = 100_000;
const ADAM_RATES = {fresh: 1e-3, copied: 1e-4, fidelity: 1e-3, ranking: 2e-3} as const;
// Together they lower deletion: docs/benchmarks.md has what was measured.
const RANKING_TEMPERATURE = 4;
const DELETION_WEIGHT = 1.5;
const LEAST_CROP = 0.25;
const COMPOSITES = 0.25;
const AVERAGING = 0.98;
// A rule of thumb: SGD's steps shrink with the gradient, Adam's do not.
const SGD_FACTOR = 10;

function perStage<T>(one: Field<T | undefined>): Field<PerStage<T> | undefined> {
  return either<PerStage<T>>(one, group<Settled<StageValues<T>, 'student' | 'explanation'>>({student: one, explanation: one}));
}

/** The options of `fit`. */
export const fitSchema: OptionsSchema<FitValues> = {
  where: 'fit',
  fields: {
    mode: withDefault(oneOf('staged', 'joint'), 'staged'),
    epochs: absentMeans(
      perStage(integer(0, MAX_EPOCHS)),
      "explanation 6 or, for few images, as many as make 300 steps; without limit with a budget. Student 6; 0 with guidance if it started from the teacher's weights, which it then keeps; 60 of a black box",
    ),
    budget: budgetField,
    optimizer: withDefault(oneOf('adam', 'sgd'), 'adam'),
    learningRate: absentMeans(
      perStage(number(0)),
      "student 1e-3 (1e-4 if it started from trained weights), explanation 1e-3 (2e-3 with the objective 'ranking'); times 10 with 'sgd'",
    ),
    schedule: withDefault<PerStage<LearningRateSchedule>, LearningRateSchedule>(
      perStage(callback<LearningRateSchedule>()),
      cosineSchedule,
      'cosineSchedule',
    ),
    ...distillationLossSchema.fields,
    ...explanationLossSchema.fields,
    lambdaWarmup: withDefault(number(0, 1), 0),
    scorer: absentMeans(oneOf('teacher', 'student'), "'teacher'; 'student' of a black box"),
    fill: withDefault(oneOf('zeros', 'blur'), 'zeros'),
    softness: rankingMaskSchema.fields.softness,
    rankingTemperature: withDefault(number(Number.MIN_VALUE), RANKING_TEMPERATURE),
    deletionWeight: withDefault(number(0, 2), DELETION_WEIGHT),
    baselines: withDefault<readonly BaselineKind[], readonly BaselineKind[]>(list(oneOf(...baselineKinds), 1), baselineKinds, 'all four'),
    leastCrop: absentMeans(number(0.01, 1), "0.25; 1 with the objective 'fidelity'"),
    composites: absentMeans(number(0, 1), "0.25; 0 with the objective 'fidelity', and without guidance"),
    averaging: absentMeans(number(0, 0.9999), "0.98; 0 with the objective 'fidelity'"),
    batchesPerEpoch: absentMeans(integer(1), 'counted'),
    ...validationFields,
    workers: workersField,
    checkpoint: checkpointField,
    signal: signalField,
  },
};

/** The options of `train`. */
export const trainSchema: OptionsSchema<Settled<TrainOptions, Undecided | 'onProgress'>> = {
  where: 'train',
  fields: {...fitSchema.fields, onProgress: absentMeans(callback<(progress: TrainingProgress) => void>(), 'none')},
};

/** Settings of one stage. */
export interface StageSettings {
  readonly stage: Stage;
  readonly limits: StageLimits;
  readonly learningRate: number;
  readonly schedule: LearningRateSchedule;
}

/** What a run goes by: the options, sorted by stages. */
export interface FitSettings extends Omit<FitValues, 'scorer' | 'keepBest' | 'mode' | 'epochs' | 'budget' | 'learningRate' | 'schedule'> {
  readonly stages: readonly StageSettings[];
  readonly scorer: 'teacher' | 'student';
  readonly keepBest: boolean;
  readonly leastCrop: number;
  readonly composites: number;
  readonly averaging: number;
}

/** Sorts checked options by stages, and fills in the defaults that depend on the networks. */
export function fitSettings(
  {mode, epochs, budget, learningRate, schedule, leastCrop, composites, averaging, scorer, keepBest, ...rest}: FitValues,
  {method: {objective, guidance}, student, teacher}: Pick<Networks, 'method' | 'student' | 'teacher'>,
): FitSettings {
  const isBlack = isBlackBox(teacher);
  if (isBlack && scorer === 'teacher')
    throw new TypeError(`fit: scorer must be 'student', since teacher '${teacher.name}' is a black box, which has no gradient.`);
  const {patience} = rest;
  checkKeptByValidation('fit', {...rest, keepBest});
  const copied = !student.trainingMode;
  // A copy of the teacher agrees with it as it is, and guidance reads more from it than from gates.
  const keeps = recipeOf(student.model, teacher) !== undefined && guidance !== 'none';
  const ranks = objective !== 'fidelity';
  const factor = rest.optimizer === 'sgd' ? SGD_FACTOR : 1;
  const explanation = factor * (ranks ? ADAM_RATES.ranking : ADAM_RATES.fidelity);
  const learner = factor * (copied ? ADAM_RATES.copied : ADAM_RATES.fresh);
  const rates = {student: learner, explanation, joint: Math.min(learner, explanation)};
  const limitsOf = (stage: Stage): StageLimits =>
    stage === 'student'
      ? {
          epochs:
            keeps && typeof epochs === 'number' ? 0 : (valueOf(epochs, stage) ?? (keeps ? 0 : isBlack ? BLACK_BOX_EPOCHS : STUDENT_EPOCHS)),
        }
      : {...budget, epochs: valueOf(epochs, stage)};
  const stages: readonly Stage[] = mode === 'joint' ? ['joint'] : ['student', 'explanation'];
  return {
    ...rest,
    scorer: scorer ?? (isBlack ? 'student' : 'teacher'),
    keepBest: keepBest ?? patience !== undefined,
    leastCrop: leastCrop ?? (ranks ? LEAST_CROP : 1),
    composites: composites ?? (ranks && guidance !== 'none' ? COMPOSITES : 0),
    averaging: averaging ?? (ranks ? AVERAGING : 0),
    stages: stages.map((stage) => ({
      stage,
      limits: limitsOf(stage),
      learningRate: valueOf(learningRate, stage) ?? rates[stage],
      schedule: valueOf(schedule, stage) ?? cosineSchedule,
    })),
  };
}

/** The value of a stage; both stages at once go by that of the explanation network. */
function valueOf<T extends number | LearningRateSchedule>(value: PerStage<T> | undefined, stage: Stage): T | undefined {
  if (typeof value !== 'object') return value;
  return stage === 'student' ? value.student : value.explanation;
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
