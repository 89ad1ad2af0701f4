/**
 * What every metric that asks the model has in common: images in groups of `batchSize`, one map and
 * one target for each, and everything freed after the group.
 */
import {slice, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import {onBackend} from '../../backend/on-backend.js';
import {checkShape} from '../../core/check.js';
import {batchSizeField, progressField, signalField, singleTargetField, workersField} from '../../core/common-options.js';
import {inOrder, partsOf, type Part} from '../../core/in-order.js';
import type {OptionsSchema, Settled} from '../../core/options.js';
import {withTensors, type TensorScope} from '../../core/tensors.js';
import type {BatchOptions, ImagesInput, Model, RunOptions, SingleTarget, WorkerOptions} from '../../core/types.js';
import {checkImages} from '../../data/image-list.js';
import type {BatchScores} from '../../models/score-function.js';
import {checkTarget, resolveSingleTargets, type ResolvedTarget} from '../../models/targets.js';
import {batchScorer, type BatchScorer} from '../../queries/batch-scorer.js';
import {finiteInput} from '../../queries/finite-input.js';
import {checkMap, isMapList, readMap, type MapInput} from '../read-map.js';

/** Options of every metric that asks the model. */
export interface ModelMetricOptions extends RunOptions, BatchOptions, WorkerOptions {
  /** What is watched: one number per image, see {@link SingleTarget}. @default 'argmax' */
  readonly target?: SingleTarget | undefined;
}

/** Options with their defaults filled in. */
export type ModelMetricSettings = Settled<ModelMetricOptions, 'signal' | 'onProgress'>;

/** Fields of every metric that asks the model. */
export const modelMetricFields: OptionsSchema<ModelMetricSettings>['fields'] = {
  target: singleTargetField,
  batchSize: batchSizeField,
  workers: workersField,
  signal: signalField,
  onProgress: progressField,
};

/** Images with their maps, and the model that is asked. */
export interface Subjects {
  readonly images: ImagesInput;
  readonly maps: MapInput | readonly MapInput[];
  readonly model: Model;
}

/** Some of the images, ready to be measured. */
export interface Group {
  /** Owns what the metric makes. */
  readonly scope: TensorScope;
  readonly scorer: BatchScorer;
  /** `[N,H,W,C]` as the network sees them. */
  readonly originals: Tensor4D;
  /** `H · W` values for each. */
  readonly maps: readonly Float32Array[];
  /** What is watched, for each. */
  readonly targets: readonly Pick<ResolvedTarget, 'target'>[];
  /** Number of the first of them, and of all images there are. */
  readonly first: number;
  readonly numImages: number;
  readonly batchSize: number;
  readonly signal: AbortSignal | undefined;
  /** Reports how many of the group's jobs are done, where each image has `perImage`. */
  readonly report: (done: number, perImage: number) => void;
}

/**
 * Measures all images; `measure` returns one result per image of its group.
 *
 * @param where Names the metric in messages.
 * @returns The result of one map alone, of an array of maps an array.
 */
export async function measureGroups<T>(
  where: string,
  {images, maps: given, model}: Subjects,
  settings: ModelMetricSettings,
  measure: (group: Group) => Promise<readonly T[]>,
): Promise<T | T[]> {
  const {batchSize, target, signal, onProgress} = settings;
  const numImages = checkImages(where, images);
  const single = !isMapList(given);
  const maps: readonly MapInput[] = single ? [given as MapInput] : given;
  if (maps.length !== numImages) {
    throw new RangeError(`${where}: maps must be one for each image, but there are ${maps.length} maps for ${numImages} images.`);
  }
  const nameOf = (index: number): string => `${where}: map${single ? '' : `s[${index}]`}`;
  maps.forEach((map, index) => checkMap(nameOf(index), map));
  checkTarget(where, target, numImages);
  const scorer = batchScorer(where, model, settings);

  return onBackend(where, async () => {
    const results: T[] = [];
    let size: readonly number[] | undefined;
    for (let first = 0; first < numImages; first += batchSize) {
      const last = Math.min(first + batchSize, numImages);
      signal?.throwIfAborted();
      const group = await withTensors(async (scope) => {
        const originals = scope.own(await finiteInput(where, images, first, last, scorer));
        size ??= originals.shape.slice(1);
        checkShape(`${where}: images`, originals.shape, [last - first, ...size]);
        const [height, width] = size as [number, number, number];
        const values: Float32Array[] = [];
        for (let index = first; index < last; index++) values.push(await readMap(nameOf(index), maps[index] as MapInput, [height, width]));
        const targets = await targetsOf(where, originals, scorer, {...settings, first});
        const report = (done: number, perImage: number): void =>
          onProgress?.({stage: where, done: first * perImage + done, total: numImages * perImage});
        return measure({scope, scorer, originals, maps: values, targets, first, numImages, batchSize, signal, report});
      });
      results.push(...group);
    }
    return single ? (results[0] as T) : results;
  });
}

interface TargetOptions extends ModelMetricSettings {
  /** Index of the first of the images. */
  readonly first: number;
}

async function targetsOf(
  where: string,
  originals: Tensor4D,
  scorer: BatchScorer,
  {target, first, batchSize, signal}: TargetOptions,
): Promise<Pick<ResolvedTarget, 'target'>[]> {
  const [numImages] = originals.shape;
  const {threads, numClasses} = scorer;
  if (typeof target === 'function') return Array.from({length: numImages}, () => ({target: -1}));
  if (target !== 'argmax' && numClasses !== undefined) {
    // What was asked for needs no scores; zeros stand in for them.
    return resolveSingleTargets(where, target, {values: new Float32Array(numImages * numClasses), numClasses}, first);
  }
  // Checked when the first scores show how many classes there are.
  if (typeof target === 'number') return Array.from({length: numImages}, () => ({target}));
  if (typeof target === 'object' && 'perImage' in target) {
    return target.perImage.slice(first, first + numImages).map((each) => ({target: each}));
  }
  const score = (part: Part): Promise<BatchScores> => scorer.scoreOnce(tidy(() => slice(originals, part.first, part.count)));
  const targets: ResolvedTarget[] = [];
  for await (const scores of inOrder(partsOf(numImages, batchSize, threads), score, {threads, signal})) {
    targets.push(...resolveSingleTargets(where, target, scores));
  }
  return targets;
}
