/**
 * Where a run stands between two steps, as far as any training has it: the weights, the optimiser's memory, the place
 * in the data. What is drawn needs no state, since every step draws from the seed and its own place; batches are gone
 * over again up to that place.
 */
import type {Tensor, Variable} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {absentMeans, integer, list, number, required, text} from '../../core/fields.js';
import type {OptionsSchema} from '../../core/options.js';
import type {Updater} from '../../tfjs/optimizer.js';
import type {BestWeights} from './best-weights.js';

/** The numbers of a place. */
export interface RunPlace {
  /** From 0. */
  readonly epoch: number;
  /** Steps of that epoch that are done. */
  readonly step: number;
  /** Steps of the run. */
  readonly steps: number;
  /** Seconds of the run. */
  readonly seconds: number;
  /** Batches per epoch; absent while that is not known. */
  readonly epochLength?: number | undefined;
  /** Steps of the optimiser, and which variables it has moved. */
  readonly updates: number;
  readonly moved: readonly number[];
  /** The least validation loss so far; absent before the first validation. */
  readonly bestLoss?: number | undefined;
  /** Epochs since then. */
  readonly epochsSinceBest: number;
  /** The options of the run, see {@link describeSettings}. */
  readonly settings: readonly string[];
}

/** The fields of {@link RunPlace}. */
export const runPlaceFields: OptionsSchema<RunPlace>['fields'] = {
  epoch: required(integer(0)),
  step: required(integer(1)),
  steps: required(integer(1)),
  seconds: required(number(0)),
  epochLength: absentMeans(integer(1), 'not known'),
  updates: required(integer(0)),
  moved: required(list(integer(0))),
  bestLoss: absentMeans(number(), 'no validation yet'),
  epochsSinceBest: required(integer(0)),
  settings: required(list(text())),
};

/** The tensors of a place. */
export interface RunTensors {
  /** The weights of what is trained, as the last step left them. */
  readonly weights: readonly Tensor[];
  readonly optimizer: readonly Tensor[];
  /** The weights after the best epoch; empty where they are not kept. */
  readonly best: readonly Tensor[];
}

/** What a run changes. */
export interface Learner {
  readonly variables: LearnerVariables;
  readonly updater: Updater;
  readonly best: BestWeights;
}

/** The weights of a {@link Learner}. */
export interface LearnerVariables {
  /** What is updated. */
  readonly trainable: Variable[];
  /** That, and what a step changes by the way: the statistics of batch norms. */
  readonly all: Variable[];
}

/** What a run counts by itself. */
export type Counted = Pick<RunPlace, 'epoch' | 'step' | 'steps' | 'seconds' | 'settings'> & {
  /** NaN while it is not known. */
  readonly epochLength: number;
};

/** Describes where a run stands; the tensors are the learner's. */
export function placeOf({variables, updater, best}: Learner, {epochLength, ...counted}: Counted): {place: RunPlace; tensors: RunTensors} {
  const optimizer = updater.state(variables.trainable);
  const {loss, epochsSince, weights} = best.state;
  return {
    place: {
      ...counted,
      epochLength: Number.isNaN(epochLength) ? undefined : epochLength,
      updates: optimizer.steps,
      moved: optimizer.places,
      bestLoss: loss,
      epochsSinceBest: epochsSince,
    },
    tensors: {weights: variables.all, optimizer: optimizer.tensors, best: weights},
  };
}

/** Brings a learner to where an earlier run was interrupted; borrows the tensors. */
export function restoreLearner({variables, updater, best}: Learner, place: RunPlace, tensors: RunTensors): void {
  variables.all.forEach((variable, index) => variable.assign(at(tensors.weights, index)));
  best.restore({loss: place.bestLoss, epochsSince: place.epochsSinceBest, weights: tensors.best});
  updater.restore(variables.trainable, {steps: place.updates, places: place.moved, tensors: tensors.optimizer});
}

/** Lists options as `name: value`; of functions, only that there are some. */
export function describeSettings(settings: object): string[] {
  const plain = (_: string, value: unknown): unknown => (typeof value === 'function' ? 'a function' : value);
  return Object.entries(settings).map(([name, value]) => `${name}: ${JSON.stringify(value, plain) ?? 'none'}`);
}

/**
 * Checks that a run goes on as it began.
 *
 * @param given What {@link describeSettings} says of its options.
 * @param otherwise What to do to train in another way.
 * @throws {RangeError} If an option has another value; names it.
 */
export function checkSameSettings(where: string, {settings}: RunPlace, given: readonly string[], otherwise: string): void {
  const changed = given.filter((each) => !settings.includes(each));
  if (changed.length === 0) return;
  const nameOf = (text: string): string => text.slice(0, text.indexOf(':'));
  const before = changed.map((each) => settings.find((other) => nameOf(other) === nameOf(each)) ?? `${nameOf(each)}: none`);
  throw new RangeError(
    `${where}: a training that is resumed needs the options that it began with, ${before.join('; ')}, but was given ${changed.join('; ')}. ${otherwise}`,
  );
}
