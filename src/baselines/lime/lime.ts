/**
 * LIME for images (Ribeiro et al. 2016, as in marcotcr/lime): hide random segments of the image, look
 * at the scores, and fit a linear model whose coefficients say what each segment adds. Unlike there,
 * one seed decides everything, and images keep their channels: no grey becomes RGB.
 */
import {tensor4d, type Tensor4D} from '@tensorflow/tfjs-core';
import {onBackend} from '../../backend/on-backend.js';
import {at} from '../../core/at.js';
import {recordOptions} from '../../core/option-record.js';
import {readOptions} from '../../core/options.js';
import {Random} from '../../core/random.js';
import {settleValues} from '../../core/saliency-map.js';
import type {Explainer, ImagesInput, Model, SaliencyMap} from '../../core/types.js';
import {checkImages} from '../../data/image-list.js';
import {checkTarget, columnOf, resolveTargets, type ResolvedTarget} from '../../models/targets.js';
import {batchScorer, type BatchScorer} from '../../queries/batch-scorer.js';
import {recordFill, type Fill} from '../../queries/fill.js';
import {query} from '../../queries/query.js';
import {explainerOf} from '../_explainer-of.js';
import {fitLime, type LimeFit} from './_fit.js';
import {baselineOf, readImage, segmentImage, type LimeImage} from './_image.js';
import {cosineDistance, effectiveRows, hideSegments, kernelWeight, sampleRow} from './_neighbors.js';
import {limeSchema, type LimeOptions, type LimeSettings} from './options.js';
import {designOf} from './ridge.js';
import type {Segments} from './superpixels/segments.js';

const WHERE = 'lime';
// The rule of thumb of LIME's authors.
const SAMPLES_PER_SEGMENT = 10;
// As many as `limeMask` marks unless told otherwise.
const SHOWN_FEATURES = 5;

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
 * @param model A LayersModel, Teacher or GraphModel (probabilities are explained), or a score
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
export async function lime(images: ImagesInput, model: Model, options?: LimeOptions): Promise<LimeMap[]> {
  const settings = readOptions(limeSchema, options);
  const {numSamples, target, signal, onProgress} = settings;
  const numImages = checkImages(WHERE, images);
  checkTarget(WHERE, target, numImages);
  const scorer = batchScorer(WHERE, model, settings);
  return onBackend(WHERE, async () => {
    const maps: LimeMap[] = [];
    for (let index = 0; index < numImages; index++) {
      signal?.throwIfAborted();
      const report = (done: number): void => onProgress?.({stage: WHERE, done: index * numSamples + done, total: numImages * numSamples});
      const image = await readImage(images, index, scorer, model);
      maps.push(...(await explainOne(image, {index, scorer, settings, report}).finally(() => image.input.dispose())));
    }
    return maps;
  });
}

/**
 * Binds LIME to a model and options, for code that compares explainers; options of a call go before these.
 *
 * @returns An explainer whose maps are `LimeMap`s.
 * @example
 * const maps = await limeExplainer(teacher, {numSamples: 500}).explain(images, {target: 3});
 */
export function limeExplainer(model: Model, options: LimeOptions = {}): Explainer {
  return explainerOf({method: WHERE, schema: limeSchema, model, options}, (images, all) => lime(images, model, all));
}

interface Run {
  /** Number of the image. */
  readonly index: number;
  readonly scorer: BatchScorer;
  readonly settings: LimeSettings;
  readonly report: (done: number) => void;
}

async function explainOne(image: LimeImage, run: Run): Promise<LimeMap[]> {
  const {index, settings} = run;
  const segments = await segmentImage(image.picture, index, settings);
  const {rows, targets} = await scoreRows(image, segments, run);
  const weights = rows.map((row) => kernelWeight(cosineDistance(row), settings.kernelWidth));
  const design = designOf(rows, weights);
  const warnings = warningsOf(segments.numSegments, effectiveRows(weights), settings);
  return targets.map(({values, ...resolved}) => ({
    ...mapOf(resolved, fitLime(design, values, settings), segments, settings),
    warnings,
  }));
}

