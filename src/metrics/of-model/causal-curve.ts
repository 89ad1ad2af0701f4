/**
 * Insertion and deletion (Petsiuk et al. 2018; Lee & Kim 2021, algorithms A1 and A2): exchange the most
 * salient pixels step by step and watch one number. Steps of all images share batches, and every batch but
 * the last is full.
 */
import {tensor4d, type Tensor4D} from '@tensorflow/tfjs-core';
import {checkSize} from '../../core/check.js';
import {seedField} from '../../core/common-options.js';
import {absentMeans, either, exactly, integer, oneOf, withDefault} from '../../core/fields.js';
import {recordOptions} from '../../core/option-record.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {Random} from '../../core/random.js';
import type {SeedOptions} from '../../core/types.js';
import {finiteBaseline, imagesFillField, recordFill, type Fill} from '../../queries/fill.js';
import {imputing} from '../../queries/perturb-imputed.js';
import {perturb, ranksOf, type Job} from '../../queries/perturb.js';
import {queryJobs} from '../../queries/query-jobs.js';
import {rankPixels, type TieRule} from '../of-map/ranking.js';
import {areaUnderCurve, type AucRule} from './auc.js';
import {measureGroups, modelMetricFields, type Group, type ModelMetricOptions, type Subjects} from './groups.js';

/**
 * A fill, or `'imputed'`: every hidden pixel is the weighted mean of its neighbours, with a little noise (ROAD, Rong et
 * al. 2022), so that no edge shows what is hidden. Solved for every step of every image; `seed` draws the noise.
 */
export type CausalFill = Fill | 'imputed';

/** Options of insertion, deletion and the symmetric relevance gain. */
export interface CausalOptions extends ModelMetricOptions, SeedOptions {
  /**
   * Pixels changed per step, at least 1. The authors take a row for one image, 224·8 of 224² for benchmarks.
   * @default a 28th of the pixels, rounded up
   */
  readonly stepSize?: number | undefined;
  /** What stands where pixels are hidden. @default 'blur' for insertion, otherwise 'zeros' */
  readonly fill?: CausalFill | undefined;
  /** How the curve is integrated. @default 'official' */
  readonly auc?: AucRule | undefined;
  /** Which of equally salient pixels changes first. @default 'index-asc' */
  readonly ties?: TieRule | undefined;
}

