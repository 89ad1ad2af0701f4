/** Options of RISE: what they mean, their limits and their defaults. */
import {checkInteger, checkNumber, checkOneOf, show} from '../../core/check.js';
import type {ExplainerOptions, WorkerOptions} from '../../core/types.js';
import type {MaskGrids} from './masks.js';

/**
 * How the sum over masks is scaled; f the score, M the mask, N how many, p the probability to keep:
 * - `'official'`: `Σ f·M / (N·p)`, as published and in eclique/RISE. Its level varies by chance.
 * - `'normalised'`: `Σ f·M / (Σ M + 1e-4)`, the mean score where a pixel was shown, as in Xplique.
 * - `'debiased'`: `Σ f·(M − p) / (N·p)`, as in XAITK-Saliency: around 0 where a pixel does not matter,
 *   negative where it speaks against the class.
 */
export type RiseVariant = 'official' | 'normalised' | 'debiased';

/** When to stop before all masks are used. */
export interface StableRule {
  /** Masks between two looks at the map, at least 2. @default 256 */
  readonly every?: number | undefined;
  /**
   * How far below 1 the correlation with the map of infinitely many masks may be, above 0 to 1. It is
   * estimated from the maps of the even and the odd masks. @default 0.02
   */
  readonly tolerance?: number | undefined;
}

/** Options of {@link rise}. */
export interface RiseOptions extends ExplainerOptions, WorkerOptions {
  /** How many masks, at least 1; the most, if `stopWhenStable`. The authors take 2000 to 8000. @default 4000 */
  readonly numMasks?: number | undefined;
  /** Cells of a mask per axis, from 1 to the size: one number, or `[rows, columns]`. The authors take 7 to 10. @default 8 */
  readonly gridSize?: number | readonly [number, number] | undefined;
  /** Probability that a cell is kept, above 0 and below 1. The authors take 0.5 or 0.1. @default 0.5 */
  readonly keepProbability?: number | undefined;
  /** Masks per call of the model, at least 1. Changes memory and speed, not the maps. @default 32 */
  readonly batchSize?: number | undefined;
  /** How the sum over masks is scaled. @default 'official' */
  readonly variant?: RiseVariant | undefined;
  /** Stops as soon as the maps of all targets are stable; `true` for the defaults of the rule. @default false */
  readonly stopWhenStable?: boolean | StableRule | undefined;
  /** Masks of another program, used in their order instead of drawn ones; `numMasks`, `gridSize` and `seed` are then not allowed. */
  readonly masks?: MaskGrids | undefined;
}

/** Options with their defaults filled in. */
export interface RiseSettings {
  readonly numMasks: number;
  readonly gridSize: number | readonly [number, number];
  readonly keepProbability: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly variant: RiseVariant;
  readonly stop: {readonly every: number; readonly tolerance: number} | null;
  readonly masks: MaskGrids | undefined;
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {TypeError} If an option is of the wrong kind, or `masks` come with what would draw them.
 * @throws {RangeError} If an option is out of its range.
 */
export function resolveRiseOptions(options: RiseOptions): RiseSettings {
  const {masks, keepProbability = 0.5, batchSize = 32, variant = 'official'} = options;
  const excluded = (['numMasks', 'gridSize', 'seed'] as const).filter((name) => masks !== undefined && options[name] !== undefined);
  if (excluded.length > 0)
    throw new TypeError(`rise: masks cannot be combined with ${excluded.join(', ')}, which say how masks are drawn.`);
  const {
    numMasks = 4000,
    gridSize = 8,
    seed = 0,
  } = masks === undefined ? options : {numMasks: masks.shifts.length / 2, gridSize: masks.gridSize};
  checkInteger('rise: numMasks', numMasks, 1);
  checkNumber('rise: keepProbability', keepProbability, Number.MIN_VALUE, 1);
  if (keepProbability === 1)
    throw new RangeError('rise: keepProbability must be below 1, but is 1: masks that hide nothing explain nothing.');
  checkInteger('rise: batchSize', batchSize, 1);
  checkInteger('rise: seed', seed, 0, 0xffffffff);
  checkOneOf('rise: variant', variant, ['official', 'normalised', 'debiased']);
  return {numMasks, gridSize, keepProbability, batchSize, seed, variant, masks, stop: resolveStop(options.stopWhenStable)};
}

function resolveStop(rule: RiseOptions['stopWhenStable']): RiseSettings['stop'] {
  if (rule === undefined || rule === false) return null;
  if (rule !== true && (typeof rule !== 'object' || (rule as unknown) === null)) {
    throw new TypeError(`rise: stopWhenStable must be true, false or {every, tolerance}, but is ${show(rule)}.`);
  }
  const {every = 256, tolerance = 0.02} = rule === true ? {} : rule;
  checkInteger('rise: stopWhenStable.every', every, 2);
  checkNumber('rise: stopWhenStable.tolerance', tolerance, Number.MIN_VALUE, 1);
  return {every, tolerance};
}
