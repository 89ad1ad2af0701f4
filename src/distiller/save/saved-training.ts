/** A training under way as a save holds it, but for its tensors. */
import {custom, group, integer, required} from '../../core/fields.js';
import type {Field, OptionsSchema} from '../../core/options.js';
import type {StepProgress} from '../progress.js';
import type {RunPlace} from '../train/run-place.js';

/** Where a run stands, and every record so far. */
export interface SavedTraining<P extends RunPlace, R extends StepProgress> {
  /** Goes up with every state that is written. */
  readonly serial: number;
  readonly place: P;
  readonly history: readonly R[];
}

/** The field of a training whose place has these fields. */
export function savedTrainingField<P extends RunPlace, R extends StepProgress>(
  placeFields: OptionsSchema<P>['fields'],
): Field<SavedTraining<P, R> | undefined> {
  return group<SavedTraining<P, R>>({
    serial: required(integer(0)),
    place: required(group<P>(placeFields)),
    history: required(custom<readonly R[]>('a list of records', (value) => (Array.isArray(value) ? undefined : 'kind'))),
  });
}

/** Records as they were before they became JSON, which has no NaN. */
export function revivedHistory<R extends StepProgress>(history: readonly R[]): R[] {
  return history.map((record) => ({...record, total: record.total ?? NaN, secondsLeft: record.secondsLeft ?? NaN}));
}
