/**
 * Several explainers, several metrics, one set of images: the same class, the same blurred image and
 * the same seed for everyone, so that a row differs from the next by its explainer alone.
 */
import {slice, type Tensor4D} from '@tensorflow/tfjs-core';
import {onBackend} from '../../backend/on-backend.js';
import {show} from '../../core/check.js';
import {AttentiveError} from '../../core/errors/attentive-error.js';
import {withTensors} from '../../core/tensors.js';
import type {Explainer, SaliencyMap} from '../../core/types.js';
import {resolveSingleTargets} from '../../models/targets.js';
import {batchScorer} from '../../queries/batch-scorer.js';
import {finiteBaseline} from '../../queries/fill.js';
import {finiteInput} from '../../queries/finite-input.js';
import {explainOne} from '../of-explainer/explain-one.js';
import {peakOf} from '../of-map/map-values.js';
import type {CausalFill} from '../of-model/causal-curve.js';
import {readMap} from '../read-map.js';
import {ComparisonTotals} from './totals.js';
import {confidenceOnce, valueOf, type MetricContext, type MetricCurve, type NamedContext} from './named-metrics.js';
import {
  nameOf,
  planComparison,
  type ComparedExplainer,
  type ComparedImage,
  type CompareOptions,
  type CompareSettings,
  type ComparisonRow,
  type ImagePart,
} from './options.js';

const WHERE = 'compare';

/**
 * Explains every image once with every explainer and measures the maps. The model scores the images
 * once for their classes, which all explainers are given as `target`; the blurred images of insertion are
 * computed once. Explainers get network input `[1,H,W,C]`, one image at a time, so their time
 * per image (`'seconds'`, until the values are read) does not profit from batches.
 * `'sensitivity'` runs the explainer again, 10 times per image.
 *
 * @returns One row per explainer, in their order: means, standard errors, and the numbers of every
 *   image. Plain numbers, nothing to free.
 * @throws {TypeError | RangeError} If an option is of the wrong kind or out of range.
 * @throws {AttentiveError} If an explainer or a metric fails; the message names it and the image, and
 *   `cause` is its error. Aborting rejects with the signal's reason.
 * @example
 * const rows = await compare({
 *   explainers: {'Grad-CAM': gradCamExplainer(teacher), RISE: riseExplainer(teacher)},
 *   metrics: ['insertion', 'deletion', {name: 'peak', measure: ({map}) => Math.max(...map.data)}],
 *   images, model: teacher, limits: {RISE: 20},
 * });
 * const text = formatComparison(rows);
 */
export async function compare(options: CompareOptions): Promise<ComparisonRow[]> {
  const parts = await comparePart(options);
  const names = options.metrics.map(nameOf);
  return parts.map(({method, perImage}) => rowOf(method, names, perImage));
}

/** What one explainer gave for a part of the images. */
export interface ComparedPart {
  readonly method: string;
  readonly perImage: readonly ComparedImage[];
}

/**
 * As {@link compare}, for images that are a part of all: classes, limits and seeds go by the number of an image among all, so
 * that parts computed anywhere add up to the whole. Parts that begin at a multiple of `batchSize` do so bit for bit, since
 * a model may round differently in other batches.
 *
 * @param options `images` and `regions` are those of the part; everything else is about all images.
 * @param part Where the part begins, and how many images there are in all. @default all of them
 */
export async function comparePart(options: CompareOptions, part?: ImagePart): Promise<ComparedPart[]> {
  const plan = planComparison(options, part);
  const {settings} = plan;
  const {images, model, target, batchSize, signal, onProgress} = settings;
  const scorer = batchScorer(WHERE, model, settings);
  return onBackend(WHERE, async () => {
    const found = new Map<ComparedExplainer, ComparedImage[]>(plan.entries.map((entry) => [entry, []]));
    let done = 0;
    for (let first = plan.first; first < plan.end; first += batchSize) {
      signal?.throwIfAborted();
      const [from, to] = [first - plan.first, Math.min(first + batchSize, plan.end) - plan.first];
      await withTensors(async (scope) => {
        const originals = scope.own(await finiteInput(WHERE, images, from, to, scorer));
        const targets = resolveSingleTargets(WHERE, target, await scorer.score(originals), first);
        const baselines = new Map<CausalFill, Tensor4D>();
        for (const fill of plan.fills)
          baselines.set(fill, scope.own(await finiteBaseline(WHERE, fill, originals, {first, numImages: plan.count})));
        for (const [row, resolved] of targets.entries()) {
          await withTensors(async (own) => {
            const index = first + row;
            const shared: SharedContext = {
              index,
              image: own.own(imageOf(originals, row)),
              region: settings.regions?.[from + row],
              target: typeof target === 'function' ? target : resolved.target,
              score: resolved.score,
              seed: plan.random.split(index).seed,
              baselines: new Map([...baselines].map(([fill, tensor]) => [fill, own.own(imageOf(tensor, row))])),
            };
            for (const [entry, results] of found) {
              if (index >= entry.limit) continue;
              results.push(await measureOne(entry, shared, settings, index === plan.first));
              onProgress?.({stage: WHERE, done: ++done, total: plan.total});
            }
          });
        }
      });
    }
    return [...found].map(([{method}, perImage]) => ({method, perImage}));
  });
}

