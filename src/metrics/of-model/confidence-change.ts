/**
 * What the model says of the part that a map keeps: average drop and increase (Chattopadhyay et al.
 * 2018, Grad-CAM++) and average gain (Zhang et al. 2023, Opti-CAM).
 */
import {mul, tensor4d, tile, type Tensor4D} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {readOptions, type OptionsSchema} from '../../core/options.js';
import type {ImageInput, ImagesInput, Model} from '../../core/types.js';
import {show} from '../../core/check.js';
import {checkFiniteValues} from '../of-map/map-values.js';
import {measureGroups, modelMetricFields, type Group, type ModelMetricOptions, type ModelMetricSettings} from './groups.js';
import {buildByImage, rowOf} from '../../queries/perturb.js';
import type {MapInput} from '../read-map.js';
import {queryJobs} from '../../queries/query-jobs.js';

const WHERE = 'confidenceChange';
/** The options of confidenceChange. */
export const confidenceChangeSchema: OptionsSchema<ModelMetricSettings> = {where: WHERE, fields: modelMetricFields};

// A softmax may round to a little above 1.
const SLACK = 1e-5;

/** The result for one image, with `base` and `after` the probability that is watched, before and after. */
export interface ConfidenceChange {
  /** `max(base − after, 0) / base`, 0–1, lower is better; 0 where `base` is 0. */
  readonly drop: number;
  /** Whether `after > base`; more often is better. */
  readonly increase: boolean;
  /** `max(after − base, 0) / (1 − base)`, 0–1, higher is better; 0 where `base` is 1. */
  readonly gain: number;
  /** Probability for the whole image. */
  readonly base: number;
  /** Probability for the image times the map. */
  readonly after: number;
  /** Index of the class that was watched; −1 for a function of the logits. */
  readonly target: number;
}

/** Means over images; see {@link ConfidenceChange}. Fractions, not percent. */
export interface AverageConfidenceChange {
  /** Mean over the images of the drop, in [0,1]; lower is better. */
  readonly averageDrop: number;
  /** Share of images whose probability rises, in [0,1]; higher is better. */
  readonly averageIncrease: number;
  /** Mean over the images of the gain, in [0,1]; higher is better. */
  readonly averageGain: number;
}

/**
 * Multiplies the network's image by the map, |values| stretched to [0,1] (min–max), and compares the
 * probability of the class with that of the whole image. A map of equal values keeps nothing. Zero is
 * the mean colour of networks that normalise. As in Xplique; pytorch-grad-cam gives the
 * plain difference `after − base` instead, and the papers give percent.
 *
 * @param image A tensor as the network sees it, `[H,W,C]` or `[1,H,W,C]`, or a decoded picture if
 *   `model` is a Teacher. For several: an array of these or a tensor `[N,H,W,C]`. Borrowed.
 * @param map The saliency map, or an array of as many as there are images. One of another size is
 *   resized bilinearly if it has the image's aspect.
 * @param model A LayersModel, Teacher or GraphModel, or a score function that gives probabilities.
 * @returns One result, or an array where `map` is an array of maps. Plain numbers, nothing to free.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {RangeError} If a map is not finite or has another aspect, an option is out of range, or a
 *   score, or value of a target that is a function, is no probability. Aborting rejects with the signal's reason.
 * @see Chattopadhyay et al. 2018, section 5.1; Zhang et al. 2023, section 4.
 * @example
 * const changes = await confidenceChange(images, maps, teacher);
 * const {averageDrop, averageGain} = averageConfidenceChange(changes);
 */
export async function confidenceChange(
  image: ImageInput,
  map: MapInput,
  model: Model,
  options?: ModelMetricOptions,
): Promise<ConfidenceChange>;
export async function confidenceChange(
  images: ImagesInput,
  maps: readonly MapInput[],
  model: Model,
  options?: ModelMetricOptions,
): Promise<ConfidenceChange[]>;
export async function confidenceChange(
  images: ImagesInput,
  maps: MapInput | readonly MapInput[],
  model: Model,
  options?: ModelMetricOptions,
): Promise<ConfidenceChange | ConfidenceChange[]> {
  return measureGroups(WHERE, {images, maps, model}, readOptions(confidenceChangeSchema, options), measureGroup);
}

/**
 * Averages changes: means of `drop`, `increase` (as 0 or 1) and `gain`.
 *
 * @throws {RangeError} If there are none.
 */
export function averageConfidenceChange(changes: readonly ConfidenceChange[]): AverageConfidenceChange {
  const where = 'averageConfidenceChange: changes';
  if (!Array.isArray(changes)) throw new TypeError(`${where} must be a list of results of confidenceChange, but is ${show(changes)}.`);
  if (changes.length === 0) throw new RangeError(`${where} must hold at least one result, but is empty.`);
  changes.forEach((change: unknown, index) => {
    const {drop, increase, gain} = (change ?? {}) as Partial<ConfidenceChange>;
    if (typeof drop !== 'number' || typeof increase !== 'boolean' || typeof gain !== 'number') {
      throw new TypeError(`${where}[${index}] must be a result of confidenceChange, but is ${show(change)}.`);
    }
  });
  const mean = (value: (change: ConfidenceChange) => number): number =>
    changes.reduce((sum, change) => sum + value(change), 0) / changes.length;
  return {
    averageDrop: mean(({drop}) => drop),
    averageIncrease: mean(({increase}) => Number(increase)),
    averageGain: mean(({gain}) => gain),
  };
}

async function measureGroup(group: Group): Promise<ConfidenceChange[]> {
  const {originals, maps, targets, report} = group;
  const [, height, width, channels] = originals.shape;
  const masks = maps.map(maskOf);
  const whole = new Float32Array(height * width).fill(1);
  const jobs = maps.flatMap((_, image) => [whole, masks[image] as Float32Array].map((mask) => ({image, mask})));
  const build = (part: readonly (typeof jobs)[number][]): Tensor4D =>
    buildByImage(part, (image, run) => {
      const values = new Float32Array(run.length * height * width);
      run.forEach(({mask}, index) => values.set(mask, index * mask.length));
      const mask: Tensor4D = tile(tensor4d(values, [run.length, height, width, 1]), [1, 1, 1, channels]);
      return mul(mask, rowOf(originals, image));
    });
  const scores = await queryJobs({...group, where: WHERE, jobs, build, report: (done) => report(done, 2)});
  return targets.map(({target}, image) => changeOf(at(scores, 2 * image), at(scores, 2 * image + 1), target));
}

function changeOf(base: number, after: number, target: number): ConfidenceChange {
  for (const score of [base, after]) {
    if (score < -SLACK || score > 1 + SLACK)
      throw new RangeError(`${WHERE}: scores must be probabilities in [0,1], but the model gave ${score}.`);
  }
  const drop = base > 0 ? Math.max(base - after, 0) / base : 0;
  const gain = base < 1 ? Math.max(after - base, 0) / (1 - base) : 0;
  return {drop: Math.min(drop, 1), increase: after > base, gain: Math.min(gain, 1), base, after, target};
}

/** |values| stretched to [0,1]; zeros where they are all equal. */
function maskOf(map: Float32Array): Float32Array {
  checkFiniteValues(`${WHERE}: map`, map);
  let [low, high] = [Infinity, 0];
  for (const value of map) {
    low = Math.min(low, Math.abs(value));
    high = Math.max(high, Math.abs(value));
  }
  return map.map((value) => (high > low ? (Math.abs(value) - low) / (high - low) : 0));
}
