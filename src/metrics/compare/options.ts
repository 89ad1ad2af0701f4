/** What `compare` takes and gives, and the checks before anything runs. */
import {checkInteger, checkOneOf, show} from '../../core/check.js';
import {Random} from '../../core/random.js';
import type {Explainer, ImagesInput, RunOptions, WorkerOptions} from '../../core/types.js';
import {countImages} from '../../data/image-list.js';
import type {MeanOf} from '../mean-of.js';
import type {CausalModel} from '../of-model/_groups.js';
import {namedMeasures, type Measure, type MeasureName, type MeasureSettings} from './named-metrics.js';
import type {Region} from '../of-map/region.js';
import {describeSubstrate, type Substrate} from '../../queries/fill.js';

/** What is compared, and how. */
export interface CompareOptions extends RunOptions {
  /** The explainers by the name of their row. */
  readonly explainers: Readonly<Record<string, Explainer>>;
  /** Names, or measures of one's own. */
  readonly measures: readonly (MeasureName | Measure)[];
  /** Of one size; decoded pictures if `model` is a Teacher. Borrowed. */
  readonly images: ImagesInput;
  /** Scores the perturbed images and says which class is explained. Borrowed. */
  readonly model: CausalModel;
  /** The class that is explained and watched, or one per image (labels). @default 'argmax', the model's */
  readonly target?: 'argmax' | number | readonly number[] | undefined;
  /** Where the evidence is known to be, per image, in the frame of the network's input; needed for 'pointing' and 'energy', which leave images without one out. @default none */
  readonly regions?: readonly (Region | undefined)[] | undefined;
  /** For slow explainers: only the first so many images, at least 1. The means of that row are over fewer images, and `images` says so. @default all */
  readonly limits?: Readonly<Record<string, number>> | undefined;
  /** Restricts every explainer to the images that all of them get. @default false */
  readonly commonImages?: boolean | undefined;
  /** Options of the measures with a name. */
  readonly settings?: MeasureSettings | undefined;
  /** Explains the first image once before, untimed, since the first run compiles or warms up. @default false */
  readonly warmUp?: boolean | undefined;
  /** Decides everything random, 0–4294967295; each image has its own, the same for every explainer. @default 0 */
  readonly seed?: number | undefined;
  /** Worker threads for the measures; an explainer has an option of its own, `riseExplainer(teacher, {workers: 2})`. @default 0 */
  readonly workers?: WorkerOptions['workers'];
  /** Images per call of the model, also by the explainers, at least 1. @default that of each explainer, and 32 for measures */
  readonly batchSize?: number | undefined;
}

/** The numbers of one image. */
export interface ComparedImage {
  /** Number of the image, from 0. */
  readonly index: number;
  /** The class that was asked for and watched, and its score for the whole image. */
  readonly target: number;
  readonly score: number;
  /** The class that the explainer says it explained: some cannot be asked. */
  readonly explained: number;
  readonly empty: boolean;
  readonly seed: number;
  readonly values: Readonly<Record<string, number>>;
}

/** One explainer's results. */
export interface ComparisonRow {
  readonly method: string;
  /** Images explained. */
  readonly images: number;
  /** Maps without evidence among them, which insertion and deletion rank by pixel index alone. */
  readonly emptyMaps: number;
  readonly values: Readonly<Record<string, MeanOf>>;
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
  readonly entries: readonly ComparedExplainer[];
  /** Images that anyone gets. */
  readonly numImages: number;
  /** Pairs of an explainer and an image. */
  readonly total: number;
  /** The substrates that are worth making once. */
  readonly substrates: readonly (readonly [kind: 'insertion' | 'deletion', substrate: Substrate])[];
  readonly random: Random;
}

/** Checks the options; see `compare` for what is thrown. */
export function planComparison(options: CompareOptions): ComparisonPlan {
  const {explainers, measures, images, target, regions, limits = {}, commonImages = false, settings = {}, seed = 0, batchSize} = options;
  if (batchSize !== undefined) checkInteger('compare: batchSize', batchSize, 1);
  const count = checkInteger('compare: number of images', countImages(images), 1);
  const methods = Object.keys(explainers);
  if (methods.length === 0) throw new RangeError('compare: explainers must hold at least one, but is empty.');
  for (const method of Object.keys(limits)) checkOneOf('compare: a name in limits', method, methods);
  for (const [name, list] of Object.entries({target, regions})) {
    if (Array.isArray(list) && list.length !== count)
      throw new RangeError(`compare: ${name} must be one per image, but there are ${list.length} for ${count} images.`);
  }
  const names = checkMeasures(measures);
  for (const name of ['pointing', 'energy']) {
    if (names.includes(name) && regions === undefined)
      throw new RangeError(`compare: '${name}' needs the option regions, boxes or masks per image, but there is none.`);
  }
  const own = methods.map((method) => Math.min(checkInteger(`compare: limits of ${show(method)}`, limits[method] ?? count, 1), count));
  const common = Math.min(...own);
  const entries = methods.map((method, index) => ({
    method,
    explainer: explainers[method] as Explainer,
    limit: commonImages ? common : (own[index] as number),
  }));
  const kinds = (['insertion', 'deletion'] as const).filter((kind) => names.includes(kind));
  const substrates = kinds.map((kind) => [kind, settings[kind]?.substrate ?? (kind === 'insertion' ? 'blur' : 'zeros')] as const);
  for (const [, substrate] of substrates) describeSubstrate(substrate);
  return {
    entries,
    numImages: Math.max(...entries.map(({limit}) => limit)),
    total: entries.reduce((sum, {limit}) => sum + limit, 0),
    substrates: substrates.filter(([, substrate]) => substrate !== 'zeros'),
    random: new Random(seed).split('compare'),
  };
}

/** Returns the name of a measure, the header of its column. */
export function nameOf(measure: MeasureName | Measure): string {
  return typeof measure === 'string' ? measure : measure.name;
}

function checkMeasures(measures: CompareOptions['measures']): string[] {
  const names = measures.map((measure) => {
    if (typeof measure === 'string') return checkOneOf('compare: a measure', measure, Object.keys(namedMeasures) as MeasureName[]);
    if (typeof (measure as Partial<Measure> | null)?.name !== 'string' || typeof measure.measure !== 'function') {
      throw new TypeError(`compare: a measure must be a name or {name, measure}, but is ${show(measure)}.`);
    }
    return measure.name;
  });
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new RangeError(`compare: every measure must have a name of its own, but ${show(twice)} is there twice.`);
  return names;
}
