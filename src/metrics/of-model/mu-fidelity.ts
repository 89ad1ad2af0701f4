/** μ-fidelity: does the map tell how much the score falls when parts are taken away (Bhatt et al. 2020)? */
import {tensor4d, tile, type Tensor4D} from '@tensorflow/tfjs-core';
import {checkInteger, checkNumber} from '../../core/check.js';
import {Random} from '../../core/random.js';
import type {ImageInput, ImagesInput} from '../../core/types.js';
import {finiteValues} from '../of-map/finite-values.js';
import {measureGroups, oneOrAll, type CausalModel, type Group, type ModelMeasureOptions} from './_groups.js';
import {blend, buildByImage, rowOf} from '../../queries/perturb.js';
import type {MapInput} from '../read-map.js';
import {scoreJobs} from '../../queries/score-jobs.js';
import {rankCorrelation} from '../of-map/rank-correlation.js';
import {describeSubstrate, makeSubstrate, type Substrate, type SubstrateRecord} from '../../queries/fill.js';

const WHERE = 'muFidelity';

/** Options of {@link muFidelity}. */
export interface MuFidelityOptions extends ModelMeasureOptions {
  /** Cells per side of the grid that subsets are made of, at least 1; more than pixels means pixels. @default 9 */
  readonly gridSize?: number | undefined;
  /** Chance of a cell to be taken away, above 0 and below 1. @default 0.2 */
  readonly subsetFraction?: number | undefined;
  /** Subsets per image, at least 2. @default 200 */
  readonly numSamples?: number | undefined;
  /** What stands where pixels are missing. @default 'zeros' */
  readonly substrate?: Substrate | undefined;
  /** Decides the subsets, 0–4294967295; the same ones for every image of a call. @default 0 */
  readonly seed?: number | undefined;
}

/** The result for one image. */
export interface MuFidelity {
  /** Spearman's rank correlation of drop and mass, −1 … 1, higher is better; 0 where it is undefined. */
  readonly correlation: number;
  /** Index of the class that was watched. */
  readonly target: number;
  /** The options in force. */
  readonly options: {
    readonly gridSize: number;
    readonly subsetFraction: number;
    readonly numSamples: number;
    readonly substrate: SubstrateRecord;
    readonly seed: number;
    readonly batchSize: number;
  };
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
 * @param model A LayersModel or Teacher (probabilities), or a score function (its scores as they are).
 * @returns One result, or an array where `map` is an array of maps. Plain numbers, nothing to free.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {RangeError} If a map is not finite or has another aspect, or an option is out of range.
 *   Aborting rejects with the signal's reason.
 * @see Bhatt et al. 2020, "Evaluating and Aggregating Feature-based Model Explanations", section 3.2.
 * @example
 * const {correlation} = await muFidelity(image, map, teacher, {numSamples: 100, seed: 7});
 */
export async function muFidelity(image: ImageInput, map: MapInput, model: CausalModel, options?: MuFidelityOptions): Promise<MuFidelity>;
export async function muFidelity(
  images: ImagesInput,
  maps: readonly MapInput[],
  model: CausalModel,
  options?: MuFidelityOptions,
): Promise<MuFidelity[]>;
export async function muFidelity(
  images: ImagesInput,
  maps: MapInput | readonly MapInput[],
  model: CausalModel,
  options: MuFidelityOptions = {},
): Promise<MuFidelity | MuFidelity[]> {
  const {gridSize = 9, subsetFraction = 0.2, numSamples = 200, substrate = 'zeros', seed = 0, batchSize = 32} = options;
  checkInteger(`${WHERE}: gridSize`, gridSize, 1);
  checkNumber(`${WHERE}: subsetFraction`, subsetFraction, Number.EPSILON, 1 - Number.EPSILON);
  checkInteger(`${WHERE}: numSamples`, numSamples, 2);
  const record = {gridSize, subsetFraction, numSamples, substrate: describeSubstrate(substrate), seed, batchSize};
  const random = new Random(seed).split('mu-fidelity');
  const subsets = Array.from({length: numSamples}, (_, sample) => drawSubset(random.split(sample), gridSize, subsetFraction));
  return oneOrAll({images, maps, model}, (subjects) =>
    measureGroups(WHERE, subjects, options, async (group) => {
      const correlations = await correlate(group, subsets, gridSize, substrate);
      return correlations.map((correlation, index) => ({correlation, target: group.targets[index] as number, options: record}));
    }),
  );
}

/** 1 for a cell that is taken away. */
function drawSubset(random: Random, gridSize: number, fraction: number): Uint8Array {
  return Uint8Array.from({length: gridSize * gridSize}, () => (random.next() < fraction ? 1 : 0));
}

async function correlate(group: Group, subsets: readonly Uint8Array[], gridSize: number, substrate: Substrate): Promise<number[]> {
  const {originals, maps, scope, report} = group;
  const [, height, width, channels] = originals.shape;
  const cells = Uint32Array.from({length: height * width}, (_, pixel) => {
    const row = Math.floor((Math.floor(pixel / width) * gridSize) / height);
    return row * gridSize + Math.floor(((pixel % width) * gridSize) / width);
  });
  const blank = scope.own(makeSubstrate(substrate, originals));
  const everything = new Uint8Array(gridSize * gridSize);
  const perImage = [everything, ...subsets];
  const jobs = maps.flatMap((_, image) => perImage.map((subset) => ({image, subset})));
  const build = (part: readonly (typeof jobs)[number][]): Tensor4D =>
    buildByImage(part, (image, run) => {
      const mask = new Float32Array(run.length * cells.length);
      run.forEach(({subset}, index) =>
        mask.set(
          cells.map((cell) => subset[cell] as number),
          index * cells.length,
        ),
      );
      const missing: Tensor4D = tile(tensor4d(mask, [run.length, height, width, 1]), [1, 1, 1, channels]);
      return blend(rowOf(originals, image), rowOf(blank, image), missing);
    });
  const scores = await scoreJobs({...group, where: WHERE, jobs, build, report: (done) => report(done, perImage.length)});
  return maps.map((map, image) => {
    const [base, ...rest] = scores.slice(image * perImage.length, (image + 1) * perImage.length) as [number, ...number[]];
    const mass = massPerCell(map, cells, gridSize);
    const masses = subsets.map((subset) => subset.reduce((sum, taken, cell) => sum + taken * (mass[cell] as number), 0));
    const correlation = rankCorrelation(
      rest.map((score) => base - score),
      masses,
    );
    return Number.isNaN(correlation) ? 0 : correlation;
  });
}

function massPerCell(map: Float32Array, cells: Uint32Array, gridSize: number): Float64Array {
  finiteValues(WHERE, {data: map});
  const mass = new Float64Array(gridSize * gridSize);
  cells.forEach((cell, pixel) => {
    mass[cell] = (mass[cell] as number) + (map[pixel] as number);
  });
  return mass;
}