/** What all explainers share about an image. */
type SharedContext = Pick<NamedContext, 'index' | 'image' | 'region' | 'target' | 'score' | 'seed' | 'baselines'>;

async function measureOne(
  {method, explainer}: ComparedExplainer,
  shared: SharedContext,
  settings: CompareSettings,
  isFirst: boolean,
): Promise<ComparedImage> {
  const {model, settings: ofMetrics = {}, metrics, warmUp, details, batchSize, workers, signal} = settings;
  const {index, target, score, seed} = shared;
  const draw = (): Promise<Drawn> => naming(`explainer '${method}'`, index, signal, () => timedMap(explainer, shared, settings));
  if (warmUp && isFirst) await draw();
  const {drawn, map, seconds} = await draw();
  const basis: MetricContext = {...shared, method, explainer, map, seconds, model, batchSize, workers, signal};
  const curves: [name: string, curve: MetricCurve][] = [];
  const common = {...shared, ...basis, settings: ofMetrics, drawn, confidence: confidenceOnce(basis)};
  const values: [name: string, value: number][] = [];
  for (const metric of metrics) {
    signal?.throwIfAborted();
    const onCurve = details ? (curve: MetricCurve): unknown => curves.push([nameOf(metric), curve]) : undefined;
    const context: NamedContext = {...common, onCurve};
    const value = await naming(`metric '${nameOf(metric)}' of '${method}'`, index, signal, async () => {
      const measured: unknown = await valueOf(metric, context);
      if (typeof measured !== 'number') throw new TypeError(`the value must be a number, but is ${show(measured)}.`);
      return measured;
    });
    values.push([nameOf(metric), value]);
  }
  const asked = typeof target === 'function' ? -1 : target;
  const {peaks} = peakOf(map.data);
  const numbers = {index, target: asked, score, explained: map.target, empty: map.empty, peaks, seed, values: Object.fromEntries(values)};
  return details ? {...numbers, map: drawn, curves: Object.fromEntries(curves)} : numbers;
}

interface Drawn {
  readonly drawn: SaliencyMap;
  readonly map: SaliencyMap;
  readonly seconds: number;
}

/** Explains one image; the clock stops before the map is brought to the size of the image. */
async function timedMap(explainer: Explainer, {image, target, seed}: SharedContext, {batchSize, signal}: CompareSettings): Promise<Drawn> {
  const start = performance.now();
  const drawn = await explainOne(WHERE, explainer, image, {target, seed, batchSize, signal});
  const seconds = (performance.now() - start) / 1000;
  const [, height, width] = image.shape;
  const map = {...drawn, data: await readMap('map', drawn, [height, width]), height, width};
  return {drawn, map, seconds};
}

/** Says who failed, and keeps why. */
async function naming<T>(who: string, index: number, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    signal?.throwIfAborted();
    throw new AttentiveError(`${WHERE}: ${who} failed on image ${index}: ${cause instanceof Error ? cause.message : show(cause)}`, {cause});
  }
}

function imageOf(images: Tensor4D, row: number): Tensor4D {
  return slice(images, [images.shape[0] === 1 ? 0 : row, 0, 0, 0], [1, -1, -1, -1]);
}

function rowOf(method: string, names: readonly string[], perImage: readonly ComparedImage[]): ComparisonRow {
  const totals = new ComparisonTotals(method, names);
  for (const image of perImage) totals.add(image);
  for (const image of perImage) totals.addDeviation(image);
  return totals.row(perImage);
}
