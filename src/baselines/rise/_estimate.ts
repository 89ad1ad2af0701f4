/**
 * The running estimate of RISE for the classes of one image, and how stable it is: the even and the
 * odd masks make two independent maps, whose correlation r says how much of a map is signal.
 * Spearman–Brown: the whole map correlates with that of infinitely many masks by sqrt(2r / (1 + r)).
 */
import type {MaskAxes} from './_geometry.js';
import {MaskSum} from './_sums.js';
import type {MaskGrids} from './masks.js';
import type {RiseSettings} from './options.js';

// Keeps a pixel that no mask has shown at 0; the value of Xplique.
const EPSILON = 1e-4;

/** Sums over masks, one per class. */
export class RiseEstimate {
  readonly #settings: RiseSettings;
  /** One half, or the even and the odd masks where stability is asked for. */
  readonly #halves: readonly Half[];
  #count = 0;

  constructor(settings: RiseSettings, axes: MaskAxes, numTargets: number) {
    this.#settings = settings;
    this.#halves = Array.from({length: settings.stopWhenStable === false ? 1 : 2}, () => ({
      count: 0,
      sums: Array.from({length: numTargets}, () => new MaskSum(axes)),
      masks: settings.variant === 'normalized' ? new MaskSum(axes) : undefined,
    }));
  }

  /** How many masks have been added. */
  get count(): number {
    return this.#count;
  }

  /** Adds mask number `mask` of the grids with the score of every class. */
  add(grids: MaskGrids, mask: number, scores: readonly number[]): void {
    const half = this.#halves[this.#count % this.#halves.length] as Half;
    half.sums.forEach((sum, index) => sum.add(grids, mask, scores[index] as number));
    half.masks?.add(grids, mask, 1);
    half.count += 1;
    this.#count += 1;
  }

  /** Returns the maps, one per class. */
  maps(): Float64Array[] {
    return mapsOf(this.#halves, this.#settings);
  }

  /** Whether it is time to look and every class is stable. */
  isStable(): boolean {
    const {stopWhenStable: stop} = this.#settings;
    if (stop === false || this.#count % stop.every !== 0) return false;
    const [even, odd] = this.#halves.map((half) => mapsOf([half], this.#settings)) as [Float64Array[], Float64Array[]];
    return even.every((map, index) => {
      const r = correlation(map, odd[index] as Float64Array);
      return r > 0 && Math.sqrt((2 * r) / (1 + r)) >= 1 - stop.tolerance;
    });
  }
}

interface Half {
  count: number;
  readonly sums: readonly MaskSum[];
  /** Σ M, where the variant needs it. */
  readonly masks: MaskSum | undefined;
}

function mapsOf(halves: readonly Half[], {variant, keepProbability}: RiseSettings): Float64Array[] {
  const numMasks = halves.reduce((sum, {count}) => sum + count, 0);
  const shown = variant === 'normalized' ? total(halves.map(({masks}) => (masks as MaskSum).toMap())) : undefined;
  return (halves[0] as Half).sums.map((_, target) => {
    const sums = halves.map((half) => half.sums[target] as MaskSum);
    const map = total(sums.map((sum) => sum.toMap()));
    if (shown !== undefined) return map.map((value, pixel) => value / ((shown[pixel] as number) + EPSILON));
    const bias = variant === 'debiased' ? keepProbability * sums.reduce((sum, each) => sum + each.total, 0) : 0;
    return map.map((value) => (value - bias) / (numMasks * keepProbability));
  });
}

function total([first, second]: Float64Array[]): Float64Array {
  const map = first as Float64Array;
  return second === undefined ? map : map.map((value, pixel) => value + (second[pixel] as number));
}

/** Pearson's; NaN where a map is flat. */
function correlation(a: Float64Array, b: Float64Array): number {
  const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let at = 0; at < a.length; at++) {
    const [da, db] = [(a[at] as number) - meanA, (b[at] as number) - meanB];
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  return ab / Math.sqrt(aa * bb);
}
