/**
 * The loop behind insertion and deletion (Petsiuk et al. 2018; Lee & Kim 2021, algorithms A1 and A2):
 * exchange the most salient pixels step by step and watch the score of one class. Steps of all images
 * share batches, and every batch but the last is full.
 */
import {slice, Tensor, tensor4d, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import {checkInteger, checkOneOf, checkShape} from '../core/check.js';
import {withTensors} from '../core/tensors.js';
import type {ImagesInput, RunOptions} from '../core/types.js';
import {scoreModel, type BlackBoxModel, type ScoreModel} from '../models/score-model.js';
import {perturb, ranksOf, type Job, type Transition} from './_perturb.js';
import {readMap, type MapInput} from './_read-map.js';
import {areaUnderCurve, type AucRule} from './auc.js';
import {rankPixels, type TieRule} from './ranking.js';
import {describeSubstrate, makeSubstrate, type Substrate, type SubstrateRecord} from './substrate.js';

/** Options of insertion and deletion. */
export interface CausalOptions extends RunOptions {
  /** Pixels changed per step, at least 1. The authors take a row (224) for one image, 224·8 for benchmarks. @default 224 */
  readonly stepSize?: number | undefined;
  /** Index of the class that is watched, or one per image. @default the class with the highest score on the original image */
  readonly target?: number | readonly number[] | undefined;
  /** Images per call of the model, at least 1. Changes memory and speed, not the result. @default 32 */
  readonly batchSize?: number | undefined;
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

/** What can be scored. */
export type CausalModel = BlackBoxModel;

/** Computes the results of all images; see `insertionScore` and `deletionScore` for arguments and errors. */
export async function causalScores(
  kind: CausalScore['kind'],
  images: ImagesInput,
  maps: readonly MapInput[],
  model: CausalModel,
  options: CausalOptions = {},
): Promise<CausalScore[]> {
  const {stepSize = 224, batchSize = 32, auc = 'official', ties = 'index-asc', target, signal, onProgress} = options;
  const {substrate = kind === 'deletion' ? 'zeros' : 'blur'} = options;
  checkInteger(`${kind}: stepSize`, stepSize, 1);
  checkInteger(`${kind}: batchSize`, batchSize, 1);
  checkOneOf(`${kind}: auc`, auc, ['official', 'true-fraction']);
  checkOneOf(`${kind}: ties`, ties, ['index-asc', 'index-desc']);
  const record = {stepSize, batchSize, substrate: describeSubstrate(substrate), auc, ties};
  const scorer = scoreModel(model);
  const numImages = countImages(images);
  checkCounts(kind, numImages, maps.length, target);

  const results: CausalScore[] = [];
  let size: readonly number[] | undefined;
  // A group of batchSize images has batchSize · (n + 1) jobs, so full batches throughout.
  for (let first = 0; first < numImages; first += batchSize) {
    const last = Math.min(first + batchSize, numImages);
    signal?.throwIfAborted();
    const group = await withTensors(async (scope) => {
      const originals = scope.own(inputOf(images, first, last, scorer));
      size ??= originals.shape.slice(1);
      checkShape(`${kind}: images`, originals.shape, [last - first, ...size]);
      const [height, width] = size as [number, number, number];
      const ranks = new Float32Array((last - first) * height * width);
      for (let index = first; index < last; index++) {
        const name = `${kind}: map${numImages === 1 ? '' : `s[${index}]`}`;
        const values = await readMap(name, maps[index] as MapInput, [height, width]);
        ranks.set(ranksOf(rankPixels(values, ties)), (index - first) * height * width);
      }
      const blank = scope.own(makeSubstrate(substrate, originals));
      const [start, finish] = kind === 'deletion' ? [originals, blank] : [blank, originals];
      const transition = {start, finish, ranks: scope.own(tensor4d(ranks, [last - first, height, width, 1]))};
      const targets = await targetsOf(kind, originals, scorer, target, first);
      const counts = stepCounts(height * width, stepSize);
      const report = (done: number): void => onProgress?.({stage: kind, done: first * counts.length + done, total: numImages * counts.length});
      const curves = await scoreSteps({kind, transition, counts, targets, scorer, batchSize, signal, report});
      const fractions = counts.map((count) => count / (height * width));
      return curves.map((curve, index) => ({
        kind,
        auc: areaUnderCurve(curve, fractions, auc),
        curve,
        fractions,
        target: targets[index] as number,
        options: record,
      }));
    });
    results.push(...group);
  }
  return results;
}

interface Steps {
  readonly kind: CausalScore['kind'];
  readonly transition: Transition;
  readonly counts: readonly number[];
  readonly targets: readonly number[];
  readonly scorer: ScoreModel;
  readonly batchSize: number;
  readonly signal: AbortSignal | undefined;
  readonly report: (done: number) => void;
}

async function scoreSteps({kind, transition, counts, targets, scorer, batchSize, signal, report}: Steps): Promise<number[][]> {
  const jobs: Job[] = targets.flatMap((_, image) => counts.map((count) => ({image, count})));
  const curves: number[][] = targets.map(() => []);
  for (let from = 0; from < jobs.length; from += batchSize) {
    signal?.throwIfAborted();
    const part = jobs.slice(from, from + batchSize);
    const {values, numClasses} = await scoreOnce(scorer, perturb(transition, part));
    part.forEach(({image}, index) => {
      const target = checkTarget(kind, targets[image] as number, numClasses);
      (curves[image] as number[]).push(values[index * numClasses + target] as number);
    });
    report(from + part.length);
  }
  return curves;
}

async function targetsOf(kind: string, originals: Tensor4D, scorer: ScoreModel, target: CausalOptions['target'], first: number): Promise<number[]> {
  const count = originals.shape[0];
  if (target !== undefined) {
    const given = Array.from({length: count}, (_, index) => (typeof target === 'number' ? target : (target[first + index] as number)));
    return given.map((each) => checkTarget(kind, each, scorer.numClasses ?? Infinity));
  }
  const {values, numClasses} = await scorer.score(originals);
  return Array.from({length: count}, (_, image) => {
    const row = values.subarray(image * numClasses, (image + 1) * numClasses);
    return row.indexOf(Math.max(...row));
  });
}

async function scoreOnce(scorer: ScoreModel, batch: Tensor4D): ReturnType<ScoreModel['score']> {
  try {
    return await scorer.score(batch);
  } finally {
    batch.dispose();
  }
}

/** Pixels changed after each step: 0, step, 2·step, … and all of them. */
function stepCounts(numPixels: number, stepSize: number): number[] {
  return Array.from({length: Math.ceil(numPixels / stepSize) + 1}, (_, step) => Math.min(step * stepSize, numPixels));
}

function checkTarget(kind: string, target: number, numClasses: number): number {
  return checkInteger(`${kind}: target`, target, 0, numClasses - 1);
}

function checkCounts(kind: string, numImages: number, numMaps: number, target: CausalOptions['target']): void {
  if (numMaps !== numImages) throw new RangeError(`${kind}: there must be one map per image, but there are ${numMaps} maps for ${numImages} images.`);
  if (target !== undefined && typeof target !== 'number' && target.length !== numImages) {
    throw new RangeError(`${kind}: target must be one class or one per image, but there are ${target.length} for ${numImages} images.`);
  }
}

function countImages(images: ImagesInput): number {
  if (Array.isArray(images)) return images.length;
  return images instanceof Tensor && images.rank === 4 ? (images.shape[0] as number) : 1;
}

function inputOf(images: ImagesInput, first: number, last: number, scorer: ScoreModel): Tensor4D {
  if (Array.isArray(images)) return scorer.toInput(images.slice(first, last));
  if (!(images instanceof Tensor) || images.rank !== 4) return scorer.toInput(images);
  return tidy(() => scorer.toInput(slice(images as Tensor4D, [first, 0, 0, 0], [last - first, -1, -1, -1])));
}
