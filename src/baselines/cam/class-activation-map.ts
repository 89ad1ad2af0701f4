/**
 * Class activation mapping (Zhou et al. 2016): where the head is global average pooling and one linear
 * map, a logit is a sum over pixels, and the summands are the map. No gradient is needed, and nothing is
 * approximated; but only such heads will do.
 */
import {relu as rectify, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {batchSizeField, normalizeField, progressField, signalField, targetField} from '../../core/common-options.js';
import {boolean, withDefault} from '../../core/fields.js';
import {recordOptions} from '../../core/option-record.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {settleValues} from '../../core/saliency-map.js';
import {withTensors} from '../../core/tensors.js';
import type {Explainer, ExplainerOptions, ImagesInput, Model, SaliencyMap, Target, TargetFn} from '../../core/types.js';
import {checkImages} from '../../data/image-list.js';
import {resizeBilinear} from '../../data/resize.js';
import {layeredModel} from '../../models/gradient-model.js';
import {executeGraph} from '../../models/graph/execute-graph.js';
import {pooledHead} from '../../models/graph/pooled-head.js';
import {checkTarget, resolveTargets} from '../../models/targets.js';
import {overImageBatches, type ImageBatch} from '../../queries/image-batches.js';
import {explainerOf} from '../_explainer-of.js';
import {checkFeatureMap} from './_layers.js';
import {weighChannels} from './variant.js';

const WHERE = 'classActivationMap';
const METHOD = 'class-activation-map';

/** Options of {@link classActivationMap}. A map belongs to a class, so the target is no function. */
export interface ClassActivationMapOptions extends Omit<ExplainerOptions, 'target'> {
  /** What is explained, see {@link Target}; no function. @default 'argmax' */
  readonly target?: Exclude<Target, TargetFn> | undefined;
  /** Drops evidence against the class, pixels below 0; the paper keeps it. @default false */
  readonly relu?: boolean | undefined;
  /** Stretches each map to [0,1]; without it the mean of the map before resizing is the logit without its bias. @default true */
  readonly normalize?: boolean | undefined;
}

/** The options of {@link classActivationMap}. */
export const classActivationMapSchema: OptionsSchema<
  Settled<ExplainerOptions & Omit<ClassActivationMapOptions, 'target'>, 'signal' | 'onProgress'>
> = {
  where: WHERE,
  fields: {
    target: targetField,
    relu: withDefault(boolean(), false),
    normalize: normalizeField,
    batchSize: batchSizeField,
    signal: signalField,
    onProgress: progressField,
  },
};

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
 *   scale with `normalize: false`. A flat map is zeros, with `empty: true`. Plain numbers, nothing to free.
 * @throws {UnsupportedModelError} If the head has another form (says which), or there are no layers.
 * @throws {RangeError} If an option or the target is out of range, or a map is not finite. Aborting
 *   rejects with the signal's reason.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @see Zhou et al. 2016, equation 2.
 * @example
 * const maps = await classActivationMap(images, teacher, {target: [281, 282]});
 */
export async function classActivationMap(images: ImagesInput, model: Model, options?: ClassActivationMapOptions): Promise<SaliencyMap[]> {
  const settings = readOptions(classActivationMapSchema, options);
  const {relu, normalize, target, signal} = settings;
  checkTarget(WHERE, target, checkImages(WHERE, images));
  if (typeof target === 'function') {
    throw new TypeError(
      `${WHERE}: target must be a class, since the weights of a class make the map, but is a function. gradCam() takes any.`,
    );
  }
  signal?.throwIfAborted();
  const classifier = layeredModel(WHERE, model);
  const {network} = classifier;
  const head = pooledHead(WHERE, network);
  const record = recordOptions(settings, {layer: head.path, logit: classifier.logit});

  const drawBatch = ({images: batch, first}: ImageBatch): Promise<SaliencyMap[]> =>
    withTensors(async (scope) => {
      const features = scope.own(executeGraph(network, batch, {until: head.path}) as Tensor4D);
      checkFeatureMap(WHERE, network, head.path, [features.shape]);
      const wanted = resolveTargets(WHERE, target, await classifier.score(batch, target, {[head.path]: features}), first);
      const [, height, width] = batch.shape;
      const drawn: SaliencyMap[][] = wanted.map(() => []);
      for (let rank = 0; rank < (wanted[0]?.length ?? 0); rank++) {
        const classes = wanted.map((each) => at(each, rank));
        const plane = tidy(() => {
          const sums = weighChannels(features, head.classWeights(classes.map(({target: chosen}) => chosen)));
          return resizeBilinear(relu ? rectify(sums) : sums, [height, width]);
        });
        const values = await scope.own(plane).data<'float32'>();
        classes.forEach((each, image) => {
          const own = values.slice(image * height * width, (image + 1) * height * width);
          drawn[image]?.push({...settleValues(WHERE, own, normalize), height, width, ...each, method: METHOD, seed: null, options: record});
        });
      }
      return drawn.flat();
    });
  return overImageBatches(images, {...settings, where: WHERE, toInput: classifier.toInput}, drawBatch);
}

/**
 * Binds {@link classActivationMap} to a model and options; options of a call go before these.
 *
 * @returns An explainer; it holds no tensors.
 * @example
 * const explainer = classActivationMapExplainer(teacher);
 */
export function classActivationMapExplainer(model: Model, options: ClassActivationMapOptions = {}): Explainer {
  return explainerOf({method: METHOD, schema: classActivationMapSchema, model, options: options as ExplainerOptions}, (images, all) =>
    classActivationMap(images, model, all as ClassActivationMapOptions),
  );
}
