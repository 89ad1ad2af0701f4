/** Symmetric relevance gain: how far apart the best and the worst order of removal are. Higher is better. */
import {seedField} from '../../core/common-options.js';
import {readOptions, type OptionsSchema} from '../../core/options.js';
import type {ImageInput, ImagesInput, Model} from '../../core/types.js';
import type {MapInput} from '../read-map.js';
import {
  baselineOf,
  causalFields,
  causalFills,
  scoreSteps,
  stepsOf,
  type CausalOptions,
  type CausalSettings,
  type Curve,
} from './causal-curve.js';
import {measureGroups, modelMetricFields, type Group} from './groups.js';

const WHERE = 'symmetricRelevanceGain';

/** The result for one image. */
export interface SymmetricRelevanceGain {
  /** `leastFirst.auc − mostFirst.auc`; from minus to plus the range of the scores, 0 for an order by lot. */
  readonly gain: number;
  /** The least salient pixels go first. */
  readonly leastFirst: {
    /** Area under the curve. */
    readonly auc: number;
    /** What was watched after 0, 1, … n steps: n + 1 values. */
    readonly curve: readonly number[];
  };
  /** The most salient pixels go first: deletion. */
  readonly mostFirst: {
    /** Area under the curve. */
    readonly auc: number;
    /** What was watched after 0, 1, … n steps: n + 1 values. */
    readonly curve: readonly number[];
  };
  /** Fraction of the pixels that has gone by then, 0 … 1. */
  readonly fractions: readonly number[];
  /** Index of the class that was watched; −1 for a function of the logits. */
  readonly target: number;
  /** Every option in force. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** The options of symmetricRelevanceGain. */
export const symmetricRelevanceGainSchema: OptionsSchema<CausalSettings> = {
  where: WHERE,
  fields: {...modelMetricFields, ...causalFields, seed: seedField},
};

/**
 * Measures a map by removing pixels in both orders: the area under the curve when the least salient pixels go
 * first, minus the area when the most salient go first. Both begin with the image and end with the same
 * baseline, by default zeros, so what the baseline itself does to the score is in both areas and
 * cancels to a large part: rankings of methods depend less on the fill than with deletion or insertion alone.
 * The one order is exactly the other reversed, equal values included, so the reversed map has minus the gain.
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
 * @see Blücher, Vielhaben & Strodthoff 2024, "Decoupling Pixel Flipping and Occlusion Strategy for Consistent XAI
 *   Benchmarks".
 * @example
 * const {gain, leastFirst, mostFirst} = await symmetricRelevanceGain(image, map, teacher, {fill: 'blur'});
 */
export async function symmetricRelevanceGain(
  image: ImageInput,
  map: MapInput,
  model: Model,
  options?: CausalOptions,
): Promise<SymmetricRelevanceGain>;
export async function symmetricRelevanceGain(
  images: ImagesInput,
  maps: readonly MapInput[],
  model: Model,
  options?: CausalOptions,
): Promise<SymmetricRelevanceGain[]>;
export async function symmetricRelevanceGain(
  images: ImagesInput,
  maps: MapInput | readonly MapInput[],
  model: Model,
  options?: CausalOptions,
): Promise<SymmetricRelevanceGain | SymmetricRelevanceGain[]> {
  const settings = readOptions(symmetricRelevanceGainSchema, options);
  return measureGroups(WHERE, {images, maps, model}, settings, async (group) => {
    const steps = stepsOf(group, settings, causalFills.srg);
    const baseline = await baselineOf(WHERE, steps.fill, group);
    const perCurve = group.targets.length * steps.counts.length;
    const walk = async (first: 'most' | 'least', before: number): Promise<Curve[]> => {
      const report: Group['report'] = (done, perImage) => group.report(before + done, 2 * perImage);
      return scoreSteps({...steps, where: WHERE, group: {...group, report}, baseline, way: 'deletion', first});
    };
    const most = await walk('most', 0);
    const least = await walk('least', perCurve);
    return group.targets.map(({target}, index) => {
      const [leastFirst, mostFirst] = [least[index] as Curve, most[index] as Curve];
      return {gain: leastFirst.auc - mostFirst.auc, leastFirst, mostFirst, fractions: steps.fractions, target, options: steps.record};
    });
  });
}
