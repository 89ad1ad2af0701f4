/**
 * RISE: Petsiuk, Das & Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models",
 * 2018. A pixel matters as much as the class scores on random masks that show it. Needs nothing of the
 * model but its scores. Unlike the authors' code, masks are made per batch and only summed as grids of
 * bits: memory grows neither with the number of masks nor with that of the model's classes.
 */
import {mul, reshape, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import {onBackend} from '../../backend/on-backend.js';
import {inOrder, partsOf, type Part} from '../../core/in-order.js';
import {withTensors} from '../../core/tensors.js';
import type {Explainer, ImagesInput, RunOptions, SaliencyMap, Target} from '../../core/types.js';
import {countImages, inputOf} from '../../data/image-list.js';
import type {BatchScores, BlackBoxModel} from '../../models/score-model.js';
import {resolveTargets, type ResolvedTarget} from '../../models/targets.js';
import {batchScorer, type BatchScorer} from '../../queries/batch-scorer.js';
import {explainerOf} from '../_explainer-of.js';
import {RiseEstimate} from './_estimate.js';
import {maskAxes, type MaskAxes} from './_geometry.js';
import {checkMaskGrids, drawMaskGrids, makeMasks, type MaskGrids} from './masks.js';
import {resolveRiseOptions, type RiseOptions, type RiseSettings} from './options.js';

/** A map of {@link rise}. */
export interface RiseMap extends SaliencyMap {
  /** Masks that the map is made of; fewer than `numMasks` if it was stable before. */
  readonly masksUsed: number;
}

/**
 * Explains images by masking them at random: `S = Σ f(x ⊙ M)·M / (N·p)`, f the score of the class, M
 * a grid of bits enlarged and shifted. Masks multiply the network's input, so a hidden pixel is 0 there, for
 * most networks the mean colour. All classes that are asked for come from one pass, and all images see the
 * same masks, so that a map does not depend on its neighbours.
 *
 * @param images Tensors as the network sees them, `[H,W,C]` or `[N,H,W,C]`, any size and number of channels;
 *   or decoded pictures if `model` is a Teacher. Borrowed.
 * @param model A LayersModel or Teacher (probabilities); a GraphModel (its `predict`) or a score function,
 *   also an asynchronous one (scores as they are, so let them be probabilities). Borrowed.
 * @param options See {@link RiseOptions}. The same seed gives the same map for every batch size, exactly if
 *   the model's scores do not depend on the batch; sums are in double precision and in the order of the masks.
 * @returns One map per image and class, image by image. Official and normalised maps of probabilities are
 *   not negative; no map is stretched to [0,1]. Plain numbers, nothing to free.
 * @throws {TypeError} If an argument is of the wrong kind, or a decoded picture comes without a Teacher.
 * @throws {RangeError} If an option or the target is out of its range, an image does not fit the model, or
 *   scores are malformed. Aborting rejects with the signal's reason.
 * @see https://arxiv.org/abs/1806.07421; numbers of eclique/RISE for the same bits and shifts.
 * @example
 * const [map] = await rise(image, teacher, {numMasks: 2000, target: 'argmax'});
 */
export async function rise(images: ImagesInput, model: BlackBoxModel, options: RiseOptions = {}): Promise<RiseMap[]> {
  const settings = resolveRiseOptions(options);
  const {signal, onProgress} = options;
  const scorer = batchScorer('rise', model, options);
  const {numMasks} = settings;
  const numImages = countImages(images);
  return onBackend('rise', async () => {
    const maps: RiseMap[] = [];
    for (let index = 0; index < numImages; index++) {
      signal?.throwIfAborted();
      const done = index * numMasks;
      const report = (masks: number): void => onProgress?.({stage: 'rise', done: done + masks, total: numImages * numMasks});
      const run = {target: options.target, signal, report};
      maps.push(...(await withTensors((scope) => explainOne(scope.own(inputOf(images, index, index + 1, scorer)), scorer, settings, run))));
    }
    return maps;
  });
}

/**
 * Binds RISE to a model and options, for code that compares explainers; options of a call go before these.
 *
 * @returns An explainer whose maps are `RiseMap`s.
 * @example
 * const maps = await riseExplainer(teacher, {numMasks: 2000}).explain(images, {target: 3});
 */
export function riseExplainer(model: BlackBoxModel, options: RiseOptions = {}): Explainer {
  return explainerOf('rise', options, (images, all) => rise(images, model, all));
}

interface Run {
  readonly target: Target | undefined;
  readonly signal: RunOptions['signal'];
  readonly report: (masks: number) => void;
}

/** The masks of a part and what the model made of them. */
interface ScoredGrids extends Part, BatchScores {
  readonly grids: MaskGrids;
}

async function explainOne(image: Tensor4D, scorer: BatchScorer, settings: RiseSettings, {target, signal, report}: Run): Promise<RiseMap[]> {
  const {numMasks, batchSize, keepProbability, variant, stop, seed, masks} = settings;
  const [, height, width] = image.shape;
  const axes = maskAxes('rise', [height, width], settings.gridSize);
  if (masks !== undefined) checkMaskGrids('rise', masks, axes);
  const unmasked = await scorer.score(image);
  const targets = resolveTargets('rise', target, unmasked)[0] as ResolvedTarget[];
  const estimate = new RiseEstimate(settings, axes, targets.length);

  let stable = false;
  const score = async ({first, count}: Part): Promise<ScoredGrids> => {
    const grids = gridsFor([height, width], settings, axes, first, count);
    return {first, count, grids, ...(await scoreMasked(scorer, image, grids, axes))};
  };
  const {threads} = scorer;
  for await (const {first, count, grids, values, numClasses} of inOrder(partsOf(numMasks, batchSize, threads), score, {threads, signal})) {
    if (numClasses !== unmasked.numClasses) {
      throw new RangeError(
        `rise: the model must give as many scores for every batch, but gave ${numClasses} after ${unmasked.numClasses}.`,
      );
    }
    // What the batch holds beyond a stop is left out, so that the stop does not depend on its size.
    for (let mask = 0; mask < count && !stable; mask++) {
      estimate.add(
        grids,
        mask,
        targets.map((each) => values[mask * numClasses + each.target] as number),
      );
      stable = estimate.isStable();
    }
    report(stable ? numMasks : first + count);
    if (stable) break;
  }

  const gridSize = [axes[0].cells, axes[1].cells];
  const record = {
    numMasks,
    gridSize,
    keepProbability,
    batchSize,
    variant,
    stopWhenStable: stop ?? false,
    masks: masks === undefined ? 'drawn' : 'given',
  };
  return estimate.maps().map((values, index) => ({
    ...finish(values),
    height,
    width,
    ...(targets[index] as ResolvedTarget),
    method: 'rise',
    seed: masks === undefined ? seed : null,
    options: record,
    masksUsed: estimate.count,
  }));
}

/** The bits of one batch: memory stays that of a batch. */
function gridsFor(
  size: readonly [number, number],
  {masks, gridSize, keepProbability, seed}: RiseSettings,
  [rows, columns]: MaskAxes,
  first: number,
  count: number,
): MaskGrids {
  if (masks === undefined) return drawMaskGrids(size, {numMasks: count, firstMask: first, gridSize, keepProbability, seed});
  const cells = rows.cells * columns.cells;
  const part = (values: ArrayLike<number>, each: number): ArrayLike<number> =>
    Array.prototype.slice.call(values, first * each, (first + count) * each) as number[];
  return {gridSize, bits: part(masks.bits, cells), shifts: part(masks.shifts, 2)};
}

function scoreMasked(scorer: BatchScorer, image: Tensor4D, grids: MaskGrids, axes: MaskAxes): Promise<BatchScores> {
  const [, height, width, channels] = image.shape;
  const batch = tidy(() => {
    const masked = mul(makeMasks(grids, axes, channels), reshape(image, [1, height, width * channels]));
    return reshape(masked, [grids.shifts.length / 2, height, width, channels]) as Tensor4D;
  });
  return scorer.scoreOnce(batch);
}

/** Single precision; a map without evidence becomes zeros. */
function finish(values: Float64Array): Pick<SaliencyMap, 'data' | 'empty'> {
  const data = Float32Array.from(values);
  const empty = data.every((value) => value === data[0]);
  return {data: empty ? new Float32Array(data.length) : data, empty};
}
