/** What `compare` takes and gives, and the checks before anything runs. */
import {at} from '../../core/at.js';
import {show} from '../../core/check.js';
import {batchSizeField, progressField, seedField, signalField, singleTargetField, workersField} from '../../core/common-options.js';
import {absentMeans, boolean, custom, group, integer, list, record, required, withDefault} from '../../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {Random} from '../../core/random.js';
import type {
  BatchOptions,
  Explainer,
  ImagesInput,
  Model,
  RunOptions,
  SaliencyMap,
  SeedOptions,
  SingleTarget,
  WorkerOptions,
} from '../../core/types.js';
import {checkImages} from '../../data/image-list.js';
import {checkModel} from '../../models/score-model.js';
import {checkTarget} from '../../models/targets.js';
import type {Fill} from '../../queries/fill.js';
import type {MeanOf} from '../mean-of.js';
import {explainerField} from '../of-explainer/explain-one.js';
import {checkRegion, type Region} from '../of-map/region.js';
import {
  causalOptions,
  metricField,
  metricSettingsFields,
  type CausalMetric,
  type Metric,
  type MetricCurve,
  type MetricName,
  type MetricSettings,
} from './named-metrics.js';

const WHERE = 'compare';

/** What is compared, and how. `batchSize`, `seed` and `signal` are handed to the explainers too, `workers` to the metrics alone. */
export interface CompareOptions extends RunOptions, BatchOptions, SeedOptions, WorkerOptions {
  /** The explainers by the name of their row, at least one. */
  readonly explainers: Readonly<Record<string, Explainer>>;
  /** Names, insertion, deletion or srg with options of its own under a name of its own, or metrics of one's own. */
  readonly metrics: readonly (MetricName | CausalMetric | Metric)[];
  /** Of one size; decoded pictures if `model` is a Teacher. Borrowed. */
  readonly images: ImagesInput;
  /** Scores the changed images and says which class is explained. Borrowed. */
  readonly model: Model;
  /** What is explained and watched: one number per image, see {@link SingleTarget}. @default 'argmax' */
  readonly target?: SingleTarget | undefined;
  /**
   * Where the evidence is known to be, per image, in the frame of the network's input; needed for 'pointing' and
   * 'energy', which leave images without one out. @default none
   */
  readonly regions?: readonly (Region | undefined)[] | undefined;
  /**
   * For slow explainers: only the first so many images, at least 1. The means of that row are over fewer images, and
   * `images` says so. @default all
   */
  readonly limits?: Readonly<Record<string, number>> | undefined;
  /** Restricts every explainer to the images that all of them get. @default false */
  readonly commonImages?: boolean | undefined;
  /** Options of the metrics with a name. @default those of the functions */
  readonly settings?: MetricSettings | undefined;
  /** Explains the first image once before, untimed, since the first run compiles or warms up. @default false */
  readonly warmUp?: boolean | undefined;
  /**
   * Keeps every map, and every curve of insertion, deletion and srg, in the rows: what `explainReport` draws. A map takes four
   * bytes a pixel. @default false
   */
  readonly details?: boolean | undefined;
}

/** The options with their defaults filled in. */
export type CompareSettings = Settled<CompareOptions, 'signal' | 'onProgress' | 'regions' | 'limits' | 'settings'>;

const anything = <T>(rule: string): ReturnType<typeof required<T>> => required(custom<T>(rule, () => undefined));

/** The options of `compare`. */
export const compareSchema: OptionsSchema<CompareSettings> = {
  where: WHERE,
  fields: {
    explainers: required(record(explainerField)),
    metrics: required(list(metricField)),
    images: anything<ImagesInput>('images'),
    model: anything<Model>('a model'),
    target: singleTargetField,
    regions: absentMeans(
      custom<CompareOptions['regions'] & object>('a list with a region or undefined for each image', (value) =>
        Array.isArray(value) ? undefined : 'kind',
      ),
      'none',
    ),
    limits: absentMeans(record(integer(1)), 'all'),
    commonImages: withDefault(boolean(), false),
    settings: absentMeans(group<MetricSettings>(metricSettingsFields), 'those of the functions'),
    warmUp: withDefault(boolean(), false),
    details: withDefault(boolean(), false),
    batchSize: batchSizeField,
    seed: seedField,
    workers: workersField,
    signal: signalField,
    onProgress: progressField,
  },
};

/** The numbers of one image. */
export interface ComparedImage {
  /** Number of the image, from 0. */
  readonly index: number;
  /** The class that was asked for and watched (−1 for a function of the logits), and its score for the whole image. */
  readonly target: number;
  /** The score of that class for the whole image. */
  readonly score: number;
  /** The class that the explainer says it explained: some cannot be asked. */
  readonly explained: number;
  /** Whether the map has no evidence. */
  readonly empty: boolean;
  /** How many pixels share the map's highest value; 0 for a flat map. */
  readonly peaks: number;
  /** The image's own seed, the same for every explainer. */
  readonly seed: number;
  /** The metrics by name; NaN where one has no value. */
  readonly values: Readonly<Record<string, number>>;
  /** With `details`: the map, as the explainer drew it. */
  readonly map?: SaliencyMap | undefined;
  /** With `details`: what the metrics that exchange pixels saw, by the name of the metric. */
  readonly curves?: Readonly<Record<string, MetricCurve>> | undefined;
}

