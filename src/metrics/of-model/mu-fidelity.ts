/** μ-fidelity: does the map tell how much the score falls when parts are taken away (Bhatt et al. 2020)? */
import {tensor4d, tile, type Tensor4D} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {seedField} from '../../core/common-options.js';
import {between, integer, withDefault} from '../../core/fields.js';
import {recordOptions} from '../../core/option-record.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {Random} from '../../core/random.js';
import type {ImageInput, ImagesInput, Model, SeedOptions} from '../../core/types.js';
import {finiteBaseline, imagesFillField, recordFill, type Fill} from '../../queries/fill.js';
import {blend, buildByImage, rowOf} from '../../queries/perturb.js';
import {queryJobs} from '../../queries/query-jobs.js';
import {checkFiniteValues} from '../of-map/map-values.js';
import {rankCorrelation} from '../of-map/rank-correlation.js';
import type {MapInput} from '../read-map.js';
import {measureGroups, modelMetricFields, type Group, type ModelMetricOptions} from './groups.js';

const WHERE = 'muFidelity';
// No network sees more pixels per side; a finer grid than the image means its pixels.
const MAX_GRID = 4096;
const MAX_SAMPLES = 1_000_000;

/** Options of {@link muFidelity}. The subsets are the same ones for every image of a call. */
export interface MuFidelityOptions extends ModelMetricOptions, SeedOptions {
  /** Cells per side of the grid that subsets are made of, 1–4096; more than pixels means pixels. @default 9 */
  readonly gridSize?: number | undefined;
  /** Chance of a cell to be hidden, above 0 and below 1. @default 0.2 */
  readonly subsetFraction?: number | undefined;
  /** Random samples per image, here subsets of cells, 2–1000000. @default 200 */
  readonly numSamples?: number | undefined;
  /** What stands where pixels are hidden. @default 'zeros' */
  readonly fill?: Fill | undefined;
}

/** `gridSize`, `subsetFraction`, `numSamples` and `fill`. */
export const muFidelityFields: Pick<OptionsSchema<MuFidelitySettings>['fields'], 'gridSize' | 'subsetFraction' | 'numSamples' | 'fill'> = {
  gridSize: withDefault(integer(1, MAX_GRID), 9),
  subsetFraction: withDefault(between(0, 1), 0.2),
  numSamples: withDefault(integer(2, MAX_SAMPLES), 200),
  fill: withDefault<Fill, 'zeros'>(imagesFillField, 'zeros'),
};

type MuFidelitySettings = Settled<MuFidelityOptions, 'signal' | 'onProgress'>;

/** The options of muFidelity. */
export const muFidelitySchema: OptionsSchema<MuFidelitySettings> = {
  where: WHERE,
  fields: {...modelMetricFields, ...muFidelityFields, seed: seedField},
};

