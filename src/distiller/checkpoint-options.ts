/** When and where a training is written down. */
import {absentMeans, group, integer, number, required, text} from '../core/fields.js';
import type {Field, Settled} from '../core/options.js';

/** When and where a training is written down. The last two states are kept. */
export interface CheckpointOptions {
  /** A tfjs URL, as `save` takes it: `file://folder`, `indexeddb://name`. */
  readonly to: string;
  /** After every so many steps of the run, at least 1. @default by time */
  readonly everySteps?: number | undefined;
  /** After a step, when so many seconds have passed since the last time, at least 0. @default 60, unless everySteps is given */
  readonly everySeconds?: number | undefined;
}

/** `checkpoint`: when and where. */
export const checkpointField: Field<CheckpointOptions | undefined> = /* @__PURE__ */ absentMeans(
  group<Settled<CheckpointOptions, 'everySteps' | 'everySeconds'>>({
    to: required(text()),
    everySteps: absentMeans(integer(1), 'by time'),
    everySeconds: absentMeans(number(0), '60, unless everySteps is given'),
  }),
  'none',
);

const CHECKPOINT_SECONDS = 60;

/** Whether a state is to be written after so many steps, the last one at a time in milliseconds. */
export function isDue({everySteps, everySeconds}: CheckpointOptions, steps: number, written: number): boolean {
  const seconds = everySeconds ?? (everySteps === undefined ? CHECKPOINT_SECONDS : Infinity);
  return (everySteps !== undefined && steps % everySteps === 0) || performance.now() - written >= 1000 * seconds;
}
