/**
 * The loop behind insertion and deletion (Petsiuk et al. 2018; Lee & Kim 2021, algorithms A1 and A2):
 * exchange the most salient pixels step by step and watch the score of one class. Steps of all images
 * share batches, and every batch but the last is full.
 */
import {tensor4d} from '@tensorflow/tfjs-core';
import {checkInteger, checkOneOf} from '../../core/check.js';
import {measureGroups, type Group, type ModelMeasureOptions, type Subjects} from './_groups.js';
import {perturb, ranksOf, type Job} from '../../queries/perturb.js';
import {scoreJobs} from '../../queries/score-jobs.js';
import {areaUnderCurve, type AucRule} from './auc.js';
import {rankPixels, type TieRule} from '../of-map/ranking.js';
import {describeSubstrate, makeSubstrate, type Substrate, type SubstrateRecord} from '../../queries/fill.js';

/** Options of insertion and deletion. */
export interface CausalOptions extends ModelMeasureOptions {
  /** Pixels changed per step, at least 1. The authors take a row (224) for one image, 224·8 for benchmarks. @default 224 */
  readonly stepSize?: number | undefined;
  /** What stands where pixels are missing. @default 'zeros' for deletion, 'blur' for insertion */
  readonly substrate?: Substrate | undefined;
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
  /** Score of the class after 0, 1, … n steps: n + 1 values. */
  readonly curve: readonly number[];
  /** Fraction of the pixels that has changed by then, 0 … 1. */
  readonly fractions: readonly number[];
  /** Index of the class that was watched. */
  readonly target: number;
  /** The options in force. */
  readonly options: {
    readonly stepSize: number;
    readonly batchSize: number;
    readonly substrate: SubstrateRecord;
    readonly auc: AucRule;
    readonly ties: TieRule;
  };
}

/** Computes the results of all images; see `insertionScore` and `deletionScore` for arguments and errors. */
export async function causalScores(kind: CausalScore['kind'], subjects: Subjects, options: CausalOptions = {}): Promise<CausalScore[]> {
  const {stepSize = 224, batchSize = 32, auc = 'official', ties = 'index-asc'} = options;
  const {substrate = kind === 'deletion' ? 'zeros' : 'blur'} = options;
  checkInteger(`${kind}: stepSize`, stepSize, 1);
  checkOneOf(`${kind}: auc`, auc, ['official', 'true-fraction']);
  checkOneOf(`${kind}: ties`, ties, ['index-asc', 'index-desc']);
  const record = {stepSize, batchSize, substrate: describeSubstrate(substrate), auc, ties};
  return measureGroups(kind, subjects, options, async (group) => {
    const [, height, width] = group.originals.shape;
    const counts = stepCounts(height * width, stepSize);
    const fractions = counts.map((count) => count / (height * width));
    const curves = await scoreSteps(kind, group, counts, {substrate, ties});
    return curves.map((curve, index) => ({
      kind,
      auc: areaUnderCurve(curve, fractions, auc),
      curve,
      fractions,
      target: group.targets[index] as number,
      options: record,
    }));
  });
}

async function scoreSteps(
  kind: CausalScore['kind'],
  group: Group,
  counts: readonly number[],
  {substrate, ties}: {substrate: Substrate; ties: TieRule},
): Promise<number[][]> {
  const {originals, maps, scope, report} = group;
  const [numImages, height, width] = originals.shape;
  const ranks = new Float32Array(numImages * height * width);
  maps.forEach((values, index) => ranks.set(ranksOf(rankPixels(values, ties)), index * height * width));
  const blank = scope.own(makeSubstrate(substrate, originals));
  const [start, finish] = kind === 'deletion' ? [originals, blank] : [blank, originals];
  const transition = {start, finish, ranks: scope.own(tensor4d(ranks, [numImages, height, width, 1]))};
  const jobs: Job[] = maps.flatMap((_, image) => counts.map((count) => ({image, count})));
  const build = (part: readonly Job[]): ReturnType<typeof perturb> => perturb(transition, part);
  const scores = await scoreJobs({...group, where: kind, jobs, build, report: (done) => report(done, counts.length)});
  return maps.map((_, image) => scores.slice(image * counts.length, (image + 1) * counts.length));
}

/** Pixels changed after each step: 0, step, 2·step, … and all of them. */
function stepCounts(numPixels: number, stepSize: number): number[] {
  return Array.from({length: Math.ceil(numPixels / stepSize) + 1}, (_, step) => Math.min(step * stepSize, numPixels));
}
