/**
 * The model randomisation check (Adebayo et al. 2018, "Sanity Checks for Saliency Maps"): a map that
 * stays the same when the weights are thrown away does not explain what the model has learned.
 */
import {Tensor} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {onBackend} from '../../backend/on-backend.js';
import {checkOneOf} from '../../core/check.js';
import {LayerNotFoundError} from '../../core/errors/layer-not-found-error.js';
import {UnsupportedModelError} from '../../core/errors/unsupported-model-error.js';
import {Random} from '../../core/random.js';
import type {Explainer, ExplainerOptions, ImagesInput, SaliencyMap} from '../../core/types.js';
import {countImages, imageAt} from '../../data/image-list.js';
import {copyModel, restoreWeights, type LayerPair} from '../../models/copy-model.js';
import {explainOne} from './explain-one.js';
import {meanOf, type MeanOf} from '../mean-of.js';
import {randomiseLayer, type Randomisation} from './random-weights.js';
import {rankCorrelation} from '../of-map/rank-correlation.js';

const WHERE = 'randomisationCheck';

/** Options of {@link randomisationCheck}; `seed` and `batchSize` are handed to the explainer too. */
export interface RandomisationOptions extends Omit<ExplainerOptions, 'target'> {
  /** `'cascading'`: the last layer, then one more each time; `'independent'`: one layer at a time. @default 'cascading' */
  readonly order?: 'cascading' | 'independent' | undefined;
  /** Shuffles weights or draws new ones. @default 'shuffle' */
  readonly kind?: Randomisation | undefined;
  /** Paths of the layers at which maps are compared, as `listLayers` writes them. @default all with weights */
  readonly layers?: readonly string[] | undefined;
  /** Index of the class that is explained, or one per image. @default the class that the explainer chooses before randomising */
  readonly target?: number | readonly number[] | undefined;
}

/** How much of the maps is left after a step; `images` of the mean counts the images. */
export interface RandomisationStep extends MeanOf {
  /** Path of the layer: it, and in a cascade all behind it, had random weights. */
  readonly layer: string;
  /** Spearman's rank correlation with the original map, per image, −1 … 1; 1 is unchanged. */
  readonly correlations: readonly number[];
}

/** The result of {@link randomisationCheck}. */
export interface RandomisationCheck {
  readonly order: 'cascading' | 'independent';
  readonly kind: Randomisation;
  readonly seed: number;
  /** The class that was explained, per image. */
  readonly targets: readonly number[];
  /** From the last layer of the model to the first. */
  readonly steps: readonly RandomisationStep[];
}

/**
 * Randomises a copy of the model layer by layer from the top, explains the images anew with the same
 * classes and seed, and compares the maps with the original ones by rank: 1 means that the map does not
 * depend on these weights, about 0 that it does. Signs count; the paper shows the correlation
 * of magnitudes as well. The caller's model is never changed, nor handed to the factory.
 *
 * @param makeExplainer Makes the explainer of a model; called for the copy before and after every
 *   step, since an explainer may keep what it computed from weights. If it has `dispose()`, that is
 *   called afterwards; the model is not the explainer's.
 * @param model Borrowed. Copied by its configuration.
 * @param images As the explainer takes them, read one at a time; borrowed.
 * @returns Plain numbers, nothing to free. A map that becomes flat has lost all order: 0, unless it
 *   was the same before.
 * @throws {LayerNotFoundError} If a path of `layers` is none of a layer with weights; lists them.
 * @throws {UnsupportedModelError} If the model cannot be copied or has no weights.
 * @throws {RangeError} If an option is out of range or the explainer gives no finite map. Aborting
 *   rejects with the signal's reason.
 * @example
 * const {steps} = await randomisationCheck((copy) => gradCamExplainer(copy), model, images, {seed: 1});
 */
