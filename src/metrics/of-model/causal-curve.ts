/**
 * Insertion and deletion (Petsiuk et al. 2018; Lee & Kim 2021, algorithms A1 and A2): exchange the most
 * salient pixels step by step and watch one number. Steps of all images share batches, and every batch but
 * the last is full.
 */
import {tensor4d} from '@tensorflow/tfjs-core';
import {checkSize} from '../../core/check.js';
import {absentMeans, integer, oneOf, withDefault} from '../../core/fields.js';
import {recordOptions} from '../../core/option-record.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {fillField, finiteBaseline, recordFill, type Fill} from '../../queries/fill.js';
import {perturb, ranksOf, type Job} from '../../queries/perturb.js';
import {queryJobs} from '../../queries/query-jobs.js';
import {rankPixels, type TieRule} from '../of-map/ranking.js';
import {areaUnderCurve, type AucRule} from './auc.js';
import {measureGroups, modelMetricFields, type Group, type ModelMetricOptions, type Subjects} from './groups.js';

/** Options of insertion and deletion. */
export interface CausalOptions extends ModelMetricOptions {
  /**
   * Pixels changed per step, at least 1. The authors take a row for one image, 224·8 of 224² for benchmarks.
   * @default a 28th of the pixels, rounded up
   */
  readonly stepSize?: number | undefined;
  /** What stands where pixels are hidden. @default 'zeros' for deletion, 'blur' for insertion */
  readonly fill?: Fill | undefined;
  /** How the curve is integrated. @default 'official' */
  readonly auc?: AucRule | undefined;
  /** Which of equally salient pixels changes first. @default 'index-asc' */
  readonly ties?: TieRule | undefined;
}

/** The result for one image. */
export interface CausalScore {
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

type CausalSettings = Settled<CausalOptions, 'signal' | 'onProgress' | 'stepSize' | 'fill'>;

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
export const causalFills: Readonly<Record<CausalScore['kind'], Fill>> = {insertion: 'blur', deletion: 'zeros'};

/** `stepSize`, `fill`, `auc` and `ties`. */
export const causalFields: Pick<OptionsSchema<CausalSettings>['fields'], 'stepSize' | 'fill' | 'auc' | 'ties'> = {
  stepSize: absentMeans(integer(1), 'a 28th of the pixels, rounded up'),
  fill: absentMeans(fillField, "'zeros' for deletion, 'blur' for insertion"),
  auc: withDefault(oneOf('official', 'true-fraction'), 'official'),
  ties: withDefault(oneOf('index-asc', 'index-desc'), 'index-asc'),
};

/** The options of insertionScore. */
export const insertionScoreSchema: OptionsSchema<CausalSettings> = {
  where: 'insertionScore',
  fields: {...modelMetricFields, ...causalFields},
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
  const {auc, ties, fill = causalFills[kind]} = settings;
  return measureGroups(where, subjects, settings, async (group) => {
    const [, height, width] = group.originals.shape;
    const {stepSize = defaultStepSize(height, width)} = settings;
    const counts = stepCounts(height * width, stepSize);
    const fractions = counts.map((count) => count / (height * width));
    const curves = await scoreSteps(where, kind, group, counts, {fill, ties});
    const record = recordOptions(settings, {stepSize, fill: recordFill(fill)});
    return group.targets.map(({target}, index) => {
      const curve = curves[index] as number[];
      return {kind, auc: areaUnderCurve(curve, fractions, auc), curve, fractions, target, options: record};
    });
  });
}

async function scoreSteps(
  where: string,
  kind: CausalScore['kind'],
  group: Group,
  counts: readonly number[],
  {fill, ties}: {readonly fill: Fill; readonly ties: TieRule},
): Promise<number[][]> {
  const {originals, maps, scope, report} = group;
  const [numImages, height, width] = originals.shape;
  const ranks = new Float32Array(numImages * height * width);
  maps.forEach((values, index) => ranks.set(ranksOf(rankPixels(values, ties)), index * height * width));
  const baseline = scope.own(await finiteBaseline(where, fill, originals));
  const [start, finish] = kind === 'deletion' ? [originals, baseline] : [baseline, originals];
  const transition = {start, finish, ranks: scope.own(tensor4d(ranks, [numImages, height, width, 1]))};
  const jobs: Job[] = maps.flatMap((_, image) => counts.map((count) => ({image, count})));
  const build = (part: readonly Job[]): ReturnType<typeof perturb> => perturb(transition, part);
  const scores = await queryJobs({...group, where, jobs, build, report: (done) => report(done, counts.length)});
  return maps.map((_, image) => scores.slice(image * counts.length, (image + 1) * counts.length));
}

/** Pixels changed after each step: 0, step, 2·step, … and all of them. */
function stepCounts(numPixels: number, stepSize: number): number[] {
  return Array.from({length: Math.ceil(numPixels / stepSize) + 1}, (_, step) => Math.min(step * stepSize, numPixels));
}
