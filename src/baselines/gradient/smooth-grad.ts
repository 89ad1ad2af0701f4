/**
 * SmoothGrad (Smilkov et al. 2017): the gradient averaged over copies of the image with noise, since the
 * gradient at one point fluctuates from pixel to pixel. `'squared'` averages its square (Hooker et al.
 * 2019), which gradients of opposite sign do not cancel. Every copy has a stream of random numbers of
 * its own, so that the maps depend on neither batch size nor neighbours.
 */
import {tensor4d} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {batchSizeField, progressField, seedField, signalField, targetField} from '../../core/common-options.js';
import {integer, number, oneOf, withDefault} from '../../core/fields.js';
import {recordOptions} from '../../core/option-record.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {Random} from '../../core/random.js';
import {settleValues} from '../../core/saliency-map.js';
import type {Explainer, ExplainerOptions, ImagesInput, Model, SaliencyMap, SeedOptions, Target} from '../../core/types.js';
import {checkImages} from '../../data/image-list.js';
import {gradientModel, type GradientModel} from '../../models/gradient-model.js';
import {checkTarget, resolveTargets, type ResolvedTarget} from '../../models/targets.js';
import {overImageBatches, type ImageBatch} from '../../queries/image-batches.js';
import {installTrainingKernels} from '../../tfjs/install-training-kernels.js';
import {explainerOf} from '../_explainer-of.js';
import {channelReductions, readAndFree, reduceChannels, type ChannelReduction} from './channels.js';

const WHERE = 'smoothGrad';
const METHOD = 'smooth-grad';

/** Options of {@link smoothGrad}. */
export interface SmoothGradOptions extends ExplainerOptions, SeedOptions {
  /**
   * How the channels of a pixel become one value, g the gradient and x the network's input: `'max-abs'`
   * the largest |g|; `'sum-abs'` Σ|g|; `'signed-sum'` Σ g; `'gradient-times-input'` Σ g·x. The last two are
   * negative where the pixel speaks against the class.
   * @default 'max-abs'
   */
  readonly reduce?: ChannelReduction | undefined;
  /** Standard deviation of the noise as a part of the image's range (max − min of its values), 0 or above; the paper takes 0.1 to 0.2. @default 0.15 */
  readonly noiseLevel?: number | undefined;
  /** Random samples per image, here noisy copies, at least 1; the paper sees little change beyond 50. @default 25 */
  readonly numSamples?: number | undefined;
  /** What is averaged: gradients, or their squares (then `reduce` must be `'max-abs'` or `'sum-abs'`). @default 'mean' */
  readonly variant?: 'mean' | 'squared' | undefined;
}

type SmoothGradSettings = Settled<SmoothGradOptions, 'signal' | 'onProgress'>;

/** The options of {@link smoothGrad}. */
export const smoothGradSchema: OptionsSchema<SmoothGradSettings> = {
  where: WHERE,
  fields: {
    target: targetField,
    reduce: withDefault(oneOf(...channelReductions), 'max-abs'),
    noiseLevel: withDefault(number(0), 0.15),
    numSamples: withDefault(integer(1), 25),
    variant: withDefault(oneOf('mean', 'squared'), 'mean'),
    batchSize: batchSizeField,
    seed: seedField,
    signal: signalField,
    onProgress: progressField,
  },
};

/**
 * Draws SmoothGrad maps: `mean over n of ∂z_c(x + noise_n)/∂x`, noise normal with standard deviation
 * `noiseLevel · (max x − min x)`; the mean is taken with its sign and per channel, and reduced over
 * channels afterwards as by {@link gradientSaliency} (the reverse order of taking |g| first is another
 * method). Class and score are those of the image without noise; all classes see the same copies, and an image
 * gets the same noise alone and among others.
 *
 * @param images Tensors as the network sees them, `[H,W,C]` or `[N,H,W,C]`, or decoded pictures if
 *   `model` is a Teacher with preprocessing; one or an array. Borrowed.
 * @param model A LayersModel or GraphModel that is a classifier, or any Teacher whose `logits` are differentiable. Borrowed.
 * @returns One map per image and class, image by image; `height · width` values at the scale of the
 *   gradient (of its square for `'squared'`). A flat map is zeros, with `empty: true`. Plain numbers,
 *   nothing to free.
 * @throws {UnsupportedModelError} If the model is no classifier or has no gradient (a score function).
 * @throws {RangeError} If an option or the target is out of range, `'squared'` meets a signed `reduce`, or
 *   a map is not finite. Aborting rejects with the signal's reason.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @see Smilkov et al. 2017, equation of section 2.1; for the square Hooker et al. 2019.
 * @example
 * const [map] = await smoothGrad(image, teacher, {numSamples: 50, seed: 7});
 */
