/** One step along a gradient, and the check of what the last step has left. */
import {add, dispose, keep, mul, sum, tidy, variableGrads, type NamedTensorMap, type Scalar, type Variable} from '@tensorflow/tfjs-core';
import {NonFiniteLossError} from '../../core/errors/non-finite-loss-error.js';
import {disposeAbandonedTape} from '../../tfjs/abandoned-tape.js';
import type {Updater} from '../../tfjs/optimizer.js';
import {readScalars} from './read-scalars.js';

/** The loss to be minimised, and every number to be reported, all scalars. */
export type StepResult = {
  readonly total: Scalar;
  readonly reported: Readonly<Record<string, Scalar>>;
};

/** What a step changes, and how its messages name it. */
export interface GradientStep {
  readonly updater: Updater;
  /** What is updated. */
  readonly variables: Variable[];
  /** Which network that is. */
  readonly network: string;
  /** Where in the run this is. */
  readonly position: string;
}

/**
 * Takes one step and returns the numbers from before it.
 *
 * @param loss Computes them; its result is taken over.
 * @throws {NonFiniteLossError} If a number is NaN or infinite; the variables are then as they were.
 */
export async function gradientStep(
  loss: () => StepResult,
  {updater, variables, network, position}: GradientStep,
): Promise<Readonly<Record<string, number>>> {
  const {reported, gradients} = await slopesOf(loss, variables);
  try {
    checkLosses(network, position, reported);
    updater.apply(gradients);
    return reported;
  } finally {
    dispose(gradients);
  }
}

/** What a loss says of variables. */
export interface Slopes {
  /** The numbers to be reported, with the total. */
  readonly reported: Readonly<Record<string, number>>;
  /** By the name of the variable; the caller's. */
  readonly gradients: NamedTensorMap;
}

/** Computes a loss and its gradients. */
export async function slopesOf(loss: () => StepResult, variables: Variable[]): Promise<Slopes> {
  let held: Readonly<Record<string, Scalar>> = {};
  let gradients: NamedTensorMap = {};
  try {
    const computed = variableGrads(() => {
      const {total, reported} = loss();
      // Gradient functions run inside a tidy that would free what is to be reported.
      for (const scalar of Object.values(reported)) keep(scalar);
      // Where the backward pass throws, nobody else has the total.
      held = {...reported, total};
      return total;
    }, variables);
    gradients = computed.grads;
    return {reported: await readScalars(held), gradients};
  } catch (error) {
    disposeAbandonedTape();
    dispose(gradients);
    throw error;
  } finally {
    dispose({...held});
  }
}

/** @throws {NonFiniteLossError} If a number is NaN or infinite. */
export function checkLosses(network: string, position: string, reported: Slopes['reported']): void {
  const bad = Object.entries(reported).filter(([, value]) => !Number.isFinite(value));
  if (bad.length > 0) throw diverged(network, position, bad.map(([name, value]) => `${name} is ${value}`).join(', '));
}

/**
 * Checks what the last step of a stage has left, which no loss has seen.
 *
 * @throws {NonFiniteLossError} If a weight is NaN or infinite.
 */
export async function checkWeights(network: string, position: string, variables: readonly Variable[]): Promise<void> {
  if (variables.length === 0) return;
  // ∞ · 0 is NaN, so the sum is 0 if and only if all weights are finite.
  // One after the other: webgpu's addN takes no more tensors than a shader has buffers, and does not say so.
  const checksum = tidy(() => variables.map((variable) => sum<Scalar>(mul(variable, 0))).reduce((a, b) => add(a, b)));
  const {sum: value} = await readScalars({sum: checksum}).finally(() => checksum.dispose());
  if (value !== 0) throw diverged(network, position, 'weights are not finite after it; begin anew, since these no longer learn');
}

function diverged(network: string, position: string, what: string): NonFiniteLossError {
  return new NonFiniteLossError(
    `Training the ${network} network diverged at ${position}: ${what}. Try a 3 to 10 times lower learningRate, and check that the images are normalized as the teacher expects.`,
  );
}
