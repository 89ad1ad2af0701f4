/**
 * Gradient saliency (Simonyan, Vedaldi & Zisserman 2013): which pixels would change the class logit if they
 * changed a little. One pass forward and one back. It shows what the network is sensitive to, which is
 * not the same as what it saw; the maps are grainy, and {@link smoothGrad} averages the grain away.
 */
import {at} from '../../core/at.js';
import {batchSizeField, progressField, signalField, targetField} from '../../core/common-options.js';
import {oneOf, withDefault} from '../../core/fields.js';
import {recordOptions} from '../../core/option-record.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {settleValues} from '../../core/saliency-map.js';
import type {Explainer, ExplainerOptions, ImagesInput, Model, SaliencyMap} from '../../core/types.js';
import {checkImages} from '../../data/image-list.js';
import {gradientModel} from '../../models/gradient-model.js';
import {checkTarget, resolveTargets} from '../../models/targets.js';
import {overImageBatches, type ImageBatch} from '../../queries/image-batches.js';
import {installTrainingKernels} from '../../tfjs/install-training-kernels.js';
import {explainerOf} from '../_explainer-of.js';
import {channelReductions, readAndFree, reduceChannels, type ChannelReduction} from './channels.js';

const WHERE = 'gradientSaliency';
const METHOD = 'gradient-saliency';

/** Options of {@link gradientSaliency}. */
export interface GradientSaliencyOptions extends ExplainerOptions {
  /**
   * How the channels of a pixel become one value, g the gradient and x the network's input: `'max-abs'`
   * the largest |g|; `'sum-abs'` Σ|g|; `'signed-sum'` Σ g; `'gradient-times-input'` Σ g·x. The last two are
   * negative where the pixel speaks against the class.
   * @default 'max-abs'
   */
  readonly reduce?: ChannelReduction | undefined;
}

/** The options of {@link gradientSaliency}. */
export const gradientSaliencySchema: OptionsSchema<Settled<GradientSaliencyOptions, 'signal' | 'onProgress'>> = {
  where: WHERE,
  fields: {
    target: targetField,
    reduce: withDefault(oneOf(...channelReductions), 'max-abs'),
    batchSize: batchSizeField,
    signal: signalField,
    onProgress: progressField,
  },
};

/**
 * Draws gradient maps: `max over channels of |∂z_c/∂x|`, z the logits and x the network's input. A
 * closing softmax or sigmoid is left out; `options.logit` says where z was taken. With one output z
 * the classes are 0 (−z) and 1 (z). Values are not stretched: they are per unit of input.
 *
 * @param images Tensors as the network sees them, `[H,W,C]` or `[N,H,W,C]`, or decoded pictures if
 *   `model` is a Teacher with preprocessing; one or an array. Borrowed.
 * @param model A LayersModel or GraphModel that is a classifier, or any Teacher whose `logits` are differentiable. Borrowed.
 * @returns One map per image and class, image by image; `height · width` values, 0 or above unless `reduce` is
 *   signed. A flat map is zeros, with `empty: true`. `seed` is null. Plain numbers, nothing to free.
 * @throws {UnsupportedModelError} If the model is no classifier or has no gradient (a score function).
 * @throws {RangeError} If an option or the target is out of range, or a map is not finite. Aborting
 *   rejects with the signal's reason.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @see Simonyan et al. 2013, section 3.1.
 * @example
 * const [map] = await gradientSaliency(image, teacher, {reduce: 'gradient-times-input'});
 */
export async function gradientSaliency(images: ImagesInput, model: Model, options?: GradientSaliencyOptions): Promise<SaliencyMap[]> {
  const settings = readOptions(gradientSaliencySchema, options);
  const {reduce, target, signal} = settings;
  checkTarget(WHERE, target, checkImages(WHERE, images));
  signal?.throwIfAborted();
  installTrainingKernels();
  const classifier = gradientModel(WHERE, model);
  const record = recordOptions(settings, {logit: classifier.logit});

  const drawBatch = async ({images: batch, first}: ImageBatch): Promise<SaliencyMap[]> => {
    const wanted = resolveTargets(WHERE, target, await classifier.score(batch, target), first);
    const [, height, width, channels] = batch.shape;
    const pixels = await batch.data<'float32'>();
    const drawn: SaliencyMap[][] = wanted.map(() => []);
    for (let rank = 0; rank < (wanted[0]?.length ?? 0); rank++) {
      signal?.throwIfAborted();
      const numbers = wanted.map((each) => at(each, rank));
      const explained = typeof target === 'function' ? target : numbers.map((each) => each.target);
      const gradients = await readAndFree(classifier.gradient(batch, explained));
      numbers.forEach((each, image) => {
        const size = height * width * channels;
        const part = (values: Float32Array): Float32Array => values.subarray(image * size, (image + 1) * size);
        const values = reduceChannels(part(gradients), channels, reduce, part(pixels));
        drawn[image]?.push({...settleValues(WHERE, values), height, width, ...each, method: METHOD, seed: null, options: record});
      });
    }
    return drawn.flat();
  };
  return overImageBatches(images, {...settings, where: WHERE, toInput: classifier.toInput}, drawBatch);
}

/**
 * Binds {@link gradientSaliency} to a model and options; options of a call go before these.
 *
 * @returns An explainer; it holds no tensors.
 * @example
 * const explainer = gradientSaliencyExplainer(teacher, {reduce: 'sum-abs'});
 */
export function gradientSaliencyExplainer(model: Model, options: GradientSaliencyOptions = {}): Explainer {
  return explainerOf({method: METHOD, schema: gradientSaliencySchema, model, options}, (images, all) =>
    gradientSaliency(images, model, all),
  );
}
