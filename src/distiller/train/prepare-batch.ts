/** A batch as the losses need it: network input, the teacher's logits, labels. */
import {tidy} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {withTensors} from '../../core/tensors.js';
import {yieldToEvents} from '../../core/yield-to-events.js';
import type {Random} from '../../core/random.js';
import {batchLabels, oneHotOf, type TrainingBatch} from '../../data/batches.js';
import {networkInput} from '../../data/network-input.js';
import {decodeFiles} from '../../data/read-image.js';
import {classLogits} from '../../losses/class-logits.js';
import {checkFinite} from '../../queries/finite-input.js';
import {checkBatch} from '../check-batches.js';
import {awaitTeacher, kindOf} from '../networks.js';
import {logProbabilityOf} from '../explain/evidence.js';
import {hideParts} from './hide-parts.js';
import type {PreparedBatch} from './objectives.js';
import {randomCrops} from './random-crops.js';
import type {StageNetworks} from './stage-networks.js';

/**
 * Turns a batch into tensors and asks the teacher about it. The result belongs to the caller.
 *
 * @param where Names the caller and the batch in messages.
 * @param drawing What is drawn: the rectangles that are cut, the parts that are hidden, and the classes that are explained.
 * @throws {TypeError} If something is no image or no list of labels.
 * @throws {RangeError} If an image is not finite, has the wrong shape, or a label is no class.
 */
export async function prepareBatch(
  where: string,
  {teacher, method, tapsOf}: Pick<StageNetworks, 'teacher' | 'method' | 'tapsOf'>,
  batch: TrainingBatch,
  {random, leastCrop, hides = false}: {readonly random: Random; readonly leastCrop: number; readonly hides?: boolean},
): Promise<PreparedBatch> {
  const count = checkBatch(where, batch);
  const numClasses = Math.max(2, teacher.numClasses);
  if (batch.labels !== undefined && kindOf(teacher) === 'independent') {
    throw new RangeError(
      `${where}: labels must be left out, since the classes of '${teacher.name}' do not exclude each other and a label names one; the student learns the teacher's probabilities.`,
    );
  }
  const labels = await batchLabels(where, batch, count, numClasses);
  return withTensors(async (scope) => {
    const whole = scope.own(networkInput(where, await decodeFiles(`${where}: images`, batch.images), teacher));
    await checkFinite(where, whole);
    const cropped = scope.own(randomCrops(whole, leastCrop, random.split('crops')));
    const images = scope.own(hides ? hideParts(cropped, random.split('hide')) : cropped.clone());
    const asked = scope.own(await awaitTeacher(where, teacher, images));
    const teacherLogits = scope.own(classLogits(asked));
    const chosen = method.guidance !== 'none' || method.objective !== 'fidelity'; // The paper's form asks for no class.
    const targets = chosen ? drawTargets(await teacherLogits.data<'float32'>(), teacherLogits.shape[1], random) : new Int32Array(count);
    await yieldToEvents(); // What comes next takes as long as what is behind.
    const answers = tidy(() => ({
      taps: tapsOf?.(images, logProbabilityOf(targets, kindOf(teacher))),
      oneHotLabels: labels === undefined ? undefined : oneHotOf(labels, numClasses),
    }));
    return {images: scope.release(images), teacherLogits: scope.release(teacherLogits), targets, ...answers};
  });
}

// How often another class than the likeliest is explained, and out of how many: so that maps depend on what is asked.
const OTHER_CLASS = 0.3;
const LIKELIEST = 5;

/** Draws the class of each image: mostly the teacher's decision, otherwise one of the likeliest five. */
function drawTargets(logits: Float32Array, numClasses: number, random: Random): Int32Array {
  return Int32Array.from({length: logits.length / numClasses}, (_, image) => {
    const row = Array.from(logits.subarray(image * numClasses, (image + 1) * numClasses), (value, index) => ({value, index}));
    const best = row.sort((a, b) => b.value - a.value || a.index - b.index).slice(0, LIKELIEST);
    const own = random.split(image);
    return at(best, own.next() < OTHER_CLASS ? own.int(best.length) : 0).index;
  });
}
