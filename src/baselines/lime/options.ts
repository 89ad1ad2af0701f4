/** The options of LIME, checked, with their defaults. */
import {batchSizeField, progressField, seedField, signalField, targetField, workersField} from '../../core/common-options.js';
import {callback, custom, either, exactly, integer, number, oneOf, withDefault} from '../../core/fields.js';
import type {OptionsSchema, Settled} from '../../core/options.js';
import type {DecodedImage, ExplainerOptions, SeedOptions, WorkerOptions} from '../../core/types.js';
import {fillField, type Fill} from '../../queries/fill.js';
import type {FeatureSelection} from './feature-selection.js';
import type {LabelMap} from './superpixels/segments.js';

/** Cuts a picture of the network's size; `index` counts the images of the call from 0. */
export type SegmentFn = (picture: DecodedImage, index: number) => LabelMap | Promise<LabelMap>;

/** How an image is cut: by a named method with its defaults, a label map for all images, or a function. */
export type Segmenter = 'quickshift' | 'slic' | 'grid' | LabelMap | SegmentFn;

/** Options of `lime`. The defaults are those of marcotcr/lime. */
export interface LimeOptions extends ExplainerOptions, SeedOptions, WorkerOptions {
  /** Random samples per image, here neighbours that are scored, the image itself included; at least 2. @default 1000 */
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
   * What stands where pixels are hidden. `'segment-mean'`: the segment's own mean colour, cut to whole numbers in a picture of
   * bytes. A colour is in the values of the image that was passed: 0–255 for a decoded picture, the network's for a tensor.
   * @default 'segment-mean'
   */
  readonly fill?: 'segment-mean' | Fill | undefined;
  /** Neighbours count as `√exp(−distance² / kernelWidth²)`, at least 0.001. @default 0.25 */
  readonly kernelWidth?: number | undefined;
  /** Segments in the local model, at least 1, or Infinity. @default Infinity */
  readonly numFeatures?: number | undefined;
  /** How these are chosen. @default 'auto' */
  readonly featureSelection?: FeatureSelection | undefined;
  /** Penalty of the ridge regression, at least 0. @default 1 */
  readonly alpha?: number | undefined;
}

/** All options with their defaults. */
export type LimeSettings = Settled<LimeOptions, 'signal' | 'onProgress'>;

// Rows are kept for the fit, a byte per segment.
const MAX_SAMPLES = 1_000_000;

const labelMap = custom<LabelMap>('{labels, height, width}', (value) =>
  typeof value === 'object' && value !== null && 'labels' in value && 'height' in value && 'width' in value ? undefined : 'kind',
);

/** The options of `lime`. */
export const limeSchema: OptionsSchema<LimeSettings> = {
  where: 'lime',
  fields: {
    target: targetField,
    numSamples: withDefault(integer(2, MAX_SAMPLES), 1000),
    segmenter: withDefault<Segmenter, 'quickshift'>(
      either<Segmenter>(oneOf('quickshift', 'slic', 'grid'), labelMap, callback()),
      'quickshift',
    ),
    fill: withDefault<'segment-mean' | Fill, 'segment-mean'>(either(exactly('segment-mean'), fillField), 'segment-mean'),
    kernelWidth: withDefault(number(0.001), 0.25),
    numFeatures: withDefault<number, number>(either<number>(integer(1), exactly(Infinity)), Infinity),
    featureSelection: withDefault(oneOf('auto', 'forward-selection', 'highest-weights', 'none'), 'auto'),
    alpha: withDefault(number(0), 1),
    batchSize: batchSizeField,
    seed: seedField,
    workers: workersField,
    signal: signalField,
    onProgress: progressField,
  },
};