interface ScoredTarget extends ResolvedTarget {
  /** What is explained, one value per row. */
  readonly values: Float64Array;
}

interface ScoredRows {
  readonly rows: readonly Uint8Array[];
  readonly targets: readonly ScoredTarget[];
}

async function scoreRows(image: LimeImage, segments: Segments, {index, scorer, settings, report}: Run): Promise<ScoredRows> {
  const {numSamples, seed, target, batchSize, signal} = settings;
  const baseline = await baselineOf(image, segments, settings.fill);
  const random = new Random(seed).split('lime');
  // Drawn batch by batch, so that a run of very many can be stopped before they are all there.
  const rows: Uint8Array[] = [];
  const build = (first: number, count: number): Tensor4D => {
    for (let row = first; row < first + count; row++) rows[row] = sampleRow(row, segments.numSegments, random);
    return tensor4d(hideSegments(image.values, baseline, segments, rows.slice(first, first + count)), [count, ...image.shape]);
  };
  let targets: ScoredTarget[] = [];
  for await (const {first, count, values, numClasses} of query({where: WHERE, scorer, total: numSamples, batchSize, build, signal})) {
    if (first === 0) {
      // The first row is the image itself.
      const [resolved = []] = resolveTargets(WHERE, target, {values: values.subarray(0, numClasses), numClasses}, index);
      targets = resolved.map((each) => ({...each, values: new Float64Array(numSamples)}));
    }
    for (const each of targets) {
      for (let row = 0; row < count; row++) each.values[first + row] = at(values, row * numClasses + columnOf(each));
    }
    report(first + count);
  }
  return {rows, targets};
}

function mapOf(resolved: ResolvedTarget, fit: LimeFit, segments: Segments, settings: LimeSettings): Omit<LimeMap, 'warnings'> {
  const {labels, height, width, numSegments} = segments;
  const {fill, segmenter, seed, numSamples} = settings;
  const weights = new Float32Array(numSegments);
  for (const [segment, weight] of fit.coefficients) weights[segment] = weight;
  const record = {
    fill: fill === 'segment-mean' ? fill : recordFill(fill as Fill),
    segmenter: typeof segmenter === 'object' ? 'labels' : segmenter,
  };
  return {
    ...settleValues(
      WHERE,
      Float32Array.from(labels, (label) => at(weights, label)),
    ),
    height,
    width,
    ...resolved,
    method: WHERE,
    seed,
    options: recordOptions(settings, record),
    ...fit,
    segments,
    numSamples,
  };
}

/**
 * Lists the doubts: fewer than 10 samples per segment, hardly one of them near enough to count, and so few
 * segments that those that are shown are most of the image.
 */
function warningsOf(numSegments: number, effective: number, {numSamples, numFeatures, kernelWidth}: LimeSettings): string[] {
  const warnings: string[] = [];
  const wanted = SAMPLES_PER_SEGMENT * numSegments;
  if (numSamples < wanted) {
    warnings.push(
      `${numSamples} samples are few for ${numSegments} segments: another seed may give other weights. Take numSamples: ${wanted}, or larger segments.`,
    );
  }
  if (effective < Math.min(numSegments, numSamples / 2)) {
    warnings.push(
      `kernelWidth ${kernelWidth} is narrow: ${numSamples} samples count as much as ${effective.toFixed(1)} would, fewer than the ${numSegments} segments. Take a wider one; 0.25 is usual.`,
    );
  }
  const shown = Number.isFinite(numFeatures) ? numFeatures : SHOWN_FEATURES;
  if (numSegments < 2 * shown) {
    warnings.push(
      `${numSegments} segments are few when ${shown} of them are shown: they cover most of the image. Cut it finer (segmenter: 'slic' or 'grid', or quickshift with a smaller kernelSize).`,
    );
  }
  return warnings;
}
