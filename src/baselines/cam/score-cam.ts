/**
 * Score-CAM (Wang et al. 2020): the channels of a feature map are weighed by what the class scores when the
 * image shows only where they are active. It asks for no gradient, but for a forward pass per channel.
 */
import {divNoNan, max, min, mul, reshape, slice, sub, sum, tensor1d, tidy, tile, transpose, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {onBackend} from '../../backend/on-backend.js';
import {at} from '../../core/at.js';
import {batchSizeField, normalizeField, progressField, signalField, targetField, workersField} from '../../core/common-options.js';
import {absentMeans, boolean, text, withDefault} from '../../core/fields.js';
import {recordOptions} from '../../core/option-record.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {settleValues} from '../../core/saliency-map.js';
import {withTensors} from '../../core/tensors.js';
import type {Explainer, ExplainerOptions, ImagesInput, Model, SaliencyMap, WorkerOptions} from '../../core/types.js';
import {checkImages} from '../../data/image-list.js';
import {resizeBilinear} from '../../data/resize.js';
import {layeredModel} from '../../models/gradient-model.js';
import {executeGraph} from '../../models/graph/execute-graph.js';
import {checkTarget, columnOf, resolveTargets, type ResolvedTarget} from '../../models/targets.js';
import {batchScorer, type BatchScorer} from '../../queries/batch-scorer.js';
import {finiteBaseline, fillField, recordFill, type Fill} from '../../queries/fill.js';
import {finiteInput} from '../../queries/finite-input.js';
import {blend} from '../../queries/perturb.js';
import {query} from '../../queries/query.js';
import {explainerOf} from '../_explainer-of.js';
import {asFeatureMap, camLayers, checkFeatureMap, gridAt} from './_layers.js';

const WHERE = 'scoreCam';
const METHOD = 'score-cam';

/** Options of {@link scoreCam}. */
export interface ScoreCamOptions extends ExplainerOptions, WorkerOptions {
  /** Path of the layer that is looked at (`listLayers` shows them all). @default the last layer whose output is [N,H,W,K] with H·W > 1, or tokens [N,T,K] of a transformer */
  readonly layer?: string | undefined;
  /** What stands where pixels are hidden. @default 'zeros' */
  readonly fill?: Fill | undefined;
  /** Drops evidence against the class, pixels below 0. @default true */
  readonly relu?: boolean | undefined;
  /** Stretches each map to [0,1]. @default true */
  readonly normalize?: boolean | undefined;
}

type Settings = Settled<ScoreCamOptions, 'signal' | 'onProgress' | 'layer'>;

/** The options of {@link scoreCam}. */
export const scoreCamSchema: OptionsSchema<Settings> = {
  where: WHERE,
  fields: {
    target: targetField,
    layer: absentMeans(text(), 'the last layer whose output is [N,H,W,K] with H·W > 1, or tokens [N,T,K] of a transformer'),
    fill: withDefault<Fill, 'zeros'>(fillField, 'zeros'),
    relu: withDefault(boolean(), true),
    normalize: normalizeField,
    batchSize: batchSizeField,
    workers: workersField,
    signal: signalField,
    onProgress: progressField,
  },
};

/**
 * Draws Score-CAM maps: `relu(Σ_k p_c(x ⊙ n(A_k)) · A_k)`, A the output of a layer enlarged to the image (bilinear,
 * half-pixel centres), n(A_k) a channel stretched to [0,1], p_c the score of the class. A channel without structure
 * counts nothing. All classes come from one pass over the channels.
 *
 * @param images Tensors as the network sees them, `[H,W,C]` or `[N,H,W,C]`, or decoded pictures if `model` is a Teacher with
 *   preprocessing; one or an array. Borrowed.
 * @param model A LayersModel that is a classifier, or a Teacher with such a `model` behind it. Borrowed.
 * @returns One map per image and class, image by image. A map without evidence is zeros, with `empty: true`. Plain numbers,
 *   nothing to free.
 * @throws {LayerNotFoundError} If there is no such layer; lists those that exist.
 * @throws {UnsupportedModelError} If the model has no layers to look into.
 * @throws {TypeError | RangeError} If an argument is of the wrong kind or out of range. Aborting rejects with the signal's
 *   reason.
 * @see Wang et al. 2020, "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks". As in their code
 *   the weights are the probabilities themselves, not what they gain over an empty image.
 * @example
 * const [map] = await scoreCam(image, teacher, {target: 281});
 */
export async function scoreCam(images: ImagesInput, model: Model, options?: ScoreCamOptions): Promise<SaliencyMap[]> {
  const settings = readOptions(scoreCamSchema, options);
  const {target, signal, onProgress} = settings;
  const numImages = checkImages(WHERE, images);
  checkTarget(WHERE, target, numImages);
  const {network} = layeredModel(WHERE, model);
  const [path] = camLayers(WHERE, network, settings.layer) as [string];
  const scorer = batchScorer(WHERE, model, settings);
  return onBackend(WHERE, async () => {
    const maps: SaliencyMap[] = [];
    for (let index = 0; index < numImages; index++) {
      signal?.throwIfAborted();
      const image = await finiteInput(WHERE, images, index, index + 1, scorer);
      const report = (done: number, total: number): void =>
        onProgress?.({stage: WHERE, done: index * total + done, total: numImages * total});
      maps.push(...(await explainOne(image, {index, network, path, scorer, settings, report}).finally(() => image.dispose())));
    }
    return maps;
  });
}

/**
 * Binds {@link scoreCam} to a model and options; options of a call go before these.
 *
 * @returns An explainer; it holds no tensors.
 * @example
 * const explainer = scoreCamExplainer(teacher, {batchSize: 32});
 */
export function scoreCamExplainer(model: Model, options: ScoreCamOptions = {}): Explainer {
  return explainerOf({method: METHOD, schema: scoreCamSchema, model, options}, (images, all) => scoreCam(images, model, all));
}

interface Run {
  readonly index: number;
  readonly network: LayersModel;
  readonly path: string;
  readonly scorer: BatchScorer;
  readonly settings: Settings;
  readonly report: (done: number, total: number) => void;
}

async function explainOne(image: Tensor4D, {index, network, path, scorer, settings, report}: Run): Promise<SaliencyMap[]> {
  const [, height, width, colours] = image.shape;
  return withTensors(async (scope) => {
    const output = scope.own(executeGraph(network, image, {until: path}) as Tensor4D);
    checkFeatureMap(WHERE, network, path, [output.shape]);
    const features = scope.own(asFeatureMap(output, gridAt(network, path)));
    const unmasked = await scorer.score(image);
    const targets = resolveTargets(WHERE, settings.target, unmasked, index)[0] as ResolvedTarget[];
    const baseline = scope.own(await finiteBaseline(WHERE, settings.fill, image));
    // One channel after the other, [K,h,w,1].
    const channels = scope.own(tidy(() => transpose(features, [3, 1, 2, 0]) as Tensor4D));
    const enlarged = (first: number, count: number): Tensor4D =>
      resizeBilinear(slice(channels, [first, 0, 0, 0], [count, -1, -1, -1]), [height, width]);
    const build = (first: number, count: number): Tensor4D =>
      tidy(() => blend(baseline, image, tile(stretched(enlarged(first, count)), [1, 1, 1, colours])));
    const total = channels.shape[0];
    const sums = targets.map(() => new Float64Array(height * width));
    const asked = {...settings, where: WHERE, scorer, total, numClasses: unmasked.numClasses, build};
    for await (const {first, count, values, numClasses} of query(asked)) {
      for (const [rank, each] of targets.entries()) {
        const weights = Float32Array.from({length: count}, (_, channel) => at(values, channel * numClasses + columnOf(each)));
        const part = scope.own(tidy(() => sum(mul(structured(enlarged(first, count)), reshape(tensor1d(weights), [count, 1, 1, 1])), 0)));
        const added = await part.data<'float32'>();
        scope.release(part).dispose();
        const own = at(sums, rank);
        added.forEach((value, pixel) => {
          own[pixel] = at(own, pixel) + value;
        });
      }
      report(first + count, total);
    }
    const record = recordOptions(settings, {layer: path, fill: recordFill(settings.fill)});
    return targets.map((each, rank) => {
      const values = at(sums, rank).map((value) => (settings.relu ? Math.max(value, 0) : value));
      return {...settleValues(WHERE, values, settings.normalize), height, width, ...each, method: METHOD, seed: null, options: record};
    });
  });
}

/** Each plane stretched to [0,1]; one without structure becomes zeros, which hides everything. */
function stretched(planes: Tensor4D): Tensor4D {
  const low = min(planes, [1, 2, 3], true);
  return divNoNan(sub(planes, low), sub(max(planes, [1, 2, 3], true), low)) as Tensor4D;
}

/** The planes with structure as they are, the others as zeros. */
function structured(planes: Tensor4D): Tensor4D {
  const range = sub(max(planes, [1, 2, 3], true), min(planes, [1, 2, 3], true));
  return mul(planes, divNoNan(range, range));
}