/** One explainer's results. */
export interface ComparisonRow {
  /** Name of the explainer. */
  readonly method: string;
  /** Images explained. */
  readonly images: number;
  /** Maps without evidence among them, which insertion and deletion rank by pixel index alone. */
  readonly emptyMaps: number;
  /** Maps whose highest value is shared by several pixels, such as saturated ones: pointing counts their share. */
  readonly tiedMaps: number;
  /** Mean and standard error of every metric, by name. */
  readonly values: Readonly<Record<string, MeanOf>>;
  /** The images, in the order in which they were given. */
  readonly perImage: readonly ComparedImage[];
}

/** One explainer, and how many images it gets. */
export interface ComparedExplainer {
  readonly method: string;
  readonly explainer: Explainer;
  readonly limit: number;
}

/** A comparison that has passed the checks. */
export interface ComparisonPlan {
  readonly settings: CompareSettings;
  readonly entries: readonly ComparedExplainer[];
  /** How many images there are in all. */
  readonly count: number;
  /** Numbers of the first image and of the one after the last that anyone gets of those that were given. */
  readonly first: number;
  readonly end: number;
  /** Pairs of an explainer and one of these images. */
  readonly total: number;
  /** The baseline images that are worth making once. */
  readonly fills: ReadonlySet<Fill>;
  readonly random: Random;
}

/** Where the images that are given stand among all. */
export interface ImagePart {
  /** Number of the first. */
  readonly first: number;
  /** How many there are in all. */
  readonly count: number;
}

/** Checks the options; see `compare` for what is thrown. @param part @default all images */
export function planComparison(options: CompareOptions, part?: ImagePart): ComparisonPlan {
  const settings = readOptions(compareSchema, options);
  const {explainers, metrics, images, model, target, regions, limits = {}, commonImages, seed} = settings;
  const given = checkImages(WHERE, images);
  const {first, count} = part ?? {first: 0, count: given};
  checkModel(WHERE, model);
  checkTarget(WHERE, target, count);
  // Names of the caller's own: `constructor` is one as good as any.
  const named = Object.entries(explainers);
  const bounds = new Map(Object.entries(limits));
  if (named.length === 0) throw new RangeError(`${WHERE}: explainers must hold at least one, but is empty.`);
  for (const name of bounds.keys()) {
    if (named.some(([method]) => method === name)) continue;
    throw new RangeError(
      `${WHERE}: limits must be for explainers, ${named.map(([method]) => show(method)).join(', ')}, but has ${show(name)}.`,
    );
  }
  if (regions !== undefined && regions.length !== given) {
    throw new RangeError(`${WHERE}: regions must be one for each image, but there are ${regions.length} for ${given} images.`);
  }
  regions?.forEach((region, index) => {
    if (region !== undefined) checkRegion(`${WHERE}: regions[${index}]`, region);
  });
  const names = metrics.map(nameOf);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new RangeError(`${WHERE}: metrics must each have a name of its own, but ${show(twice)} is there twice.`);
  for (const name of ['pointing', 'energy'] as const) {
    if (metrics.includes(name) && regions === undefined) {
      throw new RangeError(`${WHERE}: regions must be given for '${name}', boxes or masks per image, but is undefined.`);
    }
  }
  const own = named.map(([method]) => Math.min(bounds.get(method) ?? count, count));
  const common = Math.min(...own);
  const entries = named.map(([method, explainer], index) => ({method, explainer, limit: commonImages ? common : at(own, index)}));
  const {settings: ofMetrics = {}} = settings;
  const hiding = metrics.map((metric) => (metric === 'mu-fidelity' ? ofMetrics.muFidelity?.fill : causalOptions(metric, ofMetrics)?.fill));
  const fills = new Set(hiding.flatMap((fill) => (fill === undefined || fill === 'zeros' || fill === 'imputed' ? [] : [fill])));
  return {
    settings,
    entries,
    count,
    first,
    end: Math.min(Math.max(...entries.map(({limit}) => limit)), first + given),
    total: entries.reduce((sum, {limit}) => sum + Math.max(0, Math.min(limit, first + given) - first), 0),
    fills,
    random: new Random(seed).split('compare'),
  };
}

/** Returns the name of a metric, the header of its column. */
export function nameOf(metric: MetricName | CausalMetric | Metric): string {
  return typeof metric === 'string' ? metric : metric.name;
}
