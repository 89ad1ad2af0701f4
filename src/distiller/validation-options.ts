/** The options of measuring a training on images that are not trained on. */
import {absentMeans, boolean, custom, integer} from '../core/fields.js';
import type {OptionsSchema, Settled} from '../core/options.js';
import type {TrainingBatches} from '../data/batches.js';
import {batchesRule, isBatches} from './check-batches.js';

/** What is measured after every epoch, and what follows from it. */
export interface ValidationOptions {
  /** Measured after every epoch of every stage: the losses, on images not trained on. @default none */
  readonly validation?: TrainingBatches | undefined;
  /**
   * Whether a stage leaves the weights of the epoch whose validation had the least `total`, instead of the last ones.
   * @default true with patience, otherwise false
   */
  readonly keepBest?: boolean | undefined;
  /**
   * Early stopping: how many epochs without a better validation end a stage, at least 1. The schedule goes by the epochs
   * that are planned. @default none
   */
  readonly patience?: number | undefined;
}

/** The fields of {@link ValidationOptions}. */
export const validationFields: OptionsSchema<Settled<ValidationOptions, keyof ValidationOptions>>['fields'] = {
  validation: absentMeans(
    custom<TrainingBatches>(batchesRule, (value) => (isBatches(value) ? undefined : 'kind')),
    'none',
  ),
  keepBest: absentMeans(boolean(), 'true with patience, otherwise false'),
  patience: absentMeans(integer(1), 'none'),
};

/** Refuses to keep or to stop by a validation that there is not. @throws {TypeError} If that is asked for. */
export function checkKeptByValidation(where: string, {validation, keepBest, patience}: ValidationOptions): void {
  if (validation === undefined && (patience !== undefined || keepBest === true))
    throw new TypeError(
      `${where}: ${patience === undefined ? 'keepBest' : 'patience'} goes by the validation, so give validation batches too.`,
    );
}
