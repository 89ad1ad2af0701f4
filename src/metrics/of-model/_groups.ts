/**
 * What every measure that asks the model has in common: images in groups of `batchSize`, one map and
 * one class for each, and everything freed after the group.
 */
import {slice, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {onBackend} from '../../backend/on-backend.js';
import {checkInteger, checkShape} from '../../core/check.js';
import {inOrder, partsOf, type Part} from '../../core/in-order.js';
import {withTensors, type TensorScope} from '../../core/tensors.js';
import type {ImagesInput, RunOptions, ScoreFn, Teacher, WorkerOptions} from '../../core/types.js';
import {countImages, inputOf} from '../../data/image-list.js';
import type {BatchScores} from '../../models/score-model.js';
import {resolveTargets} from '../../models/targets.js';
import {batchScorer, type BatchScorer} from '../../queries/batch-scorer.js';
import {isMapList, readMap, type MapInput} from '../read-map.js';
import {checkTarget} from '../../queries/score-jobs.js';

/** What can be scored. */
export type CausalModel = LayersModel | Teacher | ScoreFn;

/** Options of every measure that asks the model. */
export interface ModelMeasureOptions extends RunOptions, WorkerOptions {
  /** Index of the class that is watched, or one per image. @default the class with the highest score on the original image */
  readonly target?: number | readonly number[] | undefined;
  /** Images per call of the model, at least 1. Changes memory and speed, not the result. @default 32 */
  readonly batchSize?: number | undefined;
}

/** Images with their maps, and the model that is asked. */
export interface Subjects {
  readonly images: ImagesInput;
  readonly maps: readonly MapInput[];
  readonly model: CausalModel;
}

/** Some of the images, ready to be measured. */
export interface Group {
  /** Owns what the measure makes. */
  readonly scope: TensorScope;
  readonly scorer: BatchScorer;
  /** `[N,H,W,C]` as the network sees them. */
  readonly originals: Tensor4D;
  /** `H · W` values for each. */
  readonly maps: readonly Float32Array[];
  /** The class that is watched, for each. */
  readonly targets: readonly number[];
  readonly batchSize: number;
  readonly signal: AbortSignal | undefined;
  /** Reports how many of the group's jobs are done, where each image has `perImage`. */
  readonly report: (done: number, perImage: number) => void;
}

/** Gives the result of one map alone, of an array of maps an array. */
export async function oneOrAll<T>(
  {images, maps, model}: Omit<Subjects, 'maps'> & {readonly maps: MapInput | readonly MapInput[]},
  measure: (subjects: Subjects) => Promise<T[]>,
): Promise<T | T[]> {
  if (isMapList(maps)) return measure({images, maps, model});
  return (await measure({images, maps: [maps], model}))[0] as T;
}

/** Measures all images; `measure` returns one result per image of its group. `where` names the measure. */
export async function measureGroups<T>(
  where: string,
  {images, maps, model}: Subjects,
  options: ModelMeasureOptions,
  measure: (group: Group) => Promise<readonly T[]>,
): Promise<T[]> {
  const {batchSize = 32, target, signal, onProgress} = options;
  checkInteger(`${where}: batchSize`, batchSize, 1);
  const scorer = batchScorer(where, model, options);
  const numImages = countImages(images);
  checkCounts(where, numImages, maps.length, target);

  return onBackend(where, async () => {
    const results: T[] = [];
    let size: readonly number[] | undefined;
    for (let first = 0; first < numImages; first += batchSize) {
      const last = Math.min(first + batchSize, numImages);
      signal?.throwIfAborted();
      const group = await withTensors(async (scope) => {
        const originals = scope.own(inputOf(images, first, last, scorer));
        size ??= originals.shape.slice(1);
        checkShape(`${where}: images`, originals.shape, [last - first, ...size]);
        const [height, width] = size as [number, number, number];
        const values: Float32Array[] = [];
        for (let index = first; index < last; index++) {
          const name = `${where}: map${numImages === 1 ? '' : `s[${index}]`}`;
          values.push(await readMap(name, maps[index] as MapInput, [height, width]));
        }
        const targets = await targetsOf(where, originals, scorer, {target, first, batchSize, signal});
        const report = (done: number, perImage: number): void =>
          onProgress?.({stage: where, done: first * perImage + done, total: numImages * perImage});
        return measure({scope, scorer, originals, maps: values, targets, batchSize, signal, report});
      });
      results.push(...group);
    }
    return results;
  });
}

interface TargetOptions extends Pick<ModelMeasureOptions, 'target' | 'signal'> {
  readonly first: number;
  readonly batchSize: number;
}

async function targetsOf(
  where: string,
  originals: Tensor4D,
  scorer: BatchScorer,
  {target, first, batchSize, signal}: TargetOptions,
): Promise<number[]> {
  const [numImages] = originals.shape;
  if (target !== undefined) {
    const given = Array.from({length: numImages}, (_, index) => (typeof target === 'number' ? target : (target[first + index] as number)));
    return given.map((each) => checkTarget(where, each, scorer.numClasses ?? Infinity));
  }
  const {threads} = scorer;
  const score = (part: Part): Promise<BatchScores> => scorer.scoreOnce(tidy(() => slice(originals, part.first, part.count)));
  const targets: number[] = [];
  for await (const scores of inOrder(partsOf(numImages, batchSize, threads), score, {threads, signal})) {
    targets.push(...resolveTargets(where, 'argmax', scores).flatMap((classes) => classes.map((each) => each.target)));
  }
  return targets;
}

/** Checks that there is one map, and one class if they are listed, per image. */
export function checkCounts(where: string, numImages: number, numMaps: number, target: ModelMeasureOptions['target']): void {
  if (numMaps !== numImages)
    throw new RangeError(`${where}: there must be one map per image, but there are ${numMaps} maps for ${numImages} images.`);
  if (target !== undefined && typeof target !== 'number' && target.length !== numImages) {
    throw new RangeError(`${where}: target must be one class or one per image, but there are ${target.length} for ${numImages} images.`);
  }
}
