/**
 * The objectives of training: the losses of one batch as functions of the networks, which a step takes
 * gradients of (equations 4, 8 and 11). All arguments are borrowed.
 */
import {add, mul, sigmoid, sub, tidy, type Scalar, type Tensor, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import type {Random} from '../../core/random.js';
import {itemsOf} from '../../core/tensors.js';
import type {ClassKind} from '../../core/types.js';
import {classLogits} from '../../losses/class-logits.js';
import {combineLosses, type WeightedLoss} from '../../losses/combine-losses.js';
import {hardLoss, softLoss} from '../../losses/distillation-loss.js';
import {areaLoss} from '../../losses/explanation-loss.js';
import {divergenceOf} from '../../losses/class-probabilities.js';
import {rankingMaskOfPart} from '../../losses/ranking-mask.js';
import {blurImages} from '../../queries/blur.js';
import {randomBaselines} from '../../queries/random-baselines.js';
import {askTeacher, kindOf, runStudent, type Networks} from '../networks.js';
import type {FitSettings} from '../options.js';
import type {Stage} from '../progress.js';
import {rankingObjective} from '../ranking-objective.js';
import {piecewise} from '../../tfjs/gradients/piecewise.js';
import {isOnGpu} from '../../backend/is-on-gpu.js';
import type {StepResult} from './gradient-step.js';
import {mapStatistics} from './map-statistics.js';

/** A batch with what does not depend on the networks in training. */
export interface PreparedBatch {
  /** `[N,H,W,C]`, network input. */
  readonly images: Tensor4D;
  /** `[N,K]`, K ≥ 2, finite. */
  readonly teacherLogits: Tensor2D;
  /** `[N,K]`; `undefined` where the batch has no labels. */
  readonly oneHotLabels: Tensor2D | undefined;
  /** The class of each image that is explained, where the form of the method asks for one. */
  readonly targets: Int32Array;
  /** What the decoder gets, finest first, where the student is frozen. */
  readonly taps?: Tensor[] | undefined;
}

/** What the losses go by. */
export type LossSettings = Pick<
  FitSettings,
  'alpha' | 'temperature' | 'lambdaRule' | 'fill' | 'scorer' | 'softness' | 'baselines' | 'rankingTemperature' | 'deletionWeight'
>;

/** What is minimised. */
export interface Objective {
  /** Names the caller in messages. */
  readonly where: string;
  readonly stage: Stage;
  readonly settings: LossSettings;
  /** λ in force at this step. */
  readonly lambda: number;
  /** Whether the networks that the stage trains run in training mode. */
  readonly training: boolean;
  /** Draws what the losses draw. */
  readonly random: Random;
  /** Where the images are part of a batch: the index of the first of them, since what is drawn goes by it. @default 0 */
  readonly first?: number | undefined;
}

type Losses = Readonly<Record<string, WeightedLoss>>;

/** Computes the losses of a stage on one batch; the caller's. */
export function stageLoss(networks: Networks, batch: PreparedBatch, objective: Objective): StepResult {
  return tidy(() => {
    const {stage, training} = objective;
    const learns = stage !== 'explanation';
    const answers = learns || batch.taps === undefined ? runStudent(networks.student, batch.images, training && learns) : undefined;
    const distilled =
      learns && answers !== undefined ? distillation(answers.logits, batch, objective.settings, kindOf(networks.teacher)) : {};
    if (stage === 'student') return summed(distilled);
    const drawn = networks.decoder.apply(answers?.deltas ?? (batch.taps as Tensor[]), {training}) as Tensor4D;
    const {objective: trained} = networks.method;
    const ranked = trained === 'fidelity' ? {} : ranking(networks, batch, drawn, objective);
    if (trained === 'ranking') return summed({...distilled, ...ranked});
    const saliency = trained === 'both' ? sigmoid(drawn) : drawn;
    return summed({...distilled, ...ranked, ...explanation(networks, batch, saliency, objective)}, mapStatistics(saliency));
  });
}

/** Losses and statistics by name, and the total. */
export type NamedScalars = Record<string, Scalar>;

/** Computes losses and statistics of a stage on one batch in one record; the caller's. */
export function scalarsOf(networks: Networks, batch: PreparedBatch, objective: Objective): NamedScalars {
  return tidy(() => {
    const {total, reported} = stageLoss(networks, batch, objective);
    return {...reported, total};
  });
}

function summed(losses: Losses, statistics: Readonly<Record<string, Scalar>> = {}): StepResult {
  const {total, parts} = combineLosses(losses);
  return {total, reported: {...parts, ...statistics}};
}

/**
 * Equation 4. Without labels the soft loss stands alone: the teacher's own decision in their place would sharpen every
 * doubtful answer, and the student would agree with the teacher less.
 */
function distillation(
  logits: Tensor2D,
  {teacherLogits, oneHotLabels}: PreparedBatch,
  {alpha, temperature}: LossSettings,
  kind: ClassKind,
): Losses {
  const soft = softLoss(logits, teacherLogits, temperature, kind);
  if (oneHotLabels === undefined) return {soft: {values: soft}};
  return {soft: {values: soft, weight: alpha}, hard: {values: hardLoss(logits, oneHotLabels), weight: 1 - alpha}};
}

/** Equation 8: what the masked image says should be what the image says, with little of it left. */
function explanation(networks: Networks, batch: PreparedBatch, saliency: Tensor4D, objective: Objective): Losses {
  const {where, settings, lambda} = objective;
  const {images, teacherLogits} = batch;
  const fidelity = piecewise(saliency, pieceOf(images, 1, objective), (piece, first) => {
    const masked = maskedImages(partOf(images, first, piece), piece, settings.fill);
    const logits = scored(networks, masked, where, settings);
    return divergenceOf(kindOf(networks.teacher), partOf(teacherLogits, first, piece), logits);
  });
  return {
    fidelity: {values: fidelity},
    area: {values: areaLoss(saliency, {lambda, lambdaRule: settings.lambdaRule})},
  };
}

/** Insertion and deletion at one point of their curves that is drawn, against baselines that are drawn. */
function ranking(networks: Networks, {images, targets}: PreparedBatch, map: Tensor4D, objective: Objective): Losses {
  const {where, settings, random, first: place = 0} = objective;
  const {softness, baselines: kinds, rankingTemperature: temperature, deletionWeight} = settings;
  const shown = rankingMaskOfPart(map, place, {softness, seed: random.split('mask').seed});
  const drawn = randomBaselines(images, kinds, random.split('baselines'), 2, place) as [Tensor4D, Tensor4D];
  const score = (masked: Tensor4D): Tensor2D => scored(networks, masked, where, settings);
  const loss = {classes: kindOf(networks.teacher), temperature, deletionWeight};
  const values = piecewise(shown, pieceOf(images, 2, objective), (piece, first) => {
    const baselines = drawn.map((each) => partOf(each, first, piece)) as [Tensor4D, Tensor4D];
    const ranked = {images: partOf(images, first, piece), targets: targets.subarray(first, first + piece.shape[0]), shown: piece, loss};
    return rankingObjective({...ranked, baselines}, score);
  });
  return {ranking: {values}};
}

// A network of photographs leaves some 80 MB behind for each image that it is differentiated for.
const PIXELS = {memory: 5 * 224 * 224, gpu: 64 * 224 * 224} as const;

/** How many images are scored at a time, each masked in so many ways; a GPU wants many. */
function pieceOf({shape: [, height, width]}: Tensor4D, ways: number, {stage, settings}: Objective): number {
  // A student that learns from what it scores has to be differentiated itself.
  if (stage === 'joint' && settings.scorer === 'student') return Infinity;
  return Math.max(1, Math.floor(PIXELS[isOnGpu() ? 'gpu' : 'memory'] / (ways * height * width)));
}

/** The items of a batch that a piece of it belongs to. */
function partOf<T extends Tensor>(batch: T, first: number, {shape: [count = 0]}: Tensor): T {
  return count === batch.shape[0] ? batch : itemsOf(batch, first, count);
}

/** The logits of masked images, of whom is to score them. */
function scored({teacher, student}: Networks, masked: Tensor4D, where: string, {scorer}: LossSettings): Tensor2D {
  return scorer === 'teacher' ? classLogits(askTeacher(where, teacher, masked)) : runStudent(student, masked, false).logits;
}

/** What is left of the images: x ⊙ H, or with H as the weight between the image and its blur. */
function maskedImages(images: Tensor4D, saliency: Tensor4D, fill: LossSettings['fill']): Tensor4D {
  const kept = mul<Tensor4D>(images, saliency);
  return fill === 'zeros' ? kept : add<Tensor4D>(kept, mul(blurImages(images), sub(1, saliency)));
}