export async function randomisationCheck(
  makeExplainer: (model: LayersModel) => Explainer | Promise<Explainer>,
  model: LayersModel,
  images: ImagesInput,
  options: RandomisationOptions = {},
): Promise<RandomisationCheck> {
  const {order = 'cascading', kind = 'shuffle', layers, target, seed = 0, batchSize, signal, onProgress} = options;
  checkOneOf(`${WHERE}: order`, order, ['cascading', 'independent']);
  checkOneOf(`${WHERE}: kind`, kind, ['shuffle', 'redraw']);
  const random = new Random(seed).split('randomisation-check');
  const count = countImages(images);
  if (typeof target === 'object' && target.length !== count)
    throw new RangeError(`${WHERE}: target must be one class or one per image, but there are ${target.length} for ${count} images.`);
  if (count === 0) throw new RangeError(`${WHERE}: images must hold at least one image, but is an empty array.`);
  signal?.throwIfAborted();
  return onBackend(WHERE, () =>
    withCopy(model, async ({copy, pairs}) => {
      const wanted = chosenLayers(pairs, layers);
      const total = (wanted.size + 1) * count;
      let done = 0;
      const draw = async (targets: (index: number) => number | undefined): Promise<SaliencyMap[]> => {
        const explain = (explainer: Explainer, index: number): Promise<SaliencyMap> =>
          explainImage(explainer, images, index, {target: targets(index), seed, batchSize, signal});
        return withExplainer(await makeExplainer(copy), async (explainer) => {
          const maps: SaliencyMap[] = [];
          for (let index = 0; index < count; index++) {
            maps.push(await explain(explainer, index));
            onProgress?.({stage: WHERE, done: ++done, total});
          }
          return maps;
        });
      };
      const originals = await draw((index) => (typeof target === 'object' ? target[index] : target));
      const targets = originals.map((map, index) => (typeof target === 'object' ? (target[index] as number) : (target ?? map.target)));
      const steps: RandomisationStep[] = [];
      for (const pair of [...pairs].reverse()) {
        if (order === 'independent' && !wanted.has(pair)) continue;
        await randomiseLayer(pair.copy, kind, random.split(pair.path));
        if (!wanted.has(pair)) continue;
        const maps = await draw((index) => targets[index]);
        const correlations = maps.map((map, index) => similarity((originals[index] as SaliencyMap).data, map.data));
        steps.push({layer: pair.path, correlations, ...meanOf(correlations)});
        if (order === 'independent') restoreWeights(pair);
      }
      return {order, kind, seed, targets, steps};
    }),
  );
}

async function withCopy<T>(model: LayersModel, work: (made: {copy: LayersModel; pairs: readonly LayerPair[]}) => Promise<T>): Promise<T> {
  const {model: copy, pairs, dispose} = await copyModel(WHERE, model);
  try {
    return await work({copy, pairs});
  } finally {
    dispose();
  }
}

function chosenLayers(pairs: readonly LayerPair[], paths: readonly string[] | undefined): ReadonlySet<LayerPair> {
  if (pairs.length === 0) throw new UnsupportedModelError(`${WHERE}: the model has no weights that could be randomised.`);
  if (paths === undefined) return new Set(pairs);
  return new Set(
    paths.map((path) => {
      const found = pairs.find((pair) => pair.path === path);
      if (found === undefined)
        throw new LayerNotFoundError(
          `${WHERE}: the model has no layer '${path}' with weights. It has ${pairs.map((pair) => `'${pair.path}'`).join(', ')}.`,
        );
      return found;
    }),
  );
}

async function explainImage(explainer: Explainer, images: ImagesInput, index: number, options: ExplainerOptions): Promise<SaliencyMap> {
  const image = imageAt(images, index);
  try {
    return await explainOne(WHERE, explainer, image, options);
  } finally {
    if (image instanceof Tensor) image.dispose();
  }
}

async function withExplainer<T>(
  explainer: Explainer & {readonly dispose?: unknown},
  work: (explainer: Explainer) => Promise<T>,
): Promise<T> {
  try {
    return await work(explainer);
  } finally {
    if (typeof explainer.dispose === 'function') (explainer as {dispose(): void}).dispose();
  }
}

function similarity(before: Float32Array, after: Float32Array): number {
  if (before.length === after.length && before.every((value, index) => value === after[index])) return 1;
  const correlation = rankCorrelation(before, after);
  return Number.isNaN(correlation) ? 0 : correlation;
}
