/**
 * What LIME needs to know of an image: the values that the network sees, a picture that is cut into
 * segments, and the baseline image behind which they are hidden.
 */
import {Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {inTurns} from '../../core/in-turns.js';
import {channelValue, colourOf} from '../../core/preprocessing.js';
import type {DecodedImage, ImageInput, ImagesInput, Model, Preprocessing} from '../../core/types.js';
import {toDisplayPixels} from '../../data/display-pixels.js';
import type {ScoreModel} from '../../models/score-model.js';
import {finiteBaseline} from '../../queries/fill.js';
import {finiteInput} from '../../queries/finite-input.js';
import {meanColours, spreadColours} from './_neighbors.js';
import type {LimeSettings} from './options.js';
import {gridSegments} from './superpixels/grid.js';
import {quickshiftInTurns} from './superpixels/quickshift.js';
import {relabelled, type Segments} from './superpixels/segments.js';
import {slicInTurns} from './superpixels/slic.js';

const WHERE = 'lime';

/** One image, read. */
export interface LimeImage {
  /** `[1,H,W,C]` as the network sees it; the caller's. */
  readonly input: Tensor4D;
  /** The same, `height · width · channels` values. */
  readonly values: Float32Array;
  /** `[height, width, channels]`. */
  readonly shape: readonly [number, number, number];
  /** The same, as grey or RGB in 0–255. */
  readonly picture: DecodedImage;
  /** Set where a decoded picture was passed: how its pixels became values, and whether they were bytes. */
  readonly pixels?: {readonly preprocessing: Preprocessing; readonly bytes: boolean} | undefined;
}

/**
 * Reads image `index`. The picture is the image as the network sees it, at its size: preprocessing
 * undone where a Teacher says how, otherwise with its range of values, over all channels, stretched
 * to 0–255. Any other number of channels than 1 or 3 is averaged to grey first.
 */
export async function readImage(images: ImagesInput, index: number, scorer: ScoreModel, model: Model): Promise<LimeImage> {
  const source = Array.isArray(images) ? (images[index] as ImageInput) : (images as ImageInput);
  const input = await finiteInput(WHERE, images, index, index + 1, scorer);
  try {
    const shape = input.shape.slice(1) as [number, number, number];
    const values = Float32Array.from(await input.data());
    const preprocessing = typeof model === 'object' && 'logits' in model ? model.preprocessing : undefined;
    const shown = preprocessing !== undefined && (shape[2] === 1 || shape[2] === 3);
    const picture = shown ? await toDisplayPixels(input, preprocessing) : stretchedPixels(values, shape);
    const pixels =
      preprocessing === undefined || source instanceof Tensor
        ? undefined
        : {preprocessing, bytes: !('data' in source && source.data instanceof Float32Array)};
    return {input, values, shape, picture, pixels};
  } catch (error) {
    input.dispose();
    throw error;
  }
}

/**
 * Runs the segmenter; what a caller's label map or function gives is relabelled.
 *
 * @throws {RangeError} If the label map has another size than the network's image.
 */
export async function segmentImage(picture: DecodedImage, index: number, {segmenter, seed, signal}: LimeSettings): Promise<Segments> {
  const {height, width} = picture;
  if (segmenter === 'quickshift') return inTurns(quickshiftInTurns(picture, {seed}), signal);
  if (segmenter === 'slic') return inTurns(slicInTurns(picture), signal);
  if (segmenter === 'grid') return gridSegments(height, width, {numSegments: Math.min(64, height * width)});
  const given = typeof segmenter === 'function' ? await segmenter(picture, index) : segmenter;
  const segments = relabelled(`${WHERE}: segmenter`, given);
  if (segments.height !== height || segments.width !== width) {
    throw new RangeError(
      `${WHERE}: segmenter must give the size of the network's image, ${height}×${width} (height×width), but gave ${segments.height}×${segments.width}.`,
    );
  }
  return segments;
}

/**
 * Returns the baseline image, `height · width · channels` values as the network sees them.
 *
 * @throws {RangeError} If a colour has another number of channels than the network, or a tensor another size.
 */
export async function baselineOf(image: LimeImage, segments: Segments, fill: LimeSettings['fill']): Promise<ArrayLike<number>> {
  if (fill === 'segment-mean') return spreadColours(segmentColours(image, segments), segments);
  const {pixels, shape} = image;
  const isColour = typeof fill === 'number' || Array.isArray(fill);
  const channels = shape[2];
  const seen =
    isColour && pixels !== undefined
      ? Array.from({length: channels}, (_, channel) => {
          const list = [fill].flat() as readonly number[];
          // A picture's colours are red, green, blue, whatever order the network wants.
          const colour = list.length === 1 ? at(list, 0) : list[channels === 3 ? colourOf(pixels.preprocessing, channel) : channel];
          return valueOf(pixels.preprocessing, colour ?? NaN, channel);
        })
      : fill;
  if (isColour && typeof fill !== 'number' && fill.length !== channels) {
    throw new RangeError(`${WHERE}: fill must be one value or ${channels}, one per channel of the network, but has ${fill.length}.`);
  }
  const made = await finiteBaseline(WHERE, seen, image.input);
  try {
    return Float32Array.from(await made.data());
  } finally {
    made.dispose();
  }
}

/** The mean colour of each segment, as the network sees it. */
function segmentColours({values, shape: [, , channels], picture, pixels}: LimeImage, segments: Segments): Float64Array {
  // Preprocessing is linear, so the mean of the values is the value of the mean; only cutting it
  // to whole numbers needs the pixels.
  if (pixels?.bytes !== true) return meanColours(values, segments, channels, false);
  const means = meanColours(picture.data, segments, channels, true);
  return means.map((_, place) => {
    const channel = place % channels;
    const from = channels === 3 ? place - channel + colourOf(pixels.preprocessing, channel) : place;
    return valueOf(pixels.preprocessing, at(means, from), channel);
  });
}

/** What the network sees of a pixel's value in 0–255. */
function valueOf({scale, mean, std}: Preprocessing, pixel: number, channel: number): number {
  return (pixel * scale - channelValue('lime', mean, channel)) / channelValue('lime', std, channel);
}

function stretchedPixels(values: Float32Array, [height, width, channels]: LimeImage['shape']): DecodedImage {
  const shown = channels === 1 || channels === 3 ? values : averaged(values, channels);
  let [low, high] = [Infinity, -Infinity];
  for (const value of shown) {
    if (!Number.isFinite(value)) throw new RangeError(`${WHERE}: image must be finite, but holds ${value}.`);
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const factor = high > low ? 255 / (high - low) : 0;
  return {data: shown.map((value) => Math.min(255, Math.max(0, (value - low) * factor))), height, width, channels: channels === 3 ? 3 : 1};
}

function averaged(values: Float32Array, channels: number): Float32Array {
  const means = new Float32Array(values.length / channels);
  values.forEach((value, index) => {
    const pixel = Math.floor(index / channels);
    means[pixel] = at(means, pixel) + value / channels;
  });
  return means;
}
