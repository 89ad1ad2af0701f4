/**
 * The model randomisation check (Adebayo et al. 2018, "Sanity Checks for Saliency Maps"): a map that
 * stays the same when the weights are thrown away does not explain what the model has learned.
 */
import {Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {onBackend} from '../../backend/on-backend.js';
import {at} from '../../core/at.js';
import {checkFunction, show} from '../../core/check.js';
import {batchSizeField, progressField, seedField, signalField, singleTargetField} from '../../core/common-options.js';
import {LayerNotFoundError} from '../../core/errors/layer-not-found-error.js';
import {UnsupportedModelError} from '../../core/errors/unsupported-model-error.js';
import {absentMeans, list, oneOf, text, withDefault} from '../../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {Random} from '../../core/random.js';
import type {BatchOptions, Explainer, ImagesInput, RunOptions, SaliencyMap, SeedOptions, SingleTarget, Target} from '../../core/types.js';
import {holdPictures} from '../../data/read-image.js';
import {checkImages, imageAt} from '../../data/image-list.js';
import {copyModel, restoreWeights, type LayerPair} from '../../models/copy-model.js';
import {checkModel} from '../../models/score-model.js';
import {checkTarget} from '../../models/targets.js';
import {checkFinite} from '../../queries/finite-input.js';
import {meanOf, type MeanOf} from '../mean-of.js';
import {rankCorrelation} from '../of-map/rank-correlation.js';
import {checkExplainer, explainOne, targetOf} from './explain-one.js';
import {randomizeLayer, type Randomization} from './random-weights.js';

const WHERE = 'randomizationCheck';

/** Options of {@link randomizationCheck}; `seed` and `batchSize` are handed to the explainer too. */
export interface RandomizationOptions extends RunOptions, BatchOptions, SeedOptions {
  /** `'cascading'`: the last layer, then one more each time; `'independent'`: one layer at a time. @default 'cascading' */
  readonly order?: 'cascading' | 'independent' | undefined;
  /** Shuffles weights or draws new ones. @default 'shuffle' */
  readonly kind?: Randomization | undefined;
  /** Paths of the layers at which maps are compared, as `listLayers` writes them. @default all with weights */
  readonly layers?: readonly string[] | undefined;
  /**
   * What is explained: one number per image, see {@link SingleTarget}. `'argmax'` is what the explainer chooses before
   * anything is randomized, also afterwards. @default 'argmax'
   */
  readonly target?: SingleTarget | undefined;
}

type Settings = Settled<RandomizationOptions, 'signal' | 'onProgress' | 'layers'>;

/** The options of {@link randomizationCheck}. */
export const randomizationCheckSchema: OptionsSchema<Settings> = {
  where: WHERE,
  fields: {
    order: withDefault(oneOf('cascading', 'independent'), 'cascading'),
    kind: withDefault(oneOf('shuffle', 'redraw'), 'shuffle'),
    layers: absentMeans(list(text(), 1), 'all with weights'),
    target: singleTargetField,
    batchSize: batchSizeField,
    seed: seedField,
    signal: signalField,
    onProgress: progressField,
  },
};

/** How much of the maps is left after a step; `images` of the mean counts the images. */
export interface RandomizationStep extends MeanOf {
  /** Path of the layer: it, and in a cascade all behind it, had random weights. */
  readonly layer: string;
  /** Spearman's rank correlation with the original map, per image, −1 … 1; 1 is unchanged. */
  readonly correlations: readonly number[];
}

/** The result of {@link randomizationCheck}. */
export interface RandomizationCheck {
  /** Whether layers stay random once they are, or one is at a time. */
  readonly order: 'cascading' | 'independent';
  /** How weights are replaced. */
  readonly kind: Randomization;
  /** The seed in force. */
  readonly seed: number;
  /** The class that was explained, per image. */
  readonly targets: readonly number[];
  /** From the last layer of the model to the first. */
  readonly steps: readonly RandomizationStep[];
}

/**
 * Randomises a copy of the model layer by layer from the top, explains the images anew with the same
 * classes and seed, and compares the maps with the original ones by rank: 1 means that the map does not
 * depend on these weights, about 0 that it does. Signs count; the paper shows the correlation
 * of magnitudes as well. The caller's model is never changed, nor handed to the factory.
 *
 * @param images As the explainer takes them, read one at a time; borrowed.
 * @param makeExplainer Makes the explainer of a model; called for the copy before and after every
 *   step, since an explainer may keep what it computed from weights. If it has `dispose()`, that is
 *   called afterwards; the model is not the explainer's.
 * @param model Borrowed. Copied by its configuration.
 * @returns Plain numbers, nothing to free. A map that becomes flat has lost all order: 0, unless it
 *   was the same before.
 * @throws {LayerNotFoundError} If a path of `layers` is none of a layer with weights; lists them.
 * @throws {UnsupportedModelError} If the model is no LayersModel, cannot be copied or has no weights.
 * @throws {TypeError | RangeError} If an argument is of the wrong kind or out of range, or the explainer gives no finite
 *   map. Aborting rejects with the signal's reason.
 * @example
 * const {steps} = await randomizationCheck(images, (copy) => gradCamExplainer(copy), model, {seed: 1});
 */
export async function randomizationCheck(
  images: ImagesInput,
  makeExplainer: (model: LayersModel) => Explainer | Promise<Explainer>,
  model: LayersModel,
  options?: RandomizationOptions,
): Promise<RandomizationCheck> {
  const {order, kind, layers, target, seed, batchSize, signal, onProgress} = readOptions(randomizationCheckSchema, options);
  const count = checkImages(WHERE, images);
  for (const image of [images].flat()) {
    if (image instanceof Tensor && image.rank !== 3 && image.rank !== 4)
      throw new RangeError(`${WHERE}: images must have shape [H, W, C] or [N, H, W, C], but has [${image.shape.join(', ')}].`);
  }
  checkFunction(`${WHERE}: makeExplainer`, makeExplainer);
  checkModel(WHERE, model);
  if (!('layers' in model))
    throw new UnsupportedModelError(`${WHERE}: model must be a LayersModel, whose weights can be reached, but is ${show(model)}.`);
  checkTarget(WHERE, target, count);
  signal?.throwIfAborted();
  const random = new Random(seed).split('randomisation-check');
  return onBackend(WHERE, () =>
    withCopy(model, async ({copy, pairs}) => {
      const wanted = chosenLayers(pairs, layers);
      const held = await holdPictures(`${WHERE}: images`, images);
      const total = (wanted.size + 1) * count;
      let done = 0;
      const draw = async (targets: (index: number) => Target | undefined): Promise<SaliencyMap[]> =>
        withExplainer(await makeExplainer(copy), async (explainer) => {
          const maps: SaliencyMap[] = [];
          for (let index = 0; index < count; index++) {
            maps.push(await explainImage(explainer, held, index, {target: targets(index), seed, batchSize, signal}));
            onProgress?.({stage: WHERE, done: ++done, total});
          }
          return maps;
        });
      const originals = await draw((index) => targetOf(target, index));
      const again = (index: number): Target | undefined => (target === 'argmax' ? at(originals, index).target : targetOf(target, index));
      const steps: RandomizationStep[] = [];
      for (const pair of [...pairs].reverse()) {
        if (order === 'independent' && !wanted.has(pair)) continue;
        await randomizeLayer(pair.copy, kind, random.split(pair.path));
        if (!wanted.has(pair)) continue;
        const maps = await draw(again);
        const correlations = maps.map((map, index) => similarity(at(originals, index).data, map.data));
        steps.push({layer: pair.path, correlations, ...meanOf(correlations)});
        if (order === 'independent') restoreWeights(pair);
      }
      return {order, kind, seed, targets: originals.map((map) => map.target), steps};
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

async function explainImage(
  explainer: Explainer,
  images: ImagesInput,
  index: number,
  options: NonNullable<Parameters<Explainer['explain']>[1]>,
): Promise<SaliencyMap> {
  const image = imageAt(images, index);
  try {
    if (image instanceof Tensor) await checkFinite(WHERE, image as Tensor4D);
    return await explainOne(WHERE, explainer, image, options);
  } finally {
    if (image instanceof Tensor) image.dispose();
  }
}

async function withExplainer<T>(made: Explainer, work: (explainer: Explainer) => Promise<T>): Promise<T> {
  checkExplainer(`${WHERE}: what makeExplainer gives`, made);
  const {dispose} = made as {dispose?: unknown};
  try {
    return await work(made);
  } finally {
    if (typeof dispose === 'function') dispose.call(made);
  }
}

function similarity(before: Float32Array, after: Float32Array): number {
  if (before.length === after.length && before.every((value, index) => value === after[index])) return 1;
  const correlation = rankCorrelation(before, after);
  return Number.isNaN(correlation) ? 0 : correlation;
}
