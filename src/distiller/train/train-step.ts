/** One training step: losses, gradients, update. */
import {add, dispose, keep, mul, sum, tidy, variableGrads, type NamedTensorMap, type Scalar, type Variable} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {NonFiniteLossError} from '../../core/errors/non-finite-loss-error.js';
import {disposeAbandonedTape} from '../../tfjs/abandoned-tape.js';
import type {Updater} from '../../tfjs/optimizer.js';
import type {Networks} from '../networks.js';
import type {Stage} from '../progress.js';
import {stageLoss, type Objective, type PreparedBatch} from './objectives.js';
import {readScalars} from './read-scalars.js';

/** What a step needs besides the networks and the batch. */
export interface TrainStep extends Omit<Objective, 'training'> {
  readonly updater: Updater;
  /** What is updated. */
  readonly variables: Variable[];
  /** Where in the run this is, for messages. */
  readonly position: string;
}

/** What a stage works on. */
export interface StageVariables {
  /** What is updated. */
  readonly trainable: Variable[];
  /** That, and what a step changes by the way: the statistics of batch norms. */
  readonly all: Variable[];
}

/** Lists what a stage trains. */
export function stageVariables(stage: Stage, {student, decoder}: Networks): StageVariables {
  const models = {student: [student.model], explanation: [decoder], joint: [student.model, decoder]}[stage];
  const read = (weights: LayersModel['weights']): Variable[] => weights.map((weight) => weight.read() as Variable);
  return {
    trainable: models.flatMap((model) => read(model.trainableWeights)),
    all: models.flatMap((model) => read(model.weights)),
  };
}

/**
 * Takes one step and returns the losses and statistics from before it.
 *
 * @param prepared Borrowed.
 * @throws {NonFiniteLossError} If a loss is NaN or infinite; the networks are then as they were.
 */
export async function trainStep(
  networks: Networks,
  prepared: PreparedBatch,
  {updater, variables, position, ...objective}: TrainStep,
): Promise<Record<string, number>> {
  let held: Readonly<Record<string, Scalar>> = {};
  let gradients: NamedTensorMap = {};
  try {
    const computed = variableGrads(() => {
      const {total, reported} = stageLoss(networks, prepared, {...objective, training: true});
      // Gradient functions run inside a tidy that would free what is to be reported.
      for (const scalar of Object.values(reported)) keep(scalar);
      // Where the backward pass throws, nobody else has the total.
      held = {...reported, total};
      return total;
    }, variables);
    gradients = computed.grads;
    const reported = await readScalars(held);
    const bad = Object.entries(reported).filter(([, value]) => !Number.isFinite(value));
    if (bad.length > 0) throw diverged(objective.stage, position, bad.map(([name, value]) => `${name} is ${value}`).join(', '));
    updater.apply(gradients);
    return reported;
  } catch (error) {
    disposeAbandonedTape();
    throw error;
  } finally {
    dispose(gradients);
    dispose({...held});
  }
}

/**
 * Checks what the last step of a stage has left, which no loss has seen.
 *
 * @throws {NonFiniteLossError} If a weight is NaN or infinite.
 */
export async function checkWeights(stage: Stage, position: string, variables: readonly Variable[]): Promise<void> {
  if (variables.length === 0) return;
  // ∞ · 0 is NaN, so the sum is 0 if and only if all weights are finite.
  // One after the other: webgpu's addN takes no more tensors than a shader has buffers, and does not say so.
  const checksum = tidy(() => variables.map((variable) => sum<Scalar>(mul(variable, 0))).reduce((a, b) => add(a, b)));
  const {sum: value} = await readScalars({sum: checksum}).finally(() => checksum.dispose());
  if (value !== 0) throw diverged(stage, position, 'weights are not finite after it; make a new distiller, since these no longer learn');
}

function diverged(stage: Stage, position: string, what: string): NonFiniteLossError {
  return new NonFiniteLossError(
    `Training the ${stage} network diverged at ${position}: ${what}. Try a 3 to 10 times lower learningRate, and check that the images are normalized as the teacher expects.`,
  );
}
