/** Insertion: how soon the pixels that a map ranks first bring the class back. Higher is better. */
import type {ImageInput, ImagesInput, Model} from '../../core/types.js';
import type {MapInput} from '../read-map.js';
import {causalScores, type CausalOptions, type CausalScore} from './causal-curve.js';

/**
 * Measures a map by insertion (algorithm A1): starts from the baseline image, by default the blurred image,
 * and puts in the most salient pixels, `stepSize` at a time, all channels of a pixel together.
 * What is watched after each step, by default the score of the class that the model names for the whole
 * image, makes a curve of `ceil(H·W / stepSize) + 1` points; `auc` is `(Σ a − a₀/2 − a_n/2) / n`, equal widths
 * even if the last step is short (`auc: 'true-fraction'` for the real widths). For one image, or for several
 * at once: their steps share batches.
 *
 * @param image A tensor as the network sees it, `[H,W,C]` or `[1,H,W,C]`, or a decoded picture if
 *   `model` is a Teacher. For several: an array of these or a tensor `[N,H,W,C]`, all of one size.
 *   Borrowed.
 * @param map The saliency map, or an array of as many as there are images. One of another size is
 *   resized bilinearly if it has the image's aspect. Equal values rank by `ties`.
 * @param model A LayersModel, Teacher or GraphModel (probabilities), or a score function (its scores as they are).
 * @returns One result, or an array where `map` is an array of maps. Plain numbers, nothing to free.
 * @throws {TypeError} If an argument is of the wrong kind, or a decoded picture comes without a Teacher.
 * @throws {RangeError} If a map has NaN or another aspect, an option or `target` is out of range, or
 *   the model's scores are malformed. Aborting rejects with the signal's reason.
 * @see Petsiuk et al. 2018 and its code eclique/RISE, whose numbers the defaults give (its tie order
 *   is undefined); Lee & Kim 2021, appendix A, algorithm A1.
 * @example
 * const {auc} = await insertionScore(image, map, teacher, {stepSize: 224 * 8});
 */
export async function insertionScore(image: ImageInput, map: MapInput, model: Model, options?: CausalOptions): Promise<CausalScore>;
export async function insertionScore(
  images: ImagesInput,
  maps: readonly MapInput[],
  model: Model,
  options?: CausalOptions,
): Promise<CausalScore[]>;
export async function insertionScore(
  images: ImagesInput,
  maps: MapInput | readonly MapInput[],
  model: Model,
  options?: CausalOptions,
): Promise<CausalScore | CausalScore[]> {
  return causalScores('insertion', {images, maps, model}, options);
}
