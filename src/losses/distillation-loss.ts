/**
 * The knowledge-distillation loss (Lee & Kim, equations 4, 6 and 7; Hinton et al. 2015):
 * `α · t²·KL(softmax(z_T/t) ‖ softmax(z_S/t)) + (1−α) · CE(label, softmax(z_S))`.
 * Equation 7 prints the teacher's output where only the student's trains anything; the student's
 * is meant. Here α weighs the soft part (some libraries weigh the hard one with it).
 */
import {add, div, logSoftmax, mul, neg, tidy, type Tensor1D, type Tensor2D} from '@tensorflow/tfjs-core';
import {number, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import type {ClassKind} from '../core/types.js';
import {expectation} from './_expectation.js';
import {sameShape} from './_same-shape.js';
import {divergenceOf} from './class-probabilities.js';

/** Options of {@link distillationLoss}. */
export interface DistillationLossOptions {
  /** Weight of the soft part, 0–1; the hard part gets `1 − alpha`. @default 0.5 */
  readonly alpha?: number | undefined;
  /** Temperature t of the soft part, above 0. @default 1 */
  readonly temperature?: number | undefined;
}

/** The options of {@link distillationLoss}. */
export const distillationLossSchema: OptionsSchema<Settled<DistillationLossOptions>> = {
  where: 'distillationLoss',
  fields: {
    alpha: withDefault(number(0, 1), 0.5),
    temperature: withDefault(number(Number.MIN_VALUE), 1),
  },
};

/** The parts of the distillation loss, each per sample `[N]`. */
export interface DistillationLossParts {
  /** `t²·KL(teacher ‖ student)` at temperature t, equation 6. */
  readonly soft: Tensor1D;
  /** Cross entropy with the label, equation 7. */
  readonly hard: Tensor1D;
  /** `alpha·soft + (1 − alpha)·hard`, equation 4. */
  readonly total: Tensor1D;
}

/**
 * Computes the distillation loss per sample.
 *
 * @param studentLogits `[N,K]`, any finite values.
 * @param teacherLogits `[N,K]`; −∞ where the teacher rules a class out.
 * @param oneHotLabels `[N,K]`, rows that sum to 1.
 * @returns Three tensors `[N]`, the caller's. Differentiable with respect to the student's logits.
 * @throws {TypeError} If an argument is no tensor, or an option is unknown or of the wrong kind.
 * @throws {RangeError} If the shapes differ, `alpha` is outside 0–1 or `temperature` not above 0.
 */
export function distillationLoss(
  studentLogits: Tensor2D,
  teacherLogits: Tensor2D,
  oneHotLabels: Tensor2D,
  options?: DistillationLossOptions,
): DistillationLossParts {
  const {alpha, temperature} = readOptions(distillationLossSchema, options);
  sameShape('distillationLoss', {studentLogits, teacherLogits, oneHotLabels});
  return tidy(() => {
    const soft = softLoss(studentLogits, teacherLogits, temperature, 'exclusive');
    const hard = hardLoss(studentLogits, oneHotLabels);
    return {soft, hard, total: add<Tensor1D>(mul(soft, alpha), mul(hard, 1 - alpha))};
  });
}

/** The soft part alone, per sample: `t²·KL(teacher ‖ student)`, of independent classes the sum of theirs. */
export function softLoss(studentLogits: Tensor2D, teacherLogits: Tensor2D, temperature: number, kind: ClassKind): Tensor1D {
  return tidy(() => mul<Tensor1D>(divergenceOf(kind, div(teacherLogits, temperature), div(studentLogits, temperature)), temperature ** 2));
}

/** The hard part alone, per sample: the cross entropy of the student with the label. */
export function hardLoss(studentLogits: Tensor2D, oneHotLabels: Tensor2D): Tensor1D {
  return tidy(() => neg(expectation(oneHotLabels, logSoftmax(studentLogits, -1))));
}
