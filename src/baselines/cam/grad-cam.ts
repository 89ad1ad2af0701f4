/**
 * Grad-CAM (Selvaraju et al. 2017) and its relatives: where in a feature map the evidence for a class
 * lies, by the gradient of the class logit with respect to that map. The network runs forward
 * once, without a tape; only what comes behind the layer is differentiated, and where that is a mean and
 * one linear map not even this, so at the last feature map it costs little more than a prediction.
 */
import {relu as rectify, tidy, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {batchSizeField, normalizeField, progressField, signalField, targetField} from '../../core/common-options.js';
import {absentMeans, boolean, either, list, oneOf, text, withDefault} from '../../core/fields.js';
import {recordOptions} from '../../core/option-record.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {settleValues} from '../../core/saliency-map.js';
import {withTensors, type TensorScope} from '../../core/tensors.js';
import type {Explainer, ExplainerOptions, ImagesInput, Model, SaliencyMap} from '../../core/types.js';
import {checkImages} from '../../data/image-list.js';
import {resizeBilinear} from '../../data/resize.js';
import {layeredModel, type KnownOutputs, type LayeredModel} from '../../models/gradient-model.js';
import {executeGraph} from '../../models/graph/execute-graph.js';
import {checkTarget, resolveTargets} from '../../models/targets.js';
import {overImageBatches, type ImageBatch} from '../../queries/image-batches.js';
import {installTrainingKernels} from '../../tfjs/install-training-kernels.js';
import {explainerOf} from '../_explainer-of.js';
import {asFeatureMap, camLayers, checkFeatureMap, gridAt, inRunningOrder} from './_layers.js';
import {camVariants, camWeights, weighChannels, type CamVariant} from './variant.js';

const WHERE = 'gradCam';

/** Options of {@link gradCam}. */
export interface GradCamOptions extends ExplainerOptions {
  /**
   * Path of the layer that is looked at, `'outer/inner/conv'` inside nested models (`listLayers` shows
   * them all), or several.
   * @default the last layer whose output is [N,H,W,K] with H·W > 1, or tokens [N,T,K] of a transformer
   */
  readonly layer?: string | readonly string[] | undefined;
  /** How gradients become weights; see {@link CamVariant}. @default 'grad-cam' */
  readonly variant?: CamVariant | undefined;
  /** How the maps of several layers become one, each stretched to [0,1] first. @default 'mean' */
  readonly combine?: 'mean' | 'max' | undefined;
  /** Drops evidence against the class, pixels below 0. @default true */
  readonly relu?: boolean | undefined;
  /** Stretches each map to [0,1]. @default true */
  readonly normalize?: boolean | undefined;
}

/** The options of {@link gradCam}. */
export const gradCamSchema: OptionsSchema<Settled<GradCamOptions, 'signal' | 'onProgress' | 'layer'>> = {
  where: WHERE,
  fields: {
    target: targetField,
    layer: absentMeans(
      either<string | readonly string[]>(text(), list(text(), 1)),
      'the last layer whose output is [N,H,W,K] with H·W > 1, or tokens [N,T,K] of a transformer',
    ),
    variant: withDefault(oneOf(...camVariants), 'grad-cam'),
    combine: withDefault(oneOf('mean', 'max'), 'mean'),
    relu: withDefault(boolean(), true),
    normalize: normalizeField,
    batchSize: batchSizeField,
    signal: signalField,
    onProgress: progressField,
  },
};

/**
 * Draws Grad-CAM maps: `relu(Σ_k w_k · A_k)` with `w_k = mean_xy ∂z_c/∂A_k`, where A is the output of a
 * layer and z the logits; then a bilinear resize (half-pixel centres) to the input's size and
 * `(v − min) / (max − min)`. A closing softmax or sigmoid is left out, never differentiated; the map's
 * `options.logit` says where z was taken. With one output z the classes are 0 (−z) and 1 (z). Several
 * layers: each map is resized and stretched to [0,1], their mean or maximum is stretched again.
 *
 * @param images Tensors as the network sees them, `[H,W,C]` or `[N,H,W,C]`, or decoded pictures if
 *   `model` is a Teacher with preprocessing; one or an array. Borrowed.
 * @param model A LayersModel that is a classifier, or a Teacher with such a `model` behind it. Borrowed.
 * @returns One map per image and class, image by image; `height · width` values in [0,1], or at any
 *   scale with `normalize: false`. A map without evidence is zeros, with `empty: true`. `seed` is
 *   null; `options.layer` tells the layer. Plain numbers, nothing to free.
 * @throws {LayerNotFoundError} If there is no such layer; lists those that exist.
 * @throws {RangeError} If the layer's output is no feature map (lists those that are), an option or the
 *   target is out of range, or a map is not finite. Aborting rejects with the signal's reason.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {UnsupportedModelError} If the model has no layers to look into (a score function),
 *   is no classifier, or has no gradient.
 * @see Selvaraju et al. 2017, equations 1 and 2. We stretch to [0,1]; `normalize: false` gives the
 *   paper's values.
 * @example
 * const [map] = await gradCam(image, teacher, {layer: 'conv5_block3_out', target: 281});
 */
export async function gradCam(images: ImagesInput, model: Model, options?: GradCamOptions): Promise<SaliencyMap[]> {
  const settings = readOptions(gradCamSchema, options);
  const {variant, combine, relu, normalize, target, signal} = settings;
  checkTarget(WHERE, target, checkImages(WHERE, images));
  signal?.throwIfAborted();
  installTrainingKernels();
  const classifier = layeredModel(WHERE, model);
  const paths = camLayers(WHERE, classifier.network, settings.layer);
  const record = recordOptions(settings, {layer: paths.length === 1 ? at(paths, 0) : paths, logit: classifier.logit});

  const drawBatch = ({images: batch, first}: ImageBatch): Promise<SaliencyMap[]> =>
    withTensors(async (scope) => {
      const features = tapAll(classifier, batch, paths, scope);
      const wanted = resolveTargets(WHERE, target, await classifier.score(batch, target, features), first);
      const [, height, width] = batch.shape;
      const drawn: SaliencyMap[][] = wanted.map(() => []);
      for (let rank = 0; rank < (wanted[0]?.length ?? 0); rank++) {
        const numbers = wanted.map((each) => at(each, rank));
        const explained = typeof target === 'function' ? target : numbers.map((each) => each.target);
        const planes: Float32Array[] = [];
        for (const path of paths) {
          signal?.throwIfAborted();
          const output = features[path] as Tensor4D;
          const gradients = await classifier.gradient(batch, explained, {path, output});
          const grid = gridAt(classifier.network, path);
          const [map, slopes] = [output, gradients].map((each) => asFeatureMap(each, grid)) as [Tensor4D, Tensor4D];
          gradients.dispose();
          planes.push(await draw(variant, map, slopes, relu, [height, width]).finally(() => map.dispose()));
        }
        numbers.forEach((each, image) => {
          const own = planes.map((plane) => plane.slice(image * height * width, (image + 1) * height * width));
          const values = own.length === 1 ? at(own, 0) : joined(own, combine);
          drawn[image]?.push({
            ...settleValues(WHERE, values, normalize),
            height,
            width,
            ...each,
            method: variant,
            seed: null,
            options: record,
          });
        });
      }
      return drawn.flat();
    });
  return overImageBatches(images, {...settings, where: WHERE, toInput: classifier.toInput}, drawBatch);
}

/**
 * Binds {@link gradCam} to a model and options, for code that compares explainers.
 *
 * @param model As for {@link gradCam}; borrowed, it has to outlive the explainer.
 * @param options Defaults of every call; what a call gives goes first.
 * @returns An explainer whose `method` is the variant; it holds no tensors.
 * @example
 * const explainer = gradCamExplainer(teacher, {variant: 'layer-cam'});
 */
export function gradCamExplainer(model: Model, options: GradCamOptions = {}): Explainer {
  const {variant: method} = readOptions(gradCamSchema, options);
  return explainerOf({method, schema: gradCamSchema, model, options}, (images, all) => gradCam(images, model, all));
}

/** The outputs of the layers by path, each computed from the one before it; the scope's. */
function tapAll({network}: LayeredModel, batch: Tensor4D, paths: readonly string[], scope: TensorScope): KnownOutputs {
  const features: Record<string, Tensor4D> = {};
  for (const path of inRunningOrder(network, paths)) {
    const outputs = [executeGraph(network, batch, {until: path, given: features})].flat().map((output) => scope.own(output));
    checkFeatureMap(
      WHERE,
      network,
      path,
      outputs.map(({shape}: Tensor) => shape),
    );
    features[path] = outputs[0] as Tensor4D;
  }
  return features;
}

/** One map per image at the input's size, `N · height · width` values; disposes the gradients. */
async function draw(
  variant: CamVariant,
  features: Tensor4D,
  gradients: Tensor4D,
  relu: boolean,
  size: readonly [number, number],
): Promise<Float32Array> {
  return withTensors(async (scope) => {
    scope.own(gradients);
    const plane = tidy(() => {
      const sums = weighChannels(features, camWeights(variant, features, gradients));
      return resizeBilinear(relu ? rectify(sums) : sums, size);
    });
    return scope.own(plane).data<'float32'>();
  });
}

function joined(planes: readonly Float32Array[], combine: 'mean' | 'max'): Float32Array {
  for (const plane of planes) settleValues(WHERE, plane, true);
  return at(planes, 0).map((_, pixel) => {
    const values = planes.map((plane) => at(plane, pixel));
    return combine === 'max' ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0) / values.length;
  });
}
