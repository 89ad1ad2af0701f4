/** How far a map moves when the image hardly does: max-sensitivity (Yeh et al. 2019). */
import {add, tensor4d, Tensor, tidy, type Tensor3D, type Tensor4D} from '@tensorflow/tfjs-core';
import {onBackend} from '../../backend/on-backend.js';
import {checkInteger, checkNumber, show} from '../../core/check.js';
import {Random} from '../../core/random.js';
import {withTensors} from '../../core/tensors.js';
import type {Explainer, ExplainerOptions, SaliencyMap} from '../../core/types.js';
import {countImages, imageAt} from '../../data/image-list.js';
import {explainOne} from './explain-one.js';

const WHERE = 'maxSensitivity';

/** Options of {@link maxSensitivity}. `target`, `batchSize` and `seed` are handed to the explainer too. */
export interface MaxSensitivityOptions extends Omit<ExplainerOptions, 'target'> {
  /** Largest change of a value, in units of the network's input, above 0. @default 0.02 */
  readonly radius?: number | undefined;
  /** Changed images per image, at least 1; each is explained once. @default 10 */
  readonly numSamples?: number | undefined;
  /** Index of the class that is explained, or one per image. @default the class that the explainer chooses for the unchanged image */
  readonly target?: number | readonly number[] | undefined;
  /** Maps of the unchanged images, one per image, where they are at hand. @default drawn here */
  readonly maps?: readonly SaliencyMap[] | undefined;
}

/** The result for one image. */
export interface MaxSensitivity {
  /** Largest relative change of the map, at least 0, lower is better. */
  readonly sensitivity: number;
  /** Index of the class that was explained. */
  readonly target: number;
  /** The options in force. */
  readonly options: {readonly radius: number; readonly numSamples: number; readonly seed: number};
}

/**
 * Explains changed copies of an image and compares: `max ‖E(x + δ) − E(x)‖ / ‖E(x)‖`, Frobenius norm,
 * every value of δ uniform in [−radius, radius), as in Captum. The class is that of the unchanged
 * image and the explainer gets the same seed every time, so only the image differs. Where E(x) is
 * all zeros, the change itself counts, undivided.
 *
 * @param image Network input, `[H,W,C]` or `[1,H,W,C]`, or an array of these. Borrowed. Decoded
 *   pictures have to go through `toNetworkInput` first.
 * @param explainer Whatever draws the maps; called once per image and `numSamples` times more.
 * @returns One result, or an array for an array of images. Plain numbers, nothing to free.
 * @throws {TypeError} If an image is not a tensor.
 * @throws {RangeError} If an option is out of range, a tensor holds several images, or the explainer
 *   gives other than one finite map of the same size for each image. Aborting rejects with the
 *   signal's reason.
 * @see Yeh et al. 2019, "On the (In)fidelity and Sensitivity of Explanations", definition 3, which
 *   does not divide by ‖E(x)‖.
 * @example
 * const {sensitivity} = await maxSensitivity(image, gradCamExplainer(teacher), {numSamples: 20});
 */
export async function maxSensitivity(
  image: Tensor3D | Tensor4D,
  explainer: Explainer,
  options?: MaxSensitivityOptions,
): Promise<MaxSensitivity>;
export async function maxSensitivity(
  images: readonly (Tensor3D | Tensor4D)[],
  explainer: Explainer,
  options?: MaxSensitivityOptions,
): Promise<MaxSensitivity[]>;
export async function maxSensitivity(
  images: Tensor3D | Tensor4D | readonly (Tensor3D | Tensor4D)[],
  explainer: Explainer,
  options: MaxSensitivityOptions = {},
): Promise<MaxSensitivity | MaxSensitivity[]> {
  const {radius = 0.02, numSamples = 10, seed = 0, target, maps, batchSize, signal, onProgress} = options;
  checkNumber(`${WHERE}: radius`, radius, Number.MIN_VALUE);
  checkInteger(`${WHERE}: numSamples`, numSamples, 1);
  const count = countImages(images);
  if (!Array.isArray(images) && count !== 1)
    throw new RangeError(`${WHERE}: image must be a single one, but is ${show(images)}; pass several as an array.`);
  checkLists(count, target, maps);
  return onBackend(WHERE, async () => {
    const random = new Random(seed).split('max-sensitivity');
    const results: MaxSensitivity[] = [];
    for (let index = 0; index < count; index++) {
      await withTensors(async (scope) => {
        const image = imageAt(images, index);
        if (!(image instanceof Tensor))
          throw new TypeError(
            `${WHERE}: image must be a tensor of what the network sees, but is ${show(image)}; convert pictures with toNetworkInput.`,
          );
        const original = scope.own(image as Tensor4D);
        const chosen = typeof target === 'object' ? target[index] : target;
        const shared = {batchSize, seed, signal};
        const map = maps?.[index] ?? (await explainOne(WHERE, explainer, original, {...shared, target: chosen}));
        let largest = 0;
        for (let sample = 0; sample < numSamples; sample++) {
          const moved = scope.own(addNoise(original, random.split(sample), radius));
          const other = await explainOne(WHERE, explainer, moved, {...shared, target: chosen ?? map.target});
          largest = Math.max(largest, relativeDistance(map.data, other.data));
          scope.release(moved).dispose();
          onProgress?.({stage: WHERE, done: index * numSamples + sample + 1, total: count * numSamples});
        }
        results.push({sensitivity: largest, target: chosen ?? map.target, options: {radius, numSamples, seed}});
      });
    }
    return Array.isArray(images) ? results : (results[0] as MaxSensitivity);
  });
}

function addNoise(image: Tensor4D, random: Random, radius: number): Tensor4D {
  const noise = Float32Array.from({length: image.size}, () => random.uniform(-radius, radius));
  return tidy(() => add<Tensor4D>(image, tensor4d(noise, image.shape)));
}

function relativeDistance(before: Float32Array, after: Float32Array): number {
  if (before.length !== after.length)
    throw new RangeError(`${WHERE}: maps of one image must have the same size, but have ${before.length} and ${after.length} values.`);
  let [change, norm] = [0, 0];
  before.forEach((value, index) => {
    change += ((after[index] as number) - value) ** 2;
    norm += value * value;
  });
  return Math.sqrt(change) / (norm === 0 ? 1 : Math.sqrt(norm));
}

function checkLists(count: number, target: MaxSensitivityOptions['target'], maps: MaxSensitivityOptions['maps']): void {
  const lists = {target: typeof target === 'object' ? target.length : count, maps: maps?.length ?? count};
  for (const [name, length] of Object.entries(lists)) {
    if (length !== count) throw new RangeError(`${WHERE}: ${name} must be one per image, but there are ${length} for ${count} images.`);
  }
}