/** The result for one image. */
export interface CausalScore {
  /** Which of the two it is. */
  readonly kind: 'insertion' | 'deletion';
  /** Area under the curve; within the range of the scores, so in [0,1] for probabilities. */
  readonly auc: number;
  /** What was watched after 0, 1, … n steps: n + 1 values. */
  readonly curve: readonly number[];
  /** Fraction of the pixels that has changed by then, 0 … 1. */
  readonly fractions: readonly number[];
  /** Index of the class that was watched; −1 for a function of the logits. */
  readonly target: number;
  /** Every option in force. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** The options with their defaults filled in. */
export type CausalSettings = Settled<CausalOptions, 'signal' | 'onProgress' | 'stepSize' | 'fill'>;

const STEPS = 28;

/**
 * The pixels that insertion and deletion change per step unless told otherwise: a 28th, rounded up, as the
 * benchmark of Petsiuk et al. and Lee & Kim does (224·8 of 224²).
 *
 * @throws {TypeError | RangeError} If a side is no whole number above 0.
 */
export function defaultStepSize(height: number, width: number): number {
  checkSize('defaultStepSize', height, width);
  return Math.ceil((height * width) / STEPS);
}

/** What stands where pixels are hidden, unless told otherwise. */
export const causalFills: Readonly<Record<CausalScore['kind'] | 'srg', Fill>> = {insertion: 'blur', deletion: 'zeros', srg: 'zeros'};

/** `stepSize`, `fill`, `auc` and `ties`. */
export const causalFields: Pick<OptionsSchema<CausalSettings>['fields'], 'stepSize' | 'fill' | 'auc' | 'ties'> = {
  stepSize: absentMeans(integer(1), 'a 28th of the pixels, rounded up'),
  fill: absentMeans(either<CausalFill>(imagesFillField, exactly('imputed')), "'blur' for insertion, otherwise 'zeros'"),
  auc: withDefault(oneOf('official', 'true-fraction'), 'official'),
  ties: withDefault(oneOf('index-asc', 'index-desc'), 'index-asc'),
};

/** The options of insertionScore. */
export const insertionScoreSchema: OptionsSchema<CausalSettings> = {
  where: 'insertionScore',
  fields: {...modelMetricFields, ...causalFields, seed: seedField},
};

/** The options of deletionScore. */
export const deletionScoreSchema: OptionsSchema<CausalSettings> = {...insertionScoreSchema, where: 'deletionScore'};

/** Computes the results of all images; see `insertionScore` and `deletionScore` for arguments and errors. */
export async function causalScores(
  kind: CausalScore['kind'],
  subjects: Subjects,
  options: CausalOptions | undefined,
): Promise<CausalScore | CausalScore[]> {
  const schema = kind === 'insertion' ? insertionScoreSchema : deletionScoreSchema;
  const settings = readOptions(schema, options);
  const {where} = schema;
  return measureGroups(where, subjects, settings, async (group) => {
    const steps = stepsOf(group, settings, causalFills[kind]);
    const baseline = await baselineOf(where, steps.fill, group);
    const curves = await scoreSteps({...steps, where, group, baseline, way: kind, first: 'most'});
    return group.targets.map(({target}, index) => ({
      kind,
      ...(curves[index] as Curve),
      fractions: steps.fractions,
      target,
      options: steps.record,
    }));
  });
}

/** What one image's steps gave. */
export type Curve = Pick<CausalScore, 'auc' | 'curve'>;

/** The steps that the images of a group go, with every option in force. */
export interface Steps {
  /** Pixels changed after each step, and the fraction of all that they are. */
  readonly counts: readonly number[];
  readonly fractions: readonly number[];
  readonly fill: CausalFill;
  readonly auc: AucRule;
  readonly ties: TieRule;
  readonly seed: number;
  /** For the result. */
  readonly record: Readonly<Record<string, unknown>>;
}

/** Fills in what depends on the images, or on the metric. */
export function stepsOf({originals}: Group, settings: CausalSettings, usual: Fill): Steps {
  const [, height, width] = originals.shape;
  const {stepSize = defaultStepSize(height, width), fill = usual, auc, ties, seed} = settings;
  const counts = stepCounts(height * width, stepSize);
  const fractions = counts.map((count) => count / (height * width));
  const drawn = fill === 'imputed' ? seed : undefined; // Nothing else is.
  return {counts, fractions, fill, auc, ties, seed, record: recordOptions(settings, {stepSize, fill: recordFill(fill), seed: drawn})};
}

/** The baseline images of a group, which owns them; none where they depend on what is hidden. */
export async function baselineOf(where: string, fill: CausalFill, group: Group): Promise<Tensor4D | undefined> {
  return fill === 'imputed' ? undefined : group.scope.own(await finiteBaseline(where, fill, group.originals, group));
}

interface Walk extends Steps {
  readonly where: string;
  readonly group: Group;
  /** Insertion goes from it to the images, deletion from the images to it; none: hidden pixels are imputed. */
  readonly baseline: Tensor4D | undefined;
  readonly way: CausalScore['kind'];
  /** Which pixels change first: the most salient, or the least, in exactly the reverse order. */
  readonly first: 'most' | 'least';
}

/** Scores every step of every image of a group. */
export async function scoreSteps({where, group, baseline, way, first, counts, fractions, auc, ties, seed}: Walk): Promise<Curve[]> {
  const {originals, maps, scope, report} = group;
  const [numImages, height, width] = originals.shape;
  const ranks = new Float32Array(numImages * height * width);
  maps.forEach((values, index) => {
    const order = rankPixels(values, ties);
    ranks.set(ranksOf(first === 'most' ? order : order.reverse()), index * height * width);
  });
  const jobs: Job[] = maps.flatMap((_, image) => counts.map((count) => ({image, count})));
  const exchanging = (by: Tensor4D): ((part: readonly Job[]) => Tensor4D) => {
    const [start, finish] = way === 'deletion' ? [originals, by] : [by, originals];
    const transition = {start, finish, ranks: scope.own(tensor4d(ranks, [numImages, height, width, 1]))};
    return (part) => perturb(transition, part);
  };
  const random = new Random(seed).split('imputed');
  const noiseOf = (image: number): Random => random.split(group.first + image);
  const hides = way === 'deletion' ? 'changed' : 'unchanged';
  const build = baseline === undefined ? await imputing(originals, {ranks, hides, noiseOf}) : exchanging(baseline);
  const scores = await queryJobs({...group, where, jobs, build, report: (done) => report(done, counts.length)});
  return maps.map((_, image) => {
    const curve = scores.slice(image * counts.length, (image + 1) * counts.length);
    return {auc: areaUnderCurve(curve, fractions, auc), curve};
  });
}

/** Pixels changed after each step: 0, step, 2·step, … and all of them. */
function stepCounts(numPixels: number, stepSize: number): number[] {
  return Array.from({length: Math.ceil(numPixels / stepSize) + 1}, (_, step) => Math.min(step * stepSize, numPixels));
}
