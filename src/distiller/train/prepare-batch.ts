/** A batch as the losses need it: network input, the teacher's logits, labels. */
import {cast, oneHot, tensor1d, tidy, type Tensor2D} from '@tensorflow/tfjs-core';
import {withTensors} from '../../core/tensors.js';
import type {ImagesInput} from '../../core/types.js';
import {batchLabels, type TrainingBatch} from '../../data/batches.js';
import {networkInput} from '../../data/network-input.js';
import {classLogits} from '../../losses/class-logits.js';
import {checkFinite} from '../../queries/finite-input.js';
import {checkBatch} from '../check-batches.js';
import {askTeacher} from '../networks.js';
import type {PreparedBatch} from './objectives.js';
import type {StageNetworks} from './stage-networks.js';

/**
 * Turns a batch into tensors and asks the teacher about it. The result belongs to the caller.
 *
 * @param where Names the caller and the batch in messages.
 * @throws {TypeError} If something is no image or no list of labels.
 * @throws {RangeError} If an image is not finite, has the wrong shape, or a label is no class.
 */
export async function prepareBatch(
  where: string,
  {teacher, deltasOf}: Pick<StageNetworks, 'teacher' | 'deltasOf'>,
  batch: TrainingBatch,
): Promise<PreparedBatch> {
  const count = checkBatch(where, batch);
  const numClasses = Math.max(2, teacher.numClasses);
  const labels = await batchLabels(where, batch, count, numClasses);
  return withTensors(async (scope) => {
    const images = scope.own(networkInput(where, batch.images as ImagesInput, teacher));
    await checkFinite(where, images);
    const answers = tidy(() => ({
      teacherLogits: classLogits(askTeacher(where, teacher, images)),
      deltas: deltasOf?.(images),
      oneHotLabels: labels === undefined ? undefined : cast(oneHot(tensor1d(labels, 'int32'), numClasses) as Tensor2D, 'float32'),
    }));
    return {images: scope.release(images), ...answers};
  });
}
