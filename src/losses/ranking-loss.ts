/**
 * The ranking loss: insertion and deletion themselves, at one point of their curves. What a mask shows is laid onto a
 * baseline image (insertion) and taken out of the image (deletion); the class should be likely in the one and unlikely
 * in the other. See rankingMask() for the mask.
 */
import {div, exp, mul, oneHot, sub, sum, tensor1d, tidy, type Tensor1D, type Tensor2D} from '@tensorflow/tfjs-core';
import {checkInteger, isNumberList, show} from '../core/check.js';
import {number, oneOf, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import type {ClassKind} from '../core/types.js';
import {sameShape} from './_same-shape.js';
import {distillationLossSchema} from './distillation-loss.js';
import {logClassProbabilities} from './class-probabilities.js';

/** Options of {@link rankingLoss}. */
export interface RankingLossOptions {
  /** What the logits mean. @default 'exclusive' */
  readonly classes?: ClassKind | undefined;
  /**
   * t, by which the logits are divided before they become probabilities, above 0. A network that is sure of everything has
   * probabilities of 1 and 0, which hardly move and so teach nothing; above 1 they do.
   * @default 1
   */
  readonly temperature?: number | undefined;
  /** w, 0–2: `total` is w · deleted − (2 − w) · inserted. @default 1 */
  readonly deletionWeight?: number | undefined;
}

/** The options of {@link rankingLoss}. */
export const rankingLossSchema: OptionsSchema<Settled<RankingLossOptions>> = {
  where: 'rankingLoss',
  fields: {
    classes: withDefault<ClassKind, 'exclusive'>(oneOf('exclusive', 'independent'), 'exclusive'),
    temperature: distillationLossSchema.fields.temperature,
    deletionWeight: withDefault(number(0, 2), 1),
  },
};

/** The parts of the ranking loss, each per sample `[N]`. */
export interface RankingLossParts {
  /** Probability of the class when what the map ranks high is shown alone, 0–1; higher is better. */
  readonly inserted: Tensor1D;
  /** Probability of the class when it is taken out, 0–1; lower is better. */
  readonly deleted: Tensor1D;
  /** `w · deleted − (2 − w) · inserted`, with w = 1 from −1 to 1. */
  readonly total: Tensor1D;
}

/**
 * Computes the ranking loss per sample: `p_c(deleted image) − p_c(inserted image)`, for the probabilities that softmax
 * makes of logits, at a temperature and with weights if these are given.
 *
 * @param insertedLogits `[N,K]`, scores of `x ⊙ m + baseline ⊙ (1 − m)`.
 * @param deletedLogits `[N,K]`, scores of `x ⊙ (1 − m) + baseline ⊙ m`.
 * @param targets The class of each image, 0 to K − 1.
 * @returns Three tensors `[N]`, the caller's. Differentiable with respect to the logits.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {RangeError} If a shape is wrong, or a target is no class.
 * @see Petsiuk et al. 2018, section 4.1, whose insertion and deletion these are.
 */
export function rankingLoss(
  insertedLogits: Tensor2D,
  deletedLogits: Tensor2D,
  targets: ArrayLike<number>,
  options?: RankingLossOptions,
): RankingLossParts {
  const {classes, temperature, deletionWeight} = readOptions(rankingLossSchema, options);
  sameShape('rankingLoss', {insertedLogits, deletedLogits});
  const [count, numClasses] = insertedLogits.shape;
  if (!isNumberList(targets)) throw new TypeError(`rankingLoss: targets must be a list of classes, but is ${show(targets)}.`);
  if (targets.length !== count)
    throw new RangeError(`rankingLoss: there must be a target for each of the ${count} images, but there are ${targets.length}.`);
  for (let image = 0; image < count; image++) checkInteger(`rankingLoss: targets[${image}]`, targets[image], 0, numClasses - 1);
  return tidy(() => {
    const chosen = oneHot(tensor1d(Int32Array.from(targets), 'int32'), numClasses);
    const probability = (logits: Tensor2D): Tensor1D =>
      sum<Tensor1D>(mul(exp(logClassProbabilities(div(logits, temperature), classes)), chosen), 1);
    const [inserted, deleted] = [probability(insertedLogits), probability(deletedLogits)];
    return {inserted, deleted, total: sub<Tensor1D>(mul(deleted, deletionWeight), mul(inserted, 2 - deletionWeight))};
  });
}
