/** Where a run of `fit` stands between two steps: all that its next step depends on. */
import {dispose, type Tensor} from '@tensorflow/tfjs-core';
import {integer, number, oneOf, required} from '../../core/fields.js';
import type {OptionsSchema} from '../../core/options.js';
import type {Stage, TrainingProgress} from '../progress.js';
import type {FitSettings} from '../options.js';
import {describeSettings, runPlaceFields, type RunPlace, type RunTensors} from './run-place.js';

/** The numbers of a state. */
export interface TrainingPlace extends RunPlace {
  readonly stage: Stage;
  /** Seconds of the stage. */
  readonly stageSeconds: number;
  /** Steps of the stage. */
  readonly stageSteps: number;
  /** Steps in the running means. */
  readonly averaged: number;
}

/** The tensors of a state; the weights are those of the networks that the stage trains. */
export interface TrainingTensors extends RunTensors {
  readonly means: readonly Tensor[];
  /** What the guard of a copied student holds; empty without one. */
  readonly guard: readonly Tensor[];
}

/** Where a run stands. */
export interface TrainingState {
  readonly place: TrainingPlace;
  readonly tensors: TrainingTensors;
  /** Every record so far. */
  readonly history: readonly TrainingProgress[];
}

/** The fields of {@link TrainingPlace}. */
export const placeFields: OptionsSchema<TrainingPlace>['fields'] = {
  ...runPlaceFields,
  stage: required(oneOf('student', 'explanation', 'joint')),
  stageSeconds: required(number(0)),
  stageSteps: required(integer(1)),
  averaged: required(integer(0)),
};

/** Frees a state's tensors. */
export function disposeState({tensors}: {readonly tensors: object}): void {
  dispose((Object.values(tensors) as Tensor[][]).flat());
}

/** Lists the options of a run that have to be the same when it is resumed. */
export function fitDescription(settings: FitSettings): string[] {
  // Threads learn a batch in parts, however many there are.
  const workers = settings.workers === 0 ? 0 : 'any number from 1';
  return describeSettings({...settings, workers, signal: undefined, checkpoint: undefined, validation: settings.validation !== undefined});
}
