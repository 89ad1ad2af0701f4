/**
 * The losses of one batch as functions of the networks: what `train` takes gradients of. All
 * arguments are borrowed.
 */
import {add, mul, sub, tidy, zerosLike, type Scalar, type Tensor, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import type {Teacher} from '../../core/types.js';
import {classLogits} from '../../losses/class-logits.js';
import {combineLosses, type WeightedLoss} from '../../losses/combine-losses.js';
import {distillationLoss} from '../../losses/distillation-loss.js';
import {explanationLoss} from '../../losses/explanation-loss.js';
import {blurImages} from '../../queries/blur.js';
import type {Student} from '../../models/student.js';
import type {FitSettings, Stage} from '../options.js';
import {mapStatistics} from './map-statistics.js';

/** The networks of a distiller. */
export interface Networks {
  readonly teacher: Teacher;
  readonly student: Student;
  readonly decoder: LayersModel;
}

/** A batch with what does not depend on the networks in training. */
export interface PreparedBatch {
  /** `[N,H,W,C]`, network input. */
  readonly images: Tensor4D;
  /** `[N,K]`, K ≥ 2. */
  readonly teacherLogits: Tensor2D;
  /** `[N,K]`; `undefined` where the batch has no labels. */
  readonly oneHotLabels: Tensor2D | undefined;
  /** Δf of the student, finest first, where it is frozen. */
  readonly deltas?: Tensor[] | undefined;
}

/** The loss to be minimised, and every number to be reported, all scalars. */
export interface StepResult {
  readonly total: Scalar;
  readonly reported: Readonly<Record<string, Scalar>>;
}

/** Runs the student: logits `[N,K]` with K ≥ 2 and the three Δf, finest first. The caller's. */
export function runStudent(student: Student, images: Tensor4D, training: boolean): {logits: Tensor2D; deltas: Tensor[]} {
  return tidy(() => {
    const [logits, ...deltas] = student.model.apply(images, {training: training && student.trainingMode}) as [Tensor2D, ...Tensor[]];
    return {logits: classLogits(logits), deltas};
  });
}

/**
 * Computes the losses of a stage on one batch (equations 4, 8 and 11).
 *
 * @param lambda λ in force at this step.
 * @param training Whether the networks that the stage trains run in training mode.
 */
export function stageLoss(
  stage: Stage,
  networks: Networks,
  batch: PreparedBatch,
  settings: FitSettings,
  lambda: number,
  training: boolean,
): StepResult {
  return tidy(() => {
    const learns = stage !== 'explanation';
    const known = learns ? undefined : batch.deltas;
    const {logits, deltas} = known
      ? {logits: batch.teacherLogits, deltas: known}
      : runStudent(networks.student, batch.images, training && learns);
    const losses: Record<string, WeightedLoss> = {};
    let statistics: Record<string, Scalar> = {};
    if (learns) {
      const {alpha, temperature} = settings;
      const labels = batch.oneHotLabels;
      const {soft, hard} = distillationLoss(logits, batch.teacherLogits, labels ?? zerosLike(logits), {alpha, temperature});
      losses['soft'] = {values: soft, weight: labels === undefined ? 1 : alpha};
      // Without labels the soft loss stands alone. The teacher's own decision in their place would
      // sharpen every doubtful answer, and the student would agree with the teacher less.
      if (labels !== undefined) losses['hard'] = {values: hard, weight: 1 - alpha};
    }
    if (stage !== 'student') {
      const saliency = networks.decoder.apply(deltas, {training}) as Tensor4D;
      const masked = maskedImages(batch.images, saliency, settings.fill);
      const maskedLogits =
        settings.scorer === 'teacher' ? classLogits(networks.teacher.logits(masked)) : runStudent(networks.student, masked, false).logits;
      const {fidelity, area} = explanationLoss(batch.teacherLogits, maskedLogits, saliency, {lambda, lambdaRule: settings.lambdaRule});
      losses['fidelity'] = {values: fidelity};
      losses['area'] = {values: area};
      statistics = mapStatistics(saliency);
    }
    const {total, parts} = combineLosses(losses);
    return {total, reported: {...parts, ...statistics}};
  });
}

/** What is left of the images: x ⊙ H, or with H as the weight between the image and its blur. */
function maskedImages(images: Tensor4D, saliency: Tensor4D, fill: FitSettings['fill']): Tensor4D {
  const kept = mul<Tensor4D>(images, saliency);
  return fill === 'zeros' ? kept : add<Tensor4D>(kept, mul(blurImages(images), sub(1, saliency)));
}
