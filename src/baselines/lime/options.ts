/** The options of LIME, checked, with their defaults. */
import {checkInteger, checkNumber, checkOneOf, show} from '../../core/check.js';
import type {DecodedImage, ExplainerOptions, WorkerOptions} from '../../core/types.js';
import type {FeatureSelection} from './feature-selection.js';
import type {LabelMap} from './superpixels/segments.js';

/** Cuts a picture of the network's size; `index` counts the images of the call from 0. */
export type SegmentFn = (picture: DecodedImage, index: number) => LabelMap | Promise<LabelMap>;

/** How an image is cut: by a named method with its defaults, a label map for all images, or a function. */
export type Segmenter = 'quickshift' | 'slic' | 'grid' | LabelMap | SegmentFn;

/** Options of `lime`. The defaults are those of marcotcr/lime. */
export interface LimeOptions extends ExplainerOptions, WorkerOptions {
  /** Neighbours of the image that are scored, itself included, at least 2. @default 1000 */
  readonly numSamples?: number | undefined;
  /**
   * How images are cut. For other settings of a method pass a function:
   * `(picture) => slic(picture, {numSegments: 60})`. Labels may be any whole numbers. Quickshift as LIME
   * sets it looks 12 pixels around and is made for images of 200 and more; small ones want a grid,
   * slic, or a smaller `kernelSize`.
   * @default 'quickshift'
   */
  readonly segmenter?: Segmenter | undefined;
  /**
   * What hides a segment: `null` for its own mean colour, cut to whole numbers in a picture of bytes;
   * or a constant, one or per channel of the network, in the values of the image that was passed:
   * 0–255 for a decoded picture, the network's for a tensor.
   * @default null
   */
  readonly hideColor?: number | readonly number[] | null | undefined;
  /** Above 0; neighbours count as `√exp(−distance² / kernelWidth²)`. @default 0.25 */
  readonly kernelWidth?: number | undefined;
  /** Segments in the local model, at least 1. @default Infinity, all */
  readonly numFeatures?: number | undefined;
  /** How these are chosen. @default 'auto' */
  readonly featureSelection?: FeatureSelection | undefined;
  /** Penalty of the ridge regression, at least 0. @default 1 */
  readonly alpha?: number | undefined;
  /** Images per call of the model, at least 1. Changes memory and speed, not the result. @default 32 */
  readonly batchSize?: number | undefined;
}

/** All options that decide the result, and the size of a batch. */
export interface LimeSettings {
  readonly numSamples: number;
  readonly segmenter: Segmenter;
  readonly hideColor: number | readonly number[] | null;
  readonly kernelWidth: number;
  readonly numFeatures: number;
  readonly featureSelection: FeatureSelection;
  readonly alpha: number;
  readonly batchSize: number;
  readonly seed: number;
}

/**
 * Fills in and checks.
 *
 * @throws {TypeError} If an option is of the wrong kind.
 * @throws {RangeError} If one is out of range.
 */
export function limeSettings(options: LimeOptions): LimeSettings {
  const {numSamples = 1000, segmenter = 'quickshift', hideColor = null, kernelWidth = 0.25, numFeatures = Infinity} = options;
  const {featureSelection = 'auto', alpha = 1, batchSize = 32, seed = 0} = options;
  checkInteger('lime: numSamples', numSamples, 2);
  if (typeof segmenter === 'string') checkOneOf('lime: segmenter', segmenter, ['quickshift', 'slic', 'grid']);
  else if (typeof segmenter !== 'function' && typeof (segmenter as LabelMap | null)?.labels !== 'object') {
    throw new TypeError(`lime: segmenter must be a name, {labels, height, width} or a function, but is ${show(segmenter)}.`);
  }
  for (const value of [hideColor ?? []].flat()) checkNumber('lime: hideColor', value);
  checkNumber('lime: kernelWidth', kernelWidth, Number.MIN_VALUE);
  if (numFeatures !== Infinity) checkInteger('lime: numFeatures', numFeatures, 1);
  checkOneOf('lime: featureSelection', featureSelection, ['auto', 'forward-selection', 'highest-weights', 'none']);
  checkNumber('lime: alpha', alpha, 0);
  checkInteger('lime: batchSize', batchSize, 1);
  checkInteger('lime: seed', seed, 0, 0xffffffff);
  return {numSamples, segmenter, hideColor, kernelWidth, numFeatures, featureSelection, alpha, batchSize, seed};
}

/** The settings as a map records them: plain values, the segmenter by name; the seed has its own place. */
export function recordOf({
  segmenter,
  numFeatures,
  numSamples,
  hideColor,
  kernelWidth,
  featureSelection,
  alpha,
  batchSize,
}: LimeSettings): Readonly<Record<string, unknown>> {
  const name = typeof segmenter === 'string' ? segmenter : typeof segmenter === 'function' ? 'function' : 'labels';
  const features = Number.isFinite(numFeatures) ? numFeatures : 'all';
  return {numSamples, segmenter: name, hideColor, kernelWidth, numFeatures: features, featureSelection, alpha, batchSize};
}
