/**
 * Where a run stands between two steps: all that its next step depends on. What is drawn needs no state, since every
 * step draws from the seed and its own place; batches are gone over again up to that place.
 */
import {dispose, type Tensor} from '@tensorflow/tfjs-core';
import {absentMeans, integer, list, number, oneOf, required, text} from '../../core/fields.js';
import type {OptionsSchema} from '../../core/options.js';
import type {Stage, TrainingProgress} from '../progress.js';
import type {FitSettings} from '../options.js';

/** The numbers of a state. */
export interface TrainingPlace {
  readonly stage: Stage;
  /** From 0. */
  readonly epoch: number;
  /** Steps of that epoch that are done. */
  readonly step: number;
  /** Steps of the run. */
  readonly steps: number;
  /** Seconds of the run, and of the stage. */
  readonly seconds: number;
  readonly stageSeconds: number;
  /** Steps of the stage. */
  readonly stageSteps: number;
  /** Batches per epoch; absent while that is not known. */
  readonly epochLength?: number | undefined;
  /** Steps of the optimiser, and which variables it has moved. */
  readonly updates: number;
  readonly moved: readonly number[];
  /** Steps in the running means. */
  readonly averaged: number;
  /** The least validation loss so far; absent before the first validation. */
  readonly bestLoss?: number | undefined;
  /** Epochs since then. */
  readonly epochsSinceBest: number;
  /** The options of the run, see {@link describeSettings}. */
  readonly settings: readonly string[];
}

/** The tensors of a state. */
export interface TrainingTensors {
  /** The weights of the networks that the stage trains, as the last step left them. */
  readonly weights: readonly Tensor[];
  readonly optimizer: readonly Tensor[];
  readonly means: readonly Tensor[];
  /** What the guard of a copied student holds; empty without one. */
  readonly guard: readonly Tensor[];
  /** The weights after the best epoch; empty where they are not kept. */
  readonly best: readonly Tensor[];
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
  stage: required(oneOf('student', 'explanation', 'joint')),
  epoch: required(integer(0)),
  step: required(integer(1)),
  steps: required(integer(1)),
  seconds: required(number(0)),
  stageSeconds: required(number(0)),
  stageSteps: required(integer(1)),
  epochLength: absentMeans(integer(1), 'not known'),
  updates: required(integer(0)),
  moved: required(list(integer(0))),
  averaged: required(integer(0)),
  bestLoss: absentMeans(number(), 'no validation yet'),
  epochsSinceBest: required(integer(0)),
  settings: required(list(text())),
};

/** Frees a state's tensors. */
export function disposeState({tensors}: TrainingState): void {
  dispose(Object.values(tensors).flat());
}

/** Lists the options of a run as `name: value`; of functions, only that there are some. */
export function describeSettings(settings: FitSettings): string[] {
  const plain = (_: string, value: unknown): unknown => (typeof value === 'function' ? 'a function' : value);
  const all = Object.entries({...settings, signal: undefined, checkpoint: undefined, validation: settings.validation !== undefined});
  return all.map(([name, value]) => `${name}: ${JSON.stringify(value, plain) ?? 'none'}`);
}

/**
 * Checks that a run goes on as it began.
 *
 * @throws {RangeError} If an option has another value; names it.
 */
export function checkSameSettings(where: string, {place}: TrainingState, settings: FitSettings): void {
  const given = describeSettings(settings);
  const changed = given.filter((each) => !place.settings.includes(each));
  if (changed.length === 0) return;
  const nameOf = (text: string): string => text.slice(0, text.indexOf(':'));
  const before = changed.map((each) => place.settings.find((other) => nameOf(other) === nameOf(each)) ?? `${nameOf(each)}: none`);
  throw new RangeError(
    `${where}: a training that is resumed needs the options that it began with, ${before.join('; ')}, but was given ${changed.join('; ')}. To train what is there in another way, load it with AttentiveDistiller.load().`,
  );
}
