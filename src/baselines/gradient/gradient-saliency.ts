/**
 * Gradient saliency (Simonyan, Vedaldi & Zisserman 2013): which pixels would change the class logit if they
 * changed a little. One pass forward and one back. It shows what the network is sensitive to, which is
 * not the same as what it saw; the maps are grainy, and {@link smoothGrad} averages the grain away.
 */
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {installTrainingKernels} from '../../tfjs/install-training-kernels.js';
import {checkOneOf} from '../../core/check.js';
import type {Explainer, ExplainerOptions, ImagesInput, SaliencyMap, Teacher} from '../../core/types.js';
import {overImageBatches, type ImageBatch} from '../../queries/image-batches.js';
import {gradientModel} from '../../models/gradient-model.js';
import {resolveTargets, type ResolvedTarget} from '../../models/targets.js';
import {channelReductions, readAndFree, reduceChannels, type ChannelReduction} from './channels.js';
import {settle} from '../_settle.js';
import {explainerOf} from '../_explainer-of.js';

/** Options of {@link gradientSaliency}. */
export interface GradientSaliencyOptions extends ExplainerOptions {
  /**
   * How the channels of a pixel become one value, g the gradient and x the network's input: `'max-abs'`
   * the largest |g|; `'sum-abs'` Σ|g|; `'signed-sum'` Σ g; `'gradient-times-input'` Σ g·x. The last two are
   * negative where the pixel speaks against the class.
   * @default 'max-abs'
   */
  readonly reduce?: ChannelReduction | undefined;
  /** Images per call of the model, at least 1. Changes memory and speed, not the maps. @default 8 */
  readonly batchSize?: number | undefined;
}

/**
 * Draws gradient maps: `max over channels of |∂z_c/∂x|`, z the logits and x the network's input. A
 * closing softmax or sigmoid is left out; `options.logit` says where z was taken. With one output z
 * the classes are 0 (−z) and 1 (z). Values are not stretched: they are per unit of input.
 *
 * @param images Tensors as the network sees them, `[H,W,C]` or `[N,H,W,C]`, or decoded pictures if
 *   `model` is a Teacher with preprocessing; one or an array. Borrowed.
 * @param model A LayersModel that is a classifier, or any Teacher whose `logits` are differentiable. Borrowed.
 * @returns One map per image and class, image by image; `height · width` values, 0 or above unless `reduce` is
 *   signed. A flat map is zeros, with `empty: true`. `seed` is null. Plain numbers, nothing to free.
 * @throws {UnsupportedModelError} If the model is no classifier or has no gradient (a GraphModel, a score
 *   function).
 * @throws {RangeError} If an option or the target is out of range, or a map is not finite. Aborting
 *   rejects with the signal's reason.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @see Simonyan et al. 2013, section 3.1.
 * @example
 * const [map] = await gradientSaliency(image, teacher, {reduce: 'gradient-times-input'});
 */
export async function gradientSaliency(
  images: ImagesInput,
  model: LayersModel | Teacher,
  options: GradientSaliencyOptions = {},
): Promise<SaliencyMap[]> {
  const {reduce = 'max-abs', batchSize = 8, target, signal, onProgress} = options;
  const where = 'gradientSaliency';
  checkOneOf(`${where}: reduce`, reduce, channelReductions);
  signal?.throwIfAborted();
  installTrainingKernels();
  const classifier = gradientModel(where, model);
  const record = {reduce, batchSize, target: target ?? 'argmax', logit: classifier.logit};

  const drawBatch = async ({images: batch}: ImageBatch): Promise<SaliencyMap[]> => {
    const wanted = resolveTargets(where, target, await classifier.score(batch));
    const [, height, width, channels] = batch.shape;
    const pixels = await batch.data<'float32'>();
    const drawn: SaliencyMap[][] = wanted.map(() => []);
    for (let rank = 0; rank < (wanted[0]?.length ?? 0); rank++) {
      signal?.throwIfAborted();
      const classes = wanted.map((each) => each[rank] as ResolvedTarget);
      const gradients = await readAndFree(
        classifier.gradient(
          batch,
          classes.map((each) => each.target),
        ),
      );
      classes.forEach((each, image) => {
        const size = height * width * channels;
        const part = (values: Float32Array): Float32Array => values.subarray(image * size, (image + 1) * size);
        const data = reduceChannels(part(gradients), channels, reduce, part(pixels));
        const empty = settle(where, data, false);
        drawn[image]?.push({data, height, width, ...each, method: 'gradient-saliency', seed: null, options: record, empty});
      });
    }
    return drawn.flat();
  };
  return overImageBatches(images, {where, batchSize, signal, onProgress, toInput: classifier.toInput}, drawBatch);
}

/**
 * Binds {@link gradientSaliency} to a model and options; options of a call go before these.
 *
 * @returns An explainer; it holds no tensors.
 * @example
 * const explainer = gradientSaliencyExplainer(teacher, {reduce: 'sum-abs'});
 */
export function gradientSaliencyExplainer(model: LayersModel | Teacher, options: GradientSaliencyOptions = {}): Explainer {
  return explainerOf('gradient-saliency', options, (images, all) => gradientSaliency(images, model, all));
}