/** The result for one image. */
export interface MuFidelity {
  /** Spearman's rank correlation of drop and mass, −1 … 1, higher is better; 0 where it is undefined. */
  readonly correlation: number;
  /** Index of the class that was watched; −1 for a function of the logits. */
  readonly target: number;
  /** Every option in force. */
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * Takes random subsets of a grid's cells away and correlates what the score loses with what the map
 * gives to these cells: `spearman(f(x) − f(x without S), Σ_S map)`. Each cell is taken on its
 * own with probability `subsetFraction` and means the pixels `floor(y · gridSize / H)` (nearest).
 * Bhatt et al. draw subsets of one size and use Pearson's correlation; this is Xplique's form.
 *
 * @param image A tensor as the network sees it, `[H,W,C]` or `[1,H,W,C]`, or a decoded picture if
 *   `model` is a Teacher. For several: an array of these or a tensor `[N,H,W,C]`. Borrowed.
 * @param map The saliency map, or an array of as many as there are images. One of another size is
 *   resized bilinearly if it has the image's aspect. Signs count.
 * @param model A LayersModel, Teacher or GraphModel (probabilities), or a score function (its scores as they are).
 * @returns One result, or an array where `map` is an array of maps. Plain numbers, nothing to free.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {RangeError} If a map is not finite or has another aspect, or an option is out of range.
 *   Aborting rejects with the signal's reason.
 * @see Bhatt et al. 2020, "Evaluating and Aggregating Feature-based Model Explanations", section 3.2.
 * @example
 * const {correlation} = await muFidelity(image, map, teacher, {numSamples: 100, seed: 7});
 */
export async function muFidelity(image: ImageInput, map: MapInput, model: Model, options?: MuFidelityOptions): Promise<MuFidelity>;
export async function muFidelity(
  images: ImagesInput,
  maps: readonly MapInput[],
  model: Model,
  options?: MuFidelityOptions,
): Promise<MuFidelity[]>;
export async function muFidelity(
  images: ImagesInput,
  maps: MapInput | readonly MapInput[],
  model: Model,
  options?: MuFidelityOptions,
): Promise<MuFidelity | MuFidelity[]> {
  const settings = readOptions(muFidelitySchema, options);
  const {gridSize, subsetFraction, numSamples, fill, seed} = settings;
  const record = recordOptions(settings, {fill: recordFill(fill)});
  const random = new Random(seed).split('mu-fidelity');
  const subsetOf = (sample: number, cells: number): Uint8Array => drawSubset(random.split(sample), cells, subsetFraction);
  return measureGroups(WHERE, {images, maps, model}, settings, async (group) => {
    const correlations = await correlate(group, {subsetOf, numSamples, gridSize, fill});
    return group.targets.map(({target}, index) => ({correlation: at(correlations, index), target, options: record}));
  });
}

/** 1 for a cell that is hidden. */
function drawSubset(random: Random, cells: number, fraction: number): Uint8Array {
  return Uint8Array.from({length: cells}, () => (random.next() < fraction ? 1 : 0));
}

interface Subsets extends Pick<MuFidelitySettings, 'numSamples' | 'gridSize' | 'fill'> {
  readonly subsetOf: (sample: number, cells: number) => Uint8Array;
}

async function correlate(group: Group, {subsetOf, numSamples, gridSize, fill}: Subsets): Promise<number[]> {
  const {originals, maps, scope, report} = group;
  const [, height, width, channels] = originals.shape;
  const [rows, columns] = [Math.min(gridSize, height), Math.min(gridSize, width)];
  const numCells = rows * columns;
  const cells = Uint32Array.from({length: height * width}, (_, pixel) => {
    const row = Math.floor((Math.floor(pixel / width) * rows) / height);
    return row * columns + Math.floor(((pixel % width) * columns) / width);
  });
  const baseline = scope.own(await finiteBaseline(WHERE, fill, originals, group));
  const perImage = numSamples + 1;
  // Job 0 of an image is the image itself.
  const jobs = maps.flatMap((_, image) => Array.from({length: perImage}, (__, job) => ({image, job})));
  const build = (part: readonly (typeof jobs)[number][]): Tensor4D =>
    buildByImage(part, (image, run) => {
      const mask = new Float32Array(run.length * cells.length);
      run.forEach(({job}, index) => {
        if (job === 0) return;
        const subset = subsetOf(job - 1, numCells);
        mask.set(
          cells.map((cell) => at(subset, cell)),
          index * cells.length,
        );
      });
      const missing: Tensor4D = tile(tensor4d(mask, [run.length, height, width, 1]), [1, 1, 1, channels]);
      return blend(rowOf(originals, image), rowOf(baseline, image), missing);
    });
  const scores = await queryJobs({...group, where: WHERE, jobs, build, report: (done) => report(done, perImage)});
  return maps.map((map, image) => {
    const [base, ...rest] = scores.slice(image * perImage, (image + 1) * perImage) as [number, ...number[]];
    const mass = massPerCell(map, cells, numCells);
    const masses = rest.map((_, sample) => subsetOf(sample, numCells).reduce((sum, hidden, cell) => sum + hidden * at(mass, cell), 0));
    const correlation = rankCorrelation(
      rest.map((score) => base - score),
      masses,
    );
    return Number.isNaN(correlation) ? 0 : correlation;
  });
}

function massPerCell(map: Float32Array, cells: Uint32Array, numCells: number): Float64Array {
  checkFiniteValues(`${WHERE}: map`, map);
  const mass = new Float64Array(numCells);
  cells.forEach((cell, pixel) => {
    mass[cell] = at(mass, cell) + at(map, pixel);
  });
  return mass;
}
