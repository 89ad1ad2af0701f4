/**
 * Occlusion (Zeiler & Fergus 2014, section 4.2): a window slides over the image and hides what is under it;
 * where the score falls, the evidence was. Needs nothing of the model but its scores. Windows that overlap
 * are averaged, as in Captum.
 */
import {tensor4d, tidy, tile, type Tensor4D} from '@tensorflow/tfjs-core';
import {onBackend} from '../../backend/on-backend.js';
import {at} from '../../core/at.js';
import {batchSizeField, progressField, signalField, targetField, workersField} from '../../core/common-options.js';
import {absentMeans, either, integer, tuple, withDefault} from '../../core/fields.js';
import {recordOptions} from '../../core/option-record.js';
import {readOptions, type Field, type OptionsSchema, type Settled} from '../../core/options.js';
import {settleValues} from '../../core/saliency-map.js';
import {withTensors} from '../../core/tensors.js';
import type {Explainer, ExplainerOptions, ImagesInput, Model, SaliencyMap, WorkerOptions} from '../../core/types.js';
import {checkImages} from '../../data/image-list.js';
import {checkTarget, columnOf, resolveTargets, type ResolvedTarget} from '../../models/targets.js';
import {batchScorer, type BatchScorer} from '../../queries/batch-scorer.js';
import {finiteBaseline, fillField, recordFill, type Fill} from '../../queries/fill.js';
import {finiteInput} from '../../queries/finite-input.js';
import {blend} from '../../queries/perturb.js';
import {query} from '../../queries/query.js';
import {explainerOf} from '../_explainer-of.js';

const WHERE = 'occlusion';

/** Options of {@link occlusion}. */
export interface OcclusionOptions extends ExplainerOptions, WorkerOptions {
  /** Side of the window in pixels, one number or `[height, width]`, at most the image's. @default a seventh of each side, rounded up */
  readonly windowSize?: number | readonly [number, number] | undefined;
  /** Pixels from one place of the window to the next, one number or `[down, right]`, at most the window's side. @default half the window, rounded up */
  readonly stride?: number | readonly [number, number] | undefined;
  /** What stands where pixels are hidden. @default 'zeros' */
  readonly fill?: Fill | undefined;
}

type OcclusionSettings = Settled<OcclusionOptions, 'signal' | 'onProgress' | 'windowSize' | 'stride'>;

const pair = (words: string): Field<number | readonly [number, number] | undefined> =>
  either<number | readonly [number, number]>(integer(1), tuple(words, integer(1), integer(1)));

/** The options of {@link occlusion}. */
export const occlusionSchema: OptionsSchema<OcclusionSettings> = {
  where: WHERE,
  fields: {
    target: targetField,
    windowSize: absentMeans(pair('[height, width]'), 'a seventh of each side, rounded up'),
    stride: absentMeans(pair('[down, right]'), 'half the window, rounded up'),
    fill: withDefault<Fill, 'zeros'>(fillField, 'zeros'),
    batchSize: batchSizeField,
    workers: workersField,
    signal: signalField,
    onProgress: progressField,
  },
};

/**
 * Draws occlusion maps: for every pixel the mean of `f(x) − f(x with the window hidden)` over the windows that cover
 * it, f the score of the class. Windows begin at every multiple of the stride until one reaches the border, where
 * it is cut.
 *
 * @param images Tensors as the network sees them, `[H,W,C]` or `[N,H,W,C]`, or decoded pictures if `model` is a Teacher;
 *   one or an array. Borrowed.
 * @param model A LayersModel, Teacher or GraphModel (probabilities), or a score function (its scores as they are). Borrowed.
 * @returns One map per image and class, image by image; negative where hiding raises the score. A flat map is zeros, with
 *   `empty: true`. Plain numbers, nothing to free.
 * @throws {TypeError} If an argument is of the wrong kind, or a decoded picture comes without a Teacher.
 * @throws {RangeError} If an option or the target is out of range, the window is larger than the image, or the stride larger
 *   than the window. Aborting rejects with the signal's reason.
 * @see Zeiler & Fergus 2014, "Visualizing and Understanding Convolutional Networks"; numbers of Captum's `Occlusion`.
 * @example
 * const [map] = await occlusion(image, teacher, {windowSize: 32, stride: 16});
 */
export async function occlusion(images: ImagesInput, model: Model, options?: OcclusionOptions): Promise<SaliencyMap[]> {
  const settings = readOptions(occlusionSchema, options);
  const {target, signal, onProgress} = settings;
  const numImages = checkImages(WHERE, images);
  checkTarget(WHERE, target, numImages);
  const scorer = batchScorer(WHERE, model, settings);
  return onBackend(WHERE, async () => {
    const maps: SaliencyMap[] = [];
    for (let index = 0; index < numImages; index++) {
      signal?.throwIfAborted();
      const image = await finiteInput(WHERE, images, index, index + 1, scorer);
      const report = (done: number, total: number): void =>
        onProgress?.({stage: WHERE, done: index * total + done, total: numImages * total});
      maps.push(...(await explainOne(image, index, scorer, settings, report).finally(() => image.dispose())));
    }
    return maps;
  });
}

