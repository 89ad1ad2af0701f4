/** A batch as the losses need it: network input, the teacher's logits, labels. */
import {tidy, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {withTensors} from '../../core/tensors.js';
import {yieldToEvents} from '../../core/yield-to-events.js';
import type {Random} from '../../core/random.js';
import type {Teacher} from '../../core/types.js';
import {batchLabels, oneHotOf, type TrainingBatch} from '../../data/batches.js';
import {networkInput} from '../../data/network-input.js';
import {decodeFiles} from '../../data/read-image.js';
import {classLogits} from '../../losses/class-logits.js';
import {checkFinite} from '../../queries/finite-input.js';
import {checkBatch} from '../check-batches.js';
import {awaitTeacher, kindOf} from '../networks.js';
import {logProbabilityOf} from '../explain/evidence.js';
import {composites} from './composites.js';
import {hideParts} from './hide-parts.js';
import type {PreparedBatch} from './objectives.js';
import {randomCrops} from './random-crops.js';
import type {StageNetworks} from './stage-networks.js';

/** A batch as tensors. */
export interface BatchImages {
  /** `[N,H,W,C]`, network input, cut and changed as training does. */
  readonly images: Tensor4D;
  /** One for each image, where the batch has some. */
  readonly labels: Int32Array | undefined;
}

/** What is drawn of a batch: the rectangles that are cut, the images put together, the parts that are hidden. */
export interface Drawing {
  readonly random: Random;
  readonly leastCrop: number;
  readonly composites?: number | undefined;
  /** Is shown the images before anything is drawn; borrowed. */
  readonly onWhole?: ((images: Tensor4D) => void) | undefined;
  readonly hides?: boolean | undefined;
}

/**
 * Turns a batch into tensors and asks the teacher about it. The result belongs to the caller.
 *
 * @param where Names the caller and the batch in messages.
 * @param drawing What is drawn, with the classes that are explained.
 * @throws {TypeError} If something is no image or no list of labels.
 * @throws {RangeError} If an image is not finite, has the wrong shape, or a label is no class.
 */
export async function prepareBatch(
  where: string,
  networks: Pick<StageNetworks, 'teacher' | 'method' | 'tapsOf'>,
  batch: TrainingBatch,
  drawing: Drawing,
): Promise<PreparedBatch> {
  const read = await readBatch(where, networks.teacher, batch, drawing);
  try {
    return await answerBatch(where, networks, read, drawing);
  } finally {
    read.images.dispose();
  }
}

/** The first half of {@link prepareBatch}: what needs no network. */
export async function readBatch(
  where: string,
  teacher: Teacher,
  batch: TrainingBatch,
  {random, leastCrop, composites: share = 0, onWhole, hides = false}: Drawing,
): Promise<BatchImages> {
  const count = checkBatch(where, batch);
  if (batch.labels !== undefined && kindOf(teacher) === 'independent') {
    throw new RangeError(
      `${where}: labels must be left out, since the classes of '${teacher.name}' do not exclude each other and a label names one; the student learns the teacher's probabilities.`,
    );
  }
  const labels = await batchLabels(where, batch, count, classesOf(teacher));
  return withTensors(async (scope) => {
    const whole = scope.own(networkInput(where, await decodeFiles(`${where}: images`, batch.images), teacher));
    await checkFinite(where, whole);
    onWhole?.(whole);
    const cropped = scope.own(randomCrops(whole, leastCrop, random.split('crops')));
    const composed = scope.own(composites(cropped, share, random.split('composites')));
    return {images: hides ? hideParts(composed, random.split('hide')) : scope.release(composed), labels};
  });
}

/** What {@link answerBatch} is told. */
export interface Answering {
  /** Draws the classes that are explained. */
  readonly random: Random;
  /** Where the images are part of a batch: the index of the first of them. @default 0 */
  readonly first?: number | undefined;
  /** What the teacher says, `[N, numClasses]`, where it has been asked. Borrowed. */
  readonly asked?: Tensor2D | undefined;
}

/** The second half of {@link prepareBatch}: what the networks say. Borrows the images. */
export async function answerBatch(
  where: string,
  {teacher, method, tapsOf}: Pick<StageNetworks, 'teacher' | 'method' | 'tapsOf'>,
  {images, labels}: BatchImages,
  {random, first = 0, asked}: Answering,
): Promise<PreparedBatch> {
  return withTensors(async (scope) => {
    const said = asked ?? scope.own(await awaitTeacher(where, teacher, images));
    const teacherLogits = scope.own(classLogits(said));
    const chosen = method.guidance !== 'none' || method.objective !== 'fidelity'; // The paper's form asks for no class.
    const targets = chosen
      ? drawTargets(await teacherLogits.data<'float32'>(), teacherLogits.shape[1], random, first)
      : new Int32Array(images.shape[0]);
    await yieldToEvents(); // What comes next takes as long as what is behind.
    const answers = tidy(() => ({
      taps: tapsOf?.(images, logProbabilityOf(targets, kindOf(teacher))),
      oneHotLabels: labels === undefined ? undefined : oneHotOf(labels, classesOf(teacher)),
    }));
    return {images: images.clone(), teacherLogits: scope.release(teacherLogits), targets, ...answers};
  });
}

function classesOf({numClasses}: Teacher): number {
  return Math.max(2, numClasses);
}

// How often another class than the likeliest is explained, and out of how many: so that maps depend on what is asked.
const OTHER_CLASS = 0.3;
const LIKELIEST = 5;

/** Draws the class of each image: mostly the teacher's decision, otherwise one of the likeliest five. */
function drawTargets(logits: Float32Array, numClasses: number, random: Random, first: number): Int32Array {
  return Int32Array.from({length: logits.length / numClasses}, (_, image) => {
    const row = Array.from(logits.subarray(image * numClasses, (image + 1) * numClasses), (value, index) => ({value, index}));
    const best = row.sort((a, b) => b.value - a.value || a.index - b.index).slice(0, LIKELIEST);
    const own = random.split(first + image);
    return at(best, own.next() < OTHER_CLASS ? own.int(best.length) : 0).index;
  });
}
