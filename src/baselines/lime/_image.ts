/**
 * What LIME needs to know of an image: the values that the network sees, a picture that a segmenter
 * can cut, and the colours that hide its segments.
 */
import {Tensor} from '@tensorflow/tfjs-core';
import {channelValue, resolvePreprocessing} from '../../core/preprocessing.js';
import type {DecodedImage, ImageInput, ImagesInput, Preprocessing} from '../../core/types.js';
import {toDisplayPixels} from '../../data/display-pixels.js';
import {inputOf} from '../../data/image-list.js';
import type {BlackBoxModel, ScoreModel} from '../../models/score-model.js';
import {meanColours} from './_perturb.js';
import type {Segments} from './superpixels/segments.js';

/** One image, read. */
export interface LimeImage {
  /** `height · width · channels` values as the network sees them. */
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
export async function readImage(images: ImagesInput, index: number, scorer: ScoreModel, model: BlackBoxModel): Promise<LimeImage> {
  const source = Array.isArray(images) ? (images[index] as ImageInput) : (images as ImageInput);
  const input = inputOf(images, index, index + 1, scorer);
  try {
    const shape = input.shape.slice(1) as [number, number, number];
    const values = Float32Array.from(await input.data());
    const preprocessing = typeof model === 'object' && 'logits' in model ? model.preprocessing : undefined;
    const shown = preprocessing !== undefined && (shape[2] === 1 || shape[2] === 3);
    const picture = shown ? await toDisplayPixels(input, preprocessing) : stretchedPixels(values, shape);
    const pixels =
      preprocessing === undefined || source instanceof Tensor ? undefined : {preprocessing, bytes: !(source.data instanceof Float32Array)};
    return {values, shape, picture, pixels};
  } finally {
    input.dispose();
  }
}

/**
 * Returns the colour that hides each segment, as the network sees it: `numSegments · channels`.
 *
 * @throws {RangeError} If `hideColor` has another number of channels than the network.
 */
export function hidingColours(
  {values, shape, picture, pixels}: LimeImage,
  segments: Segments,
  hideColor: number | readonly number[] | null,
): Float64Array {
  const channels = shape[2];
  const toValue = (pixel: number, at: number): number => {
    if (pixels === undefined) return pixel;
    const {scale, mean, std} = resolvePreprocessing(pixels.preprocessing);
    return (pixel * scale - channelValue(mean, at % channels)) / channelValue(std, at % channels);
  };
  if (hideColor === null) {
    // Preprocessing is linear, so the mean of the values is the value of the mean; only cutting it
    // to whole numbers needs the pixels.
    return pixels?.bytes === true
      ? meanColours(picture.data, segments, channels, true).map(toValue)
      : meanColours(values, segments, channels, false);
  }
  const given = typeof hideColor === 'number' ? Array.from({length: channels}, () => hideColor) : hideColor;
  if (given.length !== channels) {
    throw new RangeError(`lime: hideColor must be one value or ${channels}, one per channel of the network, but has ${given.length}.`);
  }
  return Float64Array.from({length: segments.numSegments * channels}, (_, at) => toValue(given[at % channels] as number, at));
}

function stretchedPixels(values: Float32Array, [height, width, channels]: LimeImage['shape']): DecodedImage {
  const shown = channels === 1 || channels === 3 ? values : averaged(values, channels);
  let [low, high] = [Infinity, -Infinity];
  for (const value of shown) {
    if (!Number.isFinite(value)) throw new RangeError(`lime: image must be finite, but holds ${value}.`);
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
    means[pixel] = (means[pixel] as number) + value / channels;
  });
  return means;
}
