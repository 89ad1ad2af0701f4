/** Learning-rate schedules: a factor on the rate, by epoch. */
import {checkNumber} from '../core/check.js';
import {integer, number, required, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';

/**
 * The factor on the learning rate. `epoch` counts from 0 and is fractional: the middle of a step, or
 * of the epoch while its length is unknown; `epochs` is the length of the stage.
 */
export type LearningRateSchedule = (epoch: number, epochs: number) => number;

/** Keeps the rate as it is. */
export const constantSchedule: LearningRateSchedule = () => 1;

// Adam's first steps are as long as any; taken at the full rate they can saturate the map for good.
const WARM_UP = 0.05;

/**
 * Raises the rate over the first twentieth of the stage, then lowers it along half a cosine to 0.
 *
 * @throws {TypeError | RangeError} If `epoch` is negative or `epochs` is not above 0.
 */
export const cosineSchedule: LearningRateSchedule = (epoch, epochs) => {
  checkNumber('cosineSchedule: epoch', epoch, 0);
  checkNumber('cosineSchedule: epochs', epochs, Number.MIN_VALUE);
  const done = Math.min(1, epoch / epochs);
  return Math.min(1, done / WARM_UP) * ((1 + Math.cos(Math.PI * done)) / 2);
};

/** Options of {@link stepSchedule}. */
export interface StepScheduleOptions {
  /** Epochs at the full rate, at least 1. */
  readonly initialEpochs: number;
  /** Epochs between two drops, at least 1. */
  readonly every: number;
  /** Number of drops. @default 3 */
  readonly times?: number | undefined;
  /** Factor of each drop, at least 0. @default 0.1 */
  readonly factor?: number | undefined;
}

/** The options of {@link stepSchedule}. */
export const stepScheduleSchema: OptionsSchema<Settled<StepScheduleOptions>> = {
  where: 'stepSchedule',
  fields: {
    initialEpochs: required(integer(1)),
    every: required(integer(1)),
    times: withDefault(integer(), 3),
    factor: withDefault(number(0), 0.1),
  },
};

/**
 * Keeps the rate for some epochs, then lowers it in equal steps (Lee & Kim, section 4.1): the
 * student's is `{initialEpochs: 100, every: 30}`, the explanation network's
 * `{initialEpochs: 10, every: 2}`.
 *
 * @throws {TypeError} If an option is missing, unknown or of the wrong kind.
 * @throws {RangeError} If a count is not a whole number, or the factor is negative.
 */
export function stepSchedule(options: StepScheduleOptions): LearningRateSchedule {
  const {initialEpochs, every, times, factor} = readOptions(stepScheduleSchema, options);
  return (epoch) => factor ** (epoch < initialEpochs ? 0 : Math.min(times, 1 + Math.floor((epoch - initialEpochs) / every)));
}
