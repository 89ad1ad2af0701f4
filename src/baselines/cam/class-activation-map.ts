/**
 * Class activation mapping (Zhou et al. 2016): where the head is global average pooling and one linear
 * map, a logit is a sum over pixels, and the summands are the map. No gradient is needed, and nothing is
 * approximated; but only such heads will do.
 */
import {relu as rectify, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {withTensors} from '../../core/tensors.js';
import type {Explainer, ExplainerOptions, ImagesInput, SaliencyMap, Teacher} from '../../core/types.js';
import {overImageBatches, type ImageBatch} from '../../queries/image-batches.js';
import {resizeBilinear} from '../../data/resize.js';
import {executeGraph} from '../../models/graph/execute-graph.js';
import {layeredModel} from '../../models/gradient-model.js';
import {pooledHead} from '../../models/graph/pooled-head.js';
import {resolveTargets, type ResolvedTarget} from '../../models/targets.js';
import {settle} from '../_settle.js';
import {explainerOf} from '../_explainer-of.js';
import {checkFeatureMap} from './_layers.js';
import {weighChannels} from './variant.js';

/** Options of {@link classActivationMap}. */
export interface ClassActivationMapOptions extends ExplainerOptions {
  /** Drops evidence against the class, pixels below 0; the paper keeps it. @default false */
  readonly relu?: boolean | undefined;
  /** Stretches each map to [0,1]; without it the mean of the map before resizing is the logit without its bias. @default true */
  readonly normalise?: boolean | undefined;
  /** Images per call of the model, at least 1. Changes memory and speed, not the maps. @default 16 */
  readonly batchSize?: number | undefined;
}

/**
 * Draws class activation maps: `Σ_k w_kc · f_k(x,y)`, f the map in front of the global average pooling and
 * w the weights of the one Dense or 1×1 Conv2D behind it (or a 1×1 Conv2D in front of it); then a
 * bilinear resize (half-pixel centres) to the input's size and `(v − min) / (max − min)`. It is h·w times
 * {@link gradCam} at that layer, before ReLU and stretching. With one output the classes are 0 (−w) and 1 (w).
 *
 * @param images Tensors as the network sees them, `[H,W,C]` or `[N,H,W,C]`, or decoded pictures if
 *   `model` is a Teacher with preprocessing; one or an array. Borrowed.
 * @param model A LayersModel with such a head, or a Teacher with such a `model` behind it. Borrowed.
 * @returns One map per image and class, image by image; `height · width` values in [0,1], or at the logit's
 *   scale with `normalise: false`. A flat map is zeros, with `empty: true`. Plain numbers, nothing to free.
 * @throws {UnsupportedModelError} If the head has another form (says which), or there are no layers.
 * @throws {RangeError} If an option or the target is out of range, or a map is not finite. Aborting
 *   rejects with the signal's reason.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @see Zhou et al. 2016, equation 2.
 * @example
 * const maps = await classActivationMap(images, teacher, {target: [281, 282]});
 */
export async function classActivationMap(
  images: ImagesInput,
  model: LayersModel | Teacher,
  options: ClassActivationMapOptions = {},
): Promise<SaliencyMap[]> {
  const {relu = false, normalise = true, batchSize = 16, target, signal, onProgress} = options;
  const where = 'classActivationMap';
  signal?.throwIfAborted();
  const classifier = layeredModel(where, model);
  const {network} = classifier;
  const head = pooledHead(where, network);
  const record = {layer: head.path, relu, normalise, batchSize, target: target ?? 'argmax', logit: classifier.logit};

  const drawBatch = ({images: batch}: ImageBatch): Promise<SaliencyMap[]> =>
    withTensors(async (scope) => {
      const features = scope.own(executeGraph(network, batch, {until: head.path}) as Tensor4D);
      checkFeatureMap(where, network, head.path, [features.shape]);
      const wanted = resolveTargets(where, target, await classifier.score(batch, {[head.path]: features}));
      const [, height, width] = batch.shape;
      const drawn: SaliencyMap[][] = wanted.map(() => []);
      for (let rank = 0; rank < (wanted[0]?.length ?? 0); rank++) {
        const classes = wanted.map((each) => each[rank] as ResolvedTarget);
        const plane = tidy(() => {
          const sums = weighChannels(features, head.classWeights(classes.map(({target: chosen}) => chosen)));
          return resizeBilinear(relu ? rectify(sums) : sums, [height, width]);
        });
        const values = await scope.own(plane).data<'float32'>();
        classes.forEach((each, image) => {
          const data = values.slice(image * height * width, (image + 1) * height * width);
          const empty = settle(where, data, normalise);
          drawn[image]?.push({data, height, width, ...each, method: 'class-activation-map', seed: null, options: record, empty});
        });
      }
      return drawn.flat();
    });
  return overImageBatches(images, {where, batchSize, signal, onProgress, toInput: classifier.toInput}, drawBatch);
}

/**
 * Binds {@link classActivationMap} to a model and options; options of a call go before these.
 *
 * @returns An explainer; it holds no tensors.
 * @example
 * const explainer = classActivationMapExplainer(teacher);
 */
export function classActivationMapExplainer(model: LayersModel | Teacher, options: ClassActivationMapOptions = {}): Explainer {
  return explainerOf('class-activation-map', options, (images, all) => classActivationMap(images, model, all));
}