export async function smoothGrad(images: ImagesInput, model: Model, options?: SmoothGradOptions): Promise<SaliencyMap[]> {
  const settings = smoothGradSettings(options);
  const {reduce, numSamples, seed, target, signal, onProgress} = settings;
  const numImages = checkImages(WHERE, images);
  checkTarget(WHERE, target, numImages);
  signal?.throwIfAborted();
  installTrainingKernels();
  const classifier = gradientModel(WHERE, model);
  const record = recordOptions(settings, {logit: classifier.logit});

  const drawOne = async ({images: image, first}: ImageBatch): Promise<SaliencyMap[]> => {
    const wanted = at(resolveTargets(WHERE, target, await classifier.score(image, target), first), 0);
    const [, height, width, channels] = image.shape;
    const values = await image.data<'float32'>();
    const report = (done: number): void => onProgress?.({stage: WHERE, done: first * numSamples + done, total: numImages * numSamples});
    const means = await meanGradients(classifier, {values, shape: [height, width, channels], wanted, settings, report});
    return wanted.map((each, rank) => ({
      ...settleValues(WHERE, reduceChannels(at(means, rank), channels, reduce, values)),
      height,
      width,
      ...each,
      method: METHOD,
      seed,
      options: record,
    }));
  };
  return overImageBatches(images, {where: WHERE, batchSize: 1, signal, toInput: classifier.toInput}, drawOne);
}

/**
 * Binds {@link smoothGrad} to a model and options; options of a call go before these.
 *
 * @returns An explainer; it holds no tensors.
 * @example
 * const explainer = smoothGradExplainer(teacher, {numSamples: 50});
 */
export function smoothGradExplainer(model: Model, options: SmoothGradOptions = {}): Explainer {
  const binding = {method: METHOD, schema: smoothGradSchema, model, options, check: smoothGradSettings};
  return explainerOf(binding, (images, all) => smoothGrad(images, model, all));
}

function smoothGradSettings(options: SmoothGradOptions | undefined): SmoothGradSettings {
  const settings = readOptions(smoothGradSchema, options);
  const {variant, reduce} = settings;
  if (variant === 'squared' && reduce !== 'max-abs' && reduce !== 'sum-abs') {
    throw new RangeError(`${WHERE}: reduce must be one of 'max-abs', 'sum-abs' where variant is 'squared', but is '${reduce}'.`);
  }
  return settings;
}

interface NoisyImage {
  /** Of the image without noise. */
  readonly values: Float32Array;
  readonly shape: readonly [number, number, number];
  readonly wanted: readonly ResolvedTarget[];
  readonly settings: SmoothGradSettings;
  readonly report: (done: number) => void;
}

/** The mean gradient of all copies, or of their squares, per target; in double precision. */
async function meanGradients(classifier: GradientModel, {values, shape, wanted, settings, report}: NoisyImage): Promise<Float64Array[]> {
  const {noiseLevel, numSamples, variant, batchSize, seed, target, signal} = settings;
  const deviation = noiseLevel * rangeOf(values);
  const random = new Random(seed).split('smooth-grad');
  const sums = wanted.map(() => new Float64Array(values.length));
  for (let from = 0; from < numSamples; from += batchSize) {
    const count = Math.min(batchSize, numSamples - from);
    const batch = tensor4d(noisyCopies(values, deviation, random, from, count), [count, ...shape]);
    try {
      for (const [rank, each] of wanted.entries()) {
        signal?.throwIfAborted();
        const gradients = await readAndFree(classifier.gradient(batch, explainedFor(target, each, count)));
        const sum = at(sums, rank);
        gradients.forEach((gradient, place) => {
          const pixel = place % values.length;
          sum[pixel] = at(sum, pixel) + (variant === 'squared' ? gradient * gradient : gradient);
        });
      }
    } finally {
      batch.dispose();
    }
    report(from + count);
  }
  return sums.map((sum) => sum.map((value) => value / numSamples));
}

function explainedFor(target: Target, {target: chosen}: ResolvedTarget, count: number): Parameters<GradientModel['gradient']>[1] {
  return typeof target === 'function' ? target : Array.from({length: count}, () => chosen);
}

function rangeOf(values: Float32Array): number {
  const high = values.reduce((most, value) => Math.max(most, value), -Infinity);
  return high - values.reduce((least, value) => Math.min(least, value), Infinity);
}

/** Copies `from` … `from + count − 1` of one image, each with the noise of its own stream. */
function noisyCopies(values: Float32Array, deviation: number, random: Random, from: number, count: number): Float32Array {
  const copies = new Float32Array(count * values.length);
  for (let copy = 0; copy < count; copy++) {
    const noise = random.split(from + copy);
    for (let place = 0; place < values.length; place++)
      copies[copy * values.length + place] = at(values, place) + deviation * noise.normal();
  }
  return copies;
}