/**
 * Binds {@link occlusion} to a model and options; options of a call go before these.
 *
 * @returns An explainer; it holds no tensors.
 * @example
 * const explainer = occlusionExplainer(teacher, {windowSize: 32});
 */
export function occlusionExplainer(model: Model, options: OcclusionOptions = {}): Explainer {
  return explainerOf({method: WHERE, schema: occlusionSchema, model, options}, (images, all) => occlusion(images, model, all));
}

/** A window: its first and last row and column, the last one excluded. */
interface Window {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

async function explainOne(
  image: Tensor4D,
  index: number,
  scorer: BatchScorer,
  settings: OcclusionSettings,
  report: (done: number, total: number) => void,
): Promise<SaliencyMap[]> {
  const [, height, width] = image.shape;
  const {windows, windowSize, stride} = placeWindows([height, width], settings);
  return withTensors(async (scope) => {
    const unmasked = await scorer.score(image);
    const targets = resolveTargets(WHERE, settings.target, unmasked, index)[0] as ResolvedTarget[];
    const baseline = scope.own(await finiteBaseline(WHERE, settings.fill, image));
    const sums = targets.map(() => new Float64Array(height * width));
    const covers = new Float64Array(height * width);
    const build = (first: number, count: number): Tensor4D => hide(image, baseline, windows.slice(first, first + count));
    const asked = {...settings, where: WHERE, scorer, total: windows.length, numClasses: unmasked.numClasses, build};
    for await (const {first, count, values, numClasses} of query(asked)) {
      for (let part = 0; part < count; part++) {
        const window = windows[first + part] as Window;
        addTo(covers, width, window, 1);
        targets.forEach((each, rank) =>
          addTo(sums[rank] as Float64Array, width, window, each.score - at(values, part * numClasses + columnOf(each))),
        );
      }
      report(first + count, windows.length);
    }
    const record = recordOptions(settings, {windowSize, stride, fill: recordFill(settings.fill)});
    return targets.map((each, rank) => {
      // A stride is at most a window, so every pixel is covered.
      const means = (sums[rank] as Float64Array).map((sum, pixel) => sum / at(covers, pixel));
      return {...settleValues(WHERE, means), height, width, ...each, method: WHERE, seed: null, options: record};
    });
  });
}

function placeWindows(
  size: readonly [number, number],
  {windowSize, stride}: OcclusionSettings,
): {windows: Window[]; windowSize: readonly [number, number]; stride: readonly [number, number]} {
  const sides = both(windowSize ?? [Math.ceil(size[0] / 7), Math.ceil(size[1] / 7)]);
  const steps = both(stride ?? [Math.ceil(sides[0] / 2), Math.ceil(sides[1] / 2)]);
  const starts = [0, 1].map((axis) => {
    const [length, side, step] = [at(size, axis), at(sides, axis), at(steps, axis)];
    if (side > length)
      throw new RangeError(`${WHERE}: windowSize must be at most the image, ${size.join('×')} (height×width), but is ${sides.join('×')}.`);
    if (step > side)
      throw new RangeError(`${WHERE}: stride must be at most the window, ${sides.join('×')} (height×width), but is ${steps.join('×')}.`);
    return Array.from({length: Math.ceil((length - side) / step) + 1}, (_, place) => place * step);
  });
  const windows = at(starts, 0).flatMap((top) =>
    at(starts, 1).map((left) => ({top, bottom: Math.min(top + sides[0], size[0]), left, right: Math.min(left + sides[1], size[1])})),
  );
  return {windows, windowSize: sides, stride: steps};
}

function both(value: number | readonly [number, number]): readonly [number, number] {
  return typeof value === 'number' ? [value, value] : value;
}

/** Adds a number to every pixel of a window. */
function addTo(plane: Float64Array, width: number, {top, bottom, left, right}: Window, value: number): void {
  for (let row = top; row < bottom; row++) {
    for (let pixel = row * width + left; pixel < row * width + right; pixel++) plane[pixel] = at(plane, pixel) + value;
  }
}

/** The image with one window hidden in each copy, `[windows,H,W,C]`; the caller's. */
function hide(image: Tensor4D, baseline: Tensor4D, windows: readonly Window[]): Tensor4D {
  const [, height, width, channels] = image.shape;
  const values = new Float32Array(windows.length * height * width);
  windows.forEach((window, copy) => {
    const plane = values.subarray(copy * height * width, (copy + 1) * height * width);
    for (let row = window.top; row < window.bottom; row++) plane.fill(1, row * width + window.left, row * width + window.right);
  });
  return tidy(() => blend(image, baseline, tile(tensor4d(values, [windows.length, height, width, 1]), [1, 1, 1, channels])));
}
