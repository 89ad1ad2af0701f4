/**
 * SmoothGrad (Smilkov et al. 2017): the gradient averaged over copies of the image with noise, since the
 * gradient at one point fluctuates from pixel to pixel. `'squared'` averages its square (Hooker et al.
 * 2019), which gradients of opposite sign do not cancel. Every copy has a stream of random numbers of
 * its own, so that the maps depend on neither batch size nor neighbours.
 */
import {tensor4d} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {installTrainingKernels} from '../../tfjs/install-training-kernels.js';
import {checkInteger, checkNumber, checkOneOf} from '../../core/check.js';
import {Random} from '../../core/random.js';
import type {Explainer, ImagesInput, SaliencyMap, Teacher} from '../../core/types.js';
import {overImageBatches, type ImageBatch} from '../../queries/image-batches.js';
import {gradientModel, type GradientModel} from '../../models/gradient-model.js';
import {resolveTargets, type ResolvedTarget} from '../../models/targets.js';
import {channelReductions, readAndFree, reduceChannels} from './channels.js';
import {settle} from '../_settle.js';
import {countImages} from '../../data/image-list.js';
import {explainerOf} from '../_explainer-of.js';
import type {GradientSaliencyOptions} from './gradient-saliency.js';

/** Options of {@link smoothGrad}. */
export interface SmoothGradOptions extends GradientSaliencyOptions {
  /** Standard deviation of the noise as a part of the image's range (max − min of its values), 0 or above; the paper takes 0.1 to 0.2. @default 0.15 */
  readonly noiseLevel?: number | undefined;
  /** Noisy copies per image, at least 1; the paper sees little change beyond 50. @default 25 */
  readonly numSamples?: number | undefined;
  /** What is averaged: gradients, or their squares (then `reduce` must be `'max-abs'` or `'sum-abs'`). @default 'mean' */
  readonly variant?: 'mean' | 'squared' | undefined;
  /** Noisy copies per call of the model, at least 1. Changes memory and speed, not the maps. @default 8 */
  readonly batchSize?: number | undefined;
}

/**
 * Draws SmoothGrad maps: `mean over n of ∂z_c(x + noise_n)/∂x`, noise normal with standard deviation
 * `noiseLevel · (max x − min x)`; the mean is taken with its sign and per channel, and reduced over
 * channels afterwards as by {@link gradientSaliency} (the reverse order of taking |g| first is another
 * method). Class and score are those of the image without noise; all classes see the same copies.
 *
 * @param images Tensors as the network sees them, `[H,W,C]` or `[N,H,W,C]`, or decoded pictures if
 *   `model` is a Teacher with preprocessing; one or an array. Borrowed.
 * @param model A LayersModel that is a classifier, or any Teacher whose `logits` are differentiable. Borrowed.
 * @returns One map per image and class, image by image; `height · width` values at the scale of the
 *   gradient (of its square for `'squared'`). A flat map is zeros, with `empty: true`. Plain numbers,
 *   nothing to free.
 * @throws {UnsupportedModelError} If the model is no classifier or has no gradient (a GraphModel, a score
 *   function).
 * @throws {RangeError} If an option or the target is out of range, `'squared'` meets a signed `reduce`, or
 *   a map is not finite. Aborting rejects with the signal's reason.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @see Smilkov et al. 2017, equation of section 2.1; for the square Hooker et al. 2019.
 * @example
 * const [map] = await smoothGrad(image, teacher, {numSamples: 50, seed: 7});
 */
export async function smoothGrad(
  images: ImagesInput,
  model: LayersModel | Teacher,
  options: SmoothGradOptions = {},
): Promise<SaliencyMap[]> {
  const {
    reduce = 'max-abs',
    noiseLevel = 0.15,
    numSamples = 25,
    variant = 'mean',
    batchSize = 8,
    seed = 0,
    target,
    signal,
    onProgress,
  } = options;
  const where = 'smoothGrad';
  checkOneOf(`${where}: variant`, variant, ['mean', 'squared']);
  checkOneOf(`${where}: reduce`, reduce, variant === 'squared' ? ['max-abs', 'sum-abs'] : channelReductions);
  checkNumber(`${where}: noiseLevel`, noiseLevel, 0);
  checkInteger(`${where}: numSamples`, numSamples, 1);
  checkInteger(`${where}: batchSize`, batchSize, 1);
  checkInteger(`${where}: seed`, seed, 0, 0xffffffff);
  signal?.throwIfAborted();
  installTrainingKernels();
  const classifier = gradientModel(where, model);
  const record = {reduce, noiseLevel, numSamples, variant, batchSize, target: target ?? 'argmax', logit: classifier.logit};
  const total = countImages(images) * numSamples;

  const drawOne = async ({images: image, first}: ImageBatch): Promise<SaliencyMap[]> => {
    const wanted = resolveTargets(where, target, await classifier.score(image))[0] as ResolvedTarget[];
    const [, height, width, channels] = image.shape;
    const values = await image.data<'float32'>();
    const deviation = noiseLevel * rangeOf(values);
    const random = new Random(seed).split('smooth-grad').split(first);
    const sums = wanted.map(() => new Float64Array(values.length));
    for (let from = 0; from < numSamples; from += batchSize) {
      const count = Math.min(batchSize, numSamples - from);
      const copies = noisyCopies(values, deviation, random, from, count);
      const add = (rank: number, gradients: Float32Array): void => {
        const sum = sums[rank] as Float64Array;
        gradients.forEach((gradient, at) => {
          const pixel = at % values.length;
          sum[pixel] = (sum[pixel] as number) + (variant === 'squared' ? gradient * gradient : gradient);
        });
      };
      await gradientsOfCopies(classifier, copies, [count, height, width, channels], wanted, signal, add);
      onProgress?.({stage: where, done: first * numSamples + from + count, total});
    }
    return wanted.map((each, rank) => {
      const mean = (sums[rank] as Float64Array).map((sum) => sum / numSamples);
      const data = reduceChannels(mean, channels, reduce, values);
      const empty = settle(where, data, false);
      return {data, height, width, ...each, method: 'smooth-grad', seed, options: record, empty};
    });
  };
  return overImageBatches(images, {where, batchSize: 1, signal, toInput: classifier.toInput}, drawOne);
}

/**
 * Binds {@link smoothGrad} to a model and options; options of a call go before these.
 *
 * @returns An explainer; it holds no tensors.
 * @example
 * const explainer = smoothGradExplainer(teacher, {numSamples: 50});
 */
export function smoothGradExplainer(model: LayersModel | Teacher, options: SmoothGradOptions = {}): Explainer {
  return explainerOf('smooth-grad', options, (images, all) => smoothGrad(images, model, all));
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
    for (let at = 0; at < values.length; at++) copies[copy * values.length + at] = (values[at] as number) + deviation * noise.normal();
  }
  return copies;
}

async function gradientsOfCopies(
  classifier: GradientModel,
  copies: Float32Array,
  shape: [number, number, number, number],
  wanted: readonly ResolvedTarget[],
  signal: AbortSignal | undefined,
  add: (rank: number, gradients: Float32Array) => void,
): Promise<void> {
  const batch = tensor4d(copies, shape);
  try {
    for (const [rank, {target}] of wanted.entries()) {
      signal?.throwIfAborted();
      add(
        rank,
        await readAndFree(
          classifier.gradient(
            batch,
            Array.from({length: shape[0]}, () => target),
          ),
        ),
      );
    }
  } finally {
    batch.dispose();
  }
}
