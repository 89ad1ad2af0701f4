/** Options of RISE: what they mean, their limits and their defaults. */
import {batchSizeField, progressField, seedField, signalField, targetField, workersField} from '../../core/common-options.js';
import {boolean, either, group, integer, number, oneOf, withDefault, absentMeans, between, custom} from '../../core/fields.js';
import {readOptions, settleGroup, type OptionsSchema, type Settled} from '../../core/options.js';
import type {ExplainerOptions, SeedOptions, WorkerOptions} from '../../core/types.js';
import {fillField, type Fill} from '../../queries/fill.js';
import {gridSizeField, isMaskGrids, type MaskGrids} from './masks.js';

/**
 * How the sum over masks is scaled; f the score, M the mask, N how many, p the probability to keep:
 * - `'official'`: `Σ f·M / (N·p)`, as published and in eclique/RISE. Its level varies by chance.
 * - `'normalized'`: `Σ f·M / (Σ M + 1e-4)`, the mean score where a pixel was shown, as in Xplique.
 * - `'debiased'`: `Σ f·(M − p) / (N·p)`, as in XAITK-Saliency: around 0 where a pixel does not matter,
 *   negative where it speaks against the class.
 */
export type RiseVariant = 'official' | 'normalized' | 'debiased';

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
export interface RiseOptions extends ExplainerOptions, SeedOptions, WorkerOptions {
  /** How many masks, at least 1; the most, if `stopWhenStable`. The authors take 2000 to 8000. @default 4000 */
  readonly numMasks?: number | undefined;
  /** Cells of a mask per axis, from 1 to the size: one number, or `[rows, columns]`. The authors take 7 to 10. @default 8 */
  readonly gridSize?: number | readonly [number, number] | undefined;
  /** Probability that a cell is kept, above 0 and below 1. The authors take 0.5 or 0.1. @default 0.5 */
  readonly keepProbability?: number | undefined;
  /** What stands where pixels are hidden. @default 'zeros' */
  readonly fill?: Fill | undefined;
  /** How the sum over masks is scaled. @default 'official' */
  readonly variant?: RiseVariant | undefined;
  /** Stops as soon as the maps of all targets are stable; `true` for the defaults of the rule. @default false */
  readonly stopWhenStable?: boolean | StableRule | undefined;
  /** Masks of another program, used in their order instead of drawn ones; `numMasks`, `gridSize` and `seed` are then not allowed. @default drawn */
  readonly masks?: MaskGrids | undefined;
}

/** Options with their defaults filled in. */
export interface RiseSettings extends Settled<RiseOptions, 'signal' | 'onProgress' | 'masks'> {
  readonly stopWhenStable: false | Settled<StableRule>;
}

const stableRule: OptionsSchema<Settled<StableRule>>['fields'] = {
  every: withDefault(integer(2), 256),
  tolerance: withDefault(number(Number.MIN_VALUE, 1), 0.02),
};
/** The options of {@link rise}. */
export const riseSchema: OptionsSchema<Settled<RiseOptions, 'signal' | 'onProgress' | 'masks'>> = {
  where: 'rise',
  fields: {
    target: targetField,
    numMasks: withDefault(integer(1), 4000),
    gridSize: withDefault(gridSizeField, 8),
    keepProbability: withDefault(between(0, 1), 0.5),
    fill: withDefault(fillField, 'zeros'),
    variant: withDefault(oneOf('official', 'normalized', 'debiased'), 'official'),
    stopWhenStable: withDefault<boolean | Settled<StableRule>, false>(either(boolean(), group<Settled<StableRule>>(stableRule)), false),
    masks: absentMeans(
      custom<MaskGrids>('{gridSize, bits, shifts}', (value) => (isMaskGrids(value) ? undefined : 'kind')),
      'drawn',
    ),
    batchSize: batchSizeField,
    seed: seedField,
    workers: workersField,
    signal: signalField,
    onProgress: progressField,
  },
};

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {TypeError} If an option is unknown or of the wrong kind, or `masks` come with what would draw them.
 * @throws {RangeError} If an option is out of its range.
 */
export function riseSettings(options: RiseOptions | undefined): RiseSettings {
  const settings = readOptions(riseSchema, options);
  const {masks, stopWhenStable} = settings;
  const stop = stopWhenStable === true ? settleGroup(stableRule, {}) : (stopWhenStable as false | Settled<StableRule>);
  if (masks === undefined) return {...settings, stopWhenStable: stop};
  const excluded = (['numMasks', 'gridSize', 'seed'] as const).filter((name) => options?.[name] !== undefined);
  if (excluded.length > 0)
    throw new TypeError(`rise: masks cannot be combined with ${excluded.join(', ')}, which say how masks are drawn.`);
  return {...settings, stopWhenStable: stop, numMasks: masks.shifts.length / 2, gridSize: masks.gridSize};
}
