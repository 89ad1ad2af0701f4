/** A batch with labels as tensors, and what a classifier makes of it. */
import {argMax, cast, equal, mean, tidy, type Scalar, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {withTensors} from '../../core/tensors.js';
import type {ImagesInput} from '../../core/types.js';
import {batchLabels, oneHotOf, type TrainingBatch} from '../../data/batches.js';
import {networkInput} from '../../data/network-input.js';
import {classLogits} from '../../losses/class-logits.js';
import {hardLoss} from '../../losses/distillation-loss.js';
import type {InputSpec} from '../../models/input-spec.js';
import {checkFinite} from '../../queries/finite-input.js';
import {checkBatch} from '../check-batches.js';
import type {StepResult} from '../train/gradient-step.js';

/** Images and what they show. */
export interface LabelledBatch {
  /** `[N,H,W,C]`, network input. */
  readonly images: Tensor4D;
  /** `[N,K]`, K ≥ 2. */
  readonly oneHotLabels: Tensor2D;
}

/**
 * Turns a batch into tensors, the caller's.
 *
 * @param where Names the caller and the batch in messages.
 * @throws {TypeError} If something is no image or no list of labels, or there are no labels.
 * @throws {RangeError} If an image is not finite or has the wrong shape, or a label is no class.
 */
export async function labelledBatch(where: string, spec: InputSpec, numClasses: number, batch: TrainingBatch): Promise<LabelledBatch> {
  const count = checkBatch(where, batch);
  const labels = await batchLabels(where, batch, count, numClasses);
  if (labels === undefined) throw new TypeError(`${where}: labels must be there, one class for each image, but the batch has none.`);
  return withTensors(async (scope) => {
    const images = scope.own(networkInput(where, batch.images as ImagesInput, spec));
    await checkFinite(where, images);
    return {images: scope.release(images), oneHotLabels: oneHotOf(labels, numClasses)};
  });
}

/** Measures the logits `[N,K]` of a batch, borrowed: cross entropy and accuracy. */
export function classification(raw: Tensor2D, oneHotLabels: Tensor2D): StepResult {
  return tidy(() => {
    const logits = classLogits(raw);
    const total: Scalar = mean(hardLoss(logits, oneHotLabels));
    const accuracy: Scalar = mean(cast(equal(argMax(logits, -1), argMax(oneHotLabels, -1)), 'float32'));
    return {total, reported: {accuracy}};
  });
}
