/**
 * RISE: Petsiuk, Das & Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models",
 * 2018. A pixel matters as much as the class scores on random masks that show it. Needs nothing of the
 * model but its scores. Unlike the authors' code, masks are made per batch and only summed as grids of
 * bits: memory grows neither with the number of masks nor with that of the model's classes.
 */
import {add, mul, reshape, sub, tidy, type Tensor3D, type Tensor4D} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {onBackend} from '../../backend/on-backend.js';
import {recordOptions} from '../../core/option-record.js';
import {settleValues} from '../../core/saliency-map.js';
import type {Explainer, ImagesInput, Model, SaliencyMap} from '../../core/types.js';
import {checkImages} from '../../data/image-list.js';
import {checkTarget, columnOf, resolveTargets, type ResolvedTarget} from '../../models/targets.js';
import {batchScorer, type BatchScorer} from '../../queries/batch-scorer.js';
import {finiteBaseline, recordFill} from '../../queries/fill.js';
import {finiteInput} from '../../queries/finite-input.js';
import {query} from '../../queries/query.js';
import {explainerOf} from '../_explainer-of.js';
import {RiseEstimate} from './_estimate.js';
import {maskAxes, type MaskAxes} from './_geometry.js';
import {checkMaskGrids, drawMaskGrids, makeMasks, type MaskGrids} from './masks.js';
import {riseSchema, riseSettings, type RiseOptions, type RiseSettings} from './options.js';

const WHERE = 'rise';

/** A map of {@link rise}. */
export interface RiseMap extends SaliencyMap {
  /** Masks that the map is made of; fewer than `numMasks` if it was stable before. */
  readonly masksUsed: number;
}

/**
 * Explains images by masking them at random: `S = Σ f(x ⊙ M)·M / (N·p)`, f the score of the class, M
 * a grid of bits enlarged and shifted. Masks multiply the network's input, so a hidden pixel is 0 there, for
 * most networks the mean colour (`fill` puts another baseline image there). All classes that are asked for come from one pass, and all images see the
 * same masks, so that a map does not depend on its neighbours.
 *
 * @param images Tensors as the network sees them, `[H,W,C]` or `[N,H,W,C]`, any size and number of channels;
 *   or decoded pictures if `model` is a Teacher. Borrowed.
 * @param model A LayersModel, Teacher or GraphModel (probabilities), or a score function,
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
export async function rise(images: ImagesInput, model: Model, options?: RiseOptions): Promise<RiseMap[]> {
  const settings = riseSettings(options);
  const {numMasks, target, signal, onProgress} = settings;
  const numImages = checkImages(WHERE, images);
  checkTarget(WHERE, target, numImages);
  const scorer = batchScorer(WHERE, model, settings);
  return onBackend(WHERE, async () => {
    const maps: RiseMap[] = [];
    for (let index = 0; index < numImages; index++) {
      signal?.throwIfAborted();
      const report = (masks: number): void => onProgress?.({stage: WHERE, done: index * numMasks + masks, total: numImages * numMasks});
      const image = await finiteInput(WHERE, images, index, index + 1, scorer);
      maps.push(...(await explainOne(image, {index, scorer, settings, report}).finally(() => image.dispose())));
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
export function riseExplainer(model: Model, options: RiseOptions = {}): Explainer {
  const binding = {method: WHERE, schema: riseSchema, model, options, check: riseSettings};
  return explainerOf(binding, (images, all) => rise(images, model, all));
}

interface Run {
  /** Number of the image. */
  readonly index: number;
  readonly scorer: BatchScorer;
  readonly settings: RiseSettings;
  readonly report: (masks: number) => void;
}

async function explainOne(image: Tensor4D, {index, scorer, settings, report}: Run): Promise<RiseMap[]> {
  const {numMasks, batchSize, fill, seed, masks, signal} = settings;
  const [, height, width] = image.shape;
  const axes = maskAxes(WHERE, [height, width], settings.gridSize);
  if (masks !== undefined) checkMaskGrids(WHERE, masks, axes);
  const unmasked = await scorer.score(image);
  const targets = resolveTargets(WHERE, settings.target, unmasked, index)[0] as ResolvedTarget[];
  const columns = targets.map(columnOf);
  const estimate = new RiseEstimate(settings, axes, targets.length);
  const baseline = fill === 'zeros' ? undefined : await finiteBaseline(WHERE, fill, image);
  // Of the batches that are under way.
  const grids = new Map<number, MaskGrids>();
  const build = (first: number, count: number): Tensor4D => {
    const drawn = gridsFor([height, width], settings, axes, first, count);
    grids.set(first, drawn);
    return maskedImages(image, baseline, drawn, axes);
  };
  let stable = false;
  try {
    const asked = {where: WHERE, scorer, total: numMasks, numClasses: unmasked.numClasses, batchSize, build, signal};
    for await (const {first, count, values, numClasses} of query(asked)) {
      const drawn = grids.get(first) as MaskGrids;
      grids.delete(first);
      // What the batch holds beyond a stop is left out, so that the stop does not depend on its size.
      for (let mask = 0; mask < count && !stable; mask++) {
        estimate.add(
          drawn,
          mask,
          columns.map((column) => at(values, mask * numClasses + column)),
        );
        stable = estimate.isStable();
      }
      report(stable ? numMasks : first + count);
      if (stable) break;
    }
  } finally {
    baseline?.dispose();
  }
  const record = recordOptions(settings, {
    gridSize: [axes[0].cells, axes[1].cells],
    fill: recordFill(fill),
    masks: masks === undefined ? 'drawn' : 'given',
    seed: masks === undefined ? seed : undefined,
  });
  return estimate.maps().map((values, place) => ({
    ...settleValues(WHERE, values),
    height,
    width,
    ...(targets[place] as ResolvedTarget),
    method: WHERE,
    seed: masks === undefined ? seed : null,
    options: record,
    masksUsed: estimate.count,
  }));
}

/** The bits of one batch: memory stays that of a batch. */
function gridsFor(
  size: readonly [number, number],
  {masks, gridSize, keepProbability, seed}: RiseSettings,
  axes: MaskAxes,
  first: number,
  count: number,
): MaskGrids {
  if (masks === undefined) return drawMaskGrids(size, {numMasks: count, firstMask: first, gridSize, keepProbability, seed});
  const cells = axes[0].cells * axes[1].cells;
  const part = (values: ArrayLike<number>, each: number): ArrayLike<number> =>
    Array.prototype.slice.call(values, first * each, (first + count) * each) as number[];
  return {gridSize, bits: part(masks.bits, cells), shifts: part(masks.shifts, 2)};
}

/** `x ⊙ M`, or `x ⊙ M + baseline ⊙ (1 − M)`; a batch that is the caller's. */
function maskedImages(image: Tensor4D, baseline: Tensor4D | undefined, grids: MaskGrids, axes: MaskAxes): Tensor4D {
  const [, height, width, channels] = image.shape;
  const rows = (images: Tensor4D): Tensor3D => reshape(images, [1, height, width * channels]);
  return tidy(() => {
    const masks = makeMasks(grids, axes, channels); // [masks,H,W·C]
    // m · (x − b) + b: a product of masks that broadcasts once.
    const masked = baseline === undefined ? mul(masks, rows(image)) : add(mul(masks, sub(rows(image), rows(baseline))), rows(baseline));
    return reshape(masked, [grids.shifts.length / 2, height, width, channels]) as Tensor4D;
  });
}
