/** A batch as the losses need it: network input, the teacher's logits, labels. */
import {cast, oneHot, sum, tidy, type Tensor, type Tensor1D, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {withTensors} from '../../core/tensors.js';
import {batchLabels, type TrainingBatch} from '../../data/batches.js';
import {toNetworkInput} from '../../data/network-input.js';
import {classLogits} from '../../losses/class-logits.js';
import type {PreparedBatch} from './objectives.js';
import type {StageNetworks} from './stage-networks.js';

/**
 * Turns a batch into tensors and asks the teacher about it. The result belongs to the caller.
 *
 * @throws {RangeError} If an image is not finite, has the wrong shape, or a label is no class.
 */
export async function prepareBatch(
  {teacher, deltasOf}: Pick<StageNetworks, 'teacher' | 'deltasOf'>,
  batch: TrainingBatch,
): Promise<PreparedBatch> {
  const count = Array.isArray(batch.images) ? batch.images.length : (batch.images as Tensor).shape[0];
  const numClasses = Math.max(2, teacher.numClasses);
  const labels = await batchLabels(batch, count as number, numClasses);
  return withTensors(async (scope) => {
    const images = scope.own(toNetworkInput(batch.images as Parameters<typeof toNetworkInput>[0], teacher));
    await checkFinite(images);
    const answers = tidy(() => {
      const teacherLogits = classLogits(teacher.logits(images));
      return {
        teacherLogits,
        deltas: deltasOf?.(images),
        oneHotLabels: labels === undefined ? undefined : (cast(oneHot(labels as unknown as Tensor1D, numClasses), 'float32') as Tensor2D),
      };
    });
    return {images: scope.release(images), ...answers};
  });
}

// A relu may turn NaN into 0, so that no loss shows it; a sum shows it for sure.
async function checkFinite(images: Tensor4D): Promise<void> {
  const checksum = sum(images);
  const [value] = await checksum.data();
  checksum.dispose();
  if (Number.isFinite(value)) return;
  throw new RangeError(
    `The images of a batch must be finite, but hold NaN or infinite values (shape [${images.shape.join(', ')}]). Check how they are normalised.`,
  );
}
