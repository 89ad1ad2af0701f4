/**
 * LIME for images (Ribeiro et al. 2016, as in marcotcr/lime): hide random segments of the image, look
 * at the scores, and fit a linear model whose coefficients say what each segment adds. Unlike there,
 * one seed decides everything, and images keep their channels: no grey becomes RGB.
 */
import {tensor4d} from '@tensorflow/tfjs-core';
import {onBackend} from '../../backend/on-backend.js';
import {checkInteger} from '../../core/check.js';
import {inOrder, partsOf, type Part} from '../../core/in-order.js';
import {Random} from '../../core/random.js';
import type {ImagesInput, SaliencyMap} from '../../core/types.js';
import {countImages} from '../../data/image-list.js';
import type {BatchScores, BlackBoxModel} from '../../models/score-model.js';
import {resolveTargets, type ResolvedTarget} from '../../models/targets.js';
import {batchScorer, type BatchScorer} from '../../queries/batch-scorer.js';
import {fitLime, type LimeFit} from './_fit.js';
import {hidingColours, readImage, type LimeImage} from './_image.js';
import {limeSettings, recordOf, type LimeOptions, type LimeSettings} from './options.js';
import {hideSegments} from './_perturb.js';
import {cosineDistance, kernelWeight, sampleRows} from './_samples.js';
import {segmentImage} from './_segments.js';
import {limeWarnings} from './_warnings.js';
import {designOf} from './ridge.js';
import type {Segments} from './superpixels/segments.js';

/** A LIME explanation of one class; `data` holds for every pixel the weight of its segment, which may be negative. */
export interface LimeMap extends SaliencyMap, LimeFit {
  /** The segments that the weights belong to. */
  readonly segments: Segments;
  /** Neighbours that were scored, the image included. */
  readonly numSamples: number;
  /** What makes this explanation doubtful, in words; empty when nothing does. */
  readonly warnings: readonly string[];
}

/**
 * Explains images by LIME: cuts each into segments, scores `numSamples` copies with half of them
 * hidden at random (the first copy is the image), weighs these by `√exp(−d² / kernelWidth²)` with the
 * cosine distance `d = 1 − √(kept / segments)`, and fits `score ≈ intercept + Σ weight · kept` by
 * ridge regression. All classes come from the same samples, and an image gets the same samples alone
 * and among others.
 *
 * Copies are made as the network sees the image: what is kept stays exactly as it was, and the
 * colour that hides a segment goes through the preprocessing like any pixel. Segments are cut from
 * that image too, at its size: with the preprocessing undone where a Teacher has one, otherwise with
 * its range of values stretched to 0–255, and averaged to grey unless it has 1 or 3 channels.
 *
 * @param images One or several: tensors as the network sees them, `[H,W,C]` or `[N,H,W,C]`, any C; or
 *   decoded pictures if `model` is a Teacher. Borrowed.
 * @param model A LayersModel or Teacher (probabilities are explained), a GraphModel or a score
 *   function (its scores as they are). Borrowed.
 * @returns One map per image and class, image by image, classes in the order of `target`. Plain
 *   numbers, nothing to free.
 * @throws {TypeError} If an argument is of the wrong kind, or a decoded picture comes without a Teacher.
 * @throws {RangeError} If an option or `target` is out of range, segments have another size than the
 *   image, or the model's scores are malformed. Aborting rejects with the signal's reason.
 * @see Ribeiro, Singh & Guestrin 2016, "Why Should I Trust You?"; its code, whose numbers the
 *   defaults give for the same segments and samples.
 * @example
 * const [map] = await lime(imageData, teacher, {numSamples: 500, target: [1, 7]});
 * for (const warning of map.warnings) showHint(warning);
 */
export async function lime(images: ImagesInput, model: BlackBoxModel, options: LimeOptions = {}): Promise<LimeMap[]> {
  const settings = limeSettings(options);
  const scorer = batchScorer('lime', model, options);
  const numImages = checkInteger('lime: number of images', countImages(images), 1);
  const {numSamples} = settings;
  return onBackend('lime', async () => {
    const maps: LimeMap[] = [];
    for (let index = 0; index < numImages; index++) {
      options.signal?.throwIfAborted();
      const image = await readImage(images, index, scorer, model);
      const segments = await segmentImage(image.picture, index, settings);
      const rows = sampleRows(numSamples, segments.numSegments, new Random(settings.seed).split('lime'));
      const report = (done: number): void =>
        options.onProgress?.({stage: 'lime', done: index * numSamples + done, total: numImages * numSamples});
      const scored = await scoreRows({image, segments, rows, scorer, settings, options, report});
      const design = designOf(
        rows,
        rows.map((row) => kernelWeight(cosineDistance(row), settings.kernelWidth)),
      );
      for (const {target, score, values} of scored) {
        maps.push(mapOf(target, score, fitLime(design, values, settings), segments, settings));
      }
    }
    return maps;
  });
}

interface ScoredTarget extends ResolvedTarget {
  /** The scores of the class, one per row. */
  readonly values: Float64Array;
}

interface Sampling {
  readonly image: LimeImage;
  readonly segments: Segments;
  readonly rows: readonly Uint8Array[];
  readonly scorer: BatchScorer;
  readonly settings: LimeSettings;
  readonly options: LimeOptions;
  readonly report: (done: number) => void;
}

async function scoreRows({image, segments, rows, scorer, settings, options, report}: Sampling): Promise<ScoredTarget[]> {
  const colours = hidingColours(image, segments, settings.hideColor);
  let targets: ScoredTarget[] = [];
  let width = 0;
  const score = async ({first, count}: Part): Promise<Part & BatchScores> => {
    const copies = hideSegments(image.values, colours, segments, rows.slice(first, first + count));
    return {first, count, ...(await scorer.scoreOnce(tensor4d(copies, [count, ...image.shape])))};
  };
  const {threads} = scorer;
  const parts = partsOf(rows.length, settings.batchSize, threads);
  for await (const {first, count, values, numClasses} of inOrder(parts, score, {threads, signal: options.signal})) {
    if (first === 0) {
      width = numClasses;
      // The first row is the image itself.
      const [resolved = []] = resolveTargets('lime', options.target, {values: values.subarray(0, numClasses), numClasses});
      targets = resolved.map((each) => ({...each, values: new Float64Array(rows.length)}));
    }
    if (numClasses !== width)
      throw new RangeError(`lime: the model must score the same classes every time, but gave ${width} and then ${numClasses}.`);
    for (const {target, values: scores} of targets) {
      for (let index = 0; index < count; index++) scores[first + index] = values[index * numClasses + target] as number;
    }
    report(first + count);
  }
  return targets;
}

function mapOf(target: number, score: number, fit: LimeFit, segments: Segments, settings: LimeSettings): LimeMap {
  const {labels, height, width, numSegments} = segments;
  const weights = new Float32Array(numSegments);
  for (const [segment, weight] of fit.coefficients) weights[segment] = weight;
  const empty = weights.every((weight) => weight === weights[0]);
  return {
    data: Float32Array.from(labels, (label) => (empty ? 0 : (weights[label] as number))),
    height,
    width,
    target,
    score,
    method: 'lime',
    seed: settings.seed,
    options: recordOf(settings),
    empty,
    ...fit,
    segments,
    numSamples: settings.numSamples,
    warnings: limeWarnings(numSegments, settings),
  };
}
