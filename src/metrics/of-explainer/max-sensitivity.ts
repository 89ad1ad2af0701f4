/** How far a map moves when the image hardly does: max-sensitivity (Yeh et al. 2019). */
import {add, Tensor, tensor4d, tidy, type Tensor3D, type Tensor4D} from '@tensorflow/tfjs-core';
import {onBackend} from '../../backend/on-backend.js';
import {at} from '../../core/at.js';
import {isNumberList, show} from '../../core/check.js';
import {batchSizeField, progressField, seedField, signalField, singleTargetField} from '../../core/common-options.js';
import {absentMeans, custom, integer, list, number, withDefault} from '../../core/fields.js';
import {recordOptions} from '../../core/option-record.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {Random} from '../../core/random.js';
import {withTensors} from '../../core/tensors.js';
import type {BatchOptions, Explainer, ImagesInput, RunOptions, SaliencyMap, SeedOptions, SingleTarget} from '../../core/types.js';
import {checkImages, imageAt} from '../../data/image-list.js';
import {checkTarget} from '../../models/targets.js';
import {checkFinite} from '../../queries/finite-input.js';
import {checkFiniteValues} from '../of-map/map-values.js';
import {checkExplainer, explainOne, targetOf} from './explain-one.js';

const WHERE = 'maxSensitivity';

/** Options of {@link maxSensitivity}. `target`, `batchSize` and `seed` are handed to the explainer too. */
export interface MaxSensitivityOptions extends RunOptions, BatchOptions, SeedOptions {
  /** Largest change of a value, in units of the network's input, above 0. @default 0.02 */
  readonly radius?: number | undefined;
  /** Random samples per image, here changed copies, each explained once; at least 1. @default 10 */
  readonly numSamples?: number | undefined;
  /**
   * What is explained: one number per image, see {@link SingleTarget}. `'argmax'` is what the explainer chooses for the
   * unchanged image, also for the changed ones. @default 'argmax'
   */
  readonly target?: SingleTarget | undefined;
  /** Maps of the unchanged images, one per image, where they are at hand. @default drawn here */
  readonly maps?: readonly SaliencyMap[] | undefined;
}

type Settings = Settled<MaxSensitivityOptions, 'signal' | 'onProgress' | 'maps'>;

/** `radius` and `numSamples`. */
export const sensitivityFields: Pick<OptionsSchema<Settings>['fields'], 'radius' | 'numSamples'> = {
  radius: withDefault(number(Number.MIN_VALUE), 0.02),
  numSamples: withDefault(integer(1), 10),
};

const mapField = /* @__PURE__ */ custom<SaliencyMap>('a saliency map {data, height, width, target}', (value) => {
  const {data, target} = (value ?? {}) as Partial<SaliencyMap>;
  return isNumberList(data) && typeof target === 'number' ? undefined : 'kind';
});
/** The options of {@link maxSensitivity}. */
export const maxSensitivitySchema: OptionsSchema<Settings> = {
  where: WHERE,
  fields: {
    ...sensitivityFields,
    target: singleTargetField,
    maps: absentMeans(list(mapField), 'drawn here'),
    batchSize: batchSizeField,
    seed: seedField,
    signal: signalField,
    onProgress: progressField,
  },
};

/** The result for one image. */
export interface MaxSensitivity {
  /** Largest relative change of the map, at least 0, lower is better. */
  readonly sensitivity: number;
  /** Index of the class that was explained; −1 for a function of the logits. */
  readonly target: number;
  /** Every option in force. */
  readonly options: Readonly<Record<string, unknown>>;
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
  options?: MaxSensitivityOptions,
): Promise<MaxSensitivity | MaxSensitivity[]> {
  const settings = readOptions(maxSensitivitySchema, options);
  const {radius, numSamples, seed, target, maps, batchSize, signal, onProgress} = settings;
  const count = checkTensors(images);
  checkExplainer(`${WHERE}: explainer`, explainer);
  checkTarget(WHERE, target, count);
  if (maps !== undefined && maps.length !== count) {
    throw new RangeError(`${WHERE}: maps must be one for each image, but there are ${maps.length} maps for ${count} images.`);
  }
  maps?.forEach(({data}, index) => checkFiniteValues(`${WHERE}: maps[${index}]`, data));
  const record = recordOptions(settings, {maps: maps === undefined ? 'drawn' : 'given'});
  return onBackend(WHERE, async () => {
    const random = new Random(seed).split('max-sensitivity');
    const results: MaxSensitivity[] = [];
    for (let index = 0; index < count; index++) {
      await withTensors(async (scope) => {
        const original = scope.own(imageAt(images as ImagesInput, index) as Tensor4D);
        await checkFinite(WHERE, original);
        const shared = {batchSize, seed, signal};
        const asked = targetOf(target, index);
        const map = maps?.[index] ?? (await explainOne(WHERE, explainer, original, {...shared, target: asked}));
        const chosen = asked === 'argmax' ? map.target : asked;
        let largest = 0;
        for (let sample = 0; sample < numSamples; sample++) {
          const moved = scope.own(addNoise(original, random.split(sample), radius));
          const other = await explainOne(WHERE, explainer, moved, {...shared, target: chosen});
          largest = Math.max(largest, relativeDistance(map.data, other.data));
          scope.release(moved).dispose();
          onProgress?.({stage: WHERE, done: index * numSamples + sample + 1, total: count * numSamples});
        }
        results.push({sensitivity: largest, target: map.target, options: record});
      });
    }
    return Array.isArray(images) ? results : at(results, 0);
  });
}

/** Checks the images and counts them. */
function checkTensors(images: Tensor3D | Tensor4D | readonly (Tensor3D | Tensor4D)[]): number {
  const count = checkImages(WHERE, images as ImagesInput);
  for (const [index, image] of [images].flat().entries()) {
    const name = `${WHERE}: image${Array.isArray(images) ? `s[${index}]` : ''}`;
    if (!(image instanceof Tensor)) {
      throw new TypeError(
        `${name} must be a tensor of what the network sees, but is ${show(image)}; convert pictures with toNetworkInput.`,
      );
    }
    if ((image.rank !== 3 && image.rank !== 4) || (image.rank === 4 && image.shape[0] !== 1)) {
      throw new RangeError(`${name} must be a single one, [H,W,C] or [1,H,W,C], but is ${show(image)}; pass several as an array.`);
    }
  }
  return count;
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
    change += (at(after, index) - value) ** 2;
    norm += value * value;
  });
  return Math.sqrt(change) / (norm === 0 ? 1 : Math.sqrt(norm));
}
