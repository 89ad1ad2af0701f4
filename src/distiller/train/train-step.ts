/** One training step: losses, gradients, update. */
import {dispose, keep, variableGrads, type Tensor, type Variable} from '@tensorflow/tfjs-core';
import {disposeAbandonedTape} from '../../tfjs/abandoned-tape.js';
import {NonFiniteLossError} from '../../core/errors/non-finite-loss-error.js';
import {stageLoss, type Networks, type PreparedBatch, type StepResult} from './objectives.js';
import type {Updater} from '../../tfjs/optimizer.js';
import type {FitSettings, Stage} from '../options.js';
import {readScalars} from './read-scalars.js';

/** What a step needs besides the networks and the batch. */
export interface StepContext {
  readonly stage: Stage;
  readonly settings: FitSettings;
  /** λ in force. */
  readonly lambda: number;
  readonly updater: Updater;
  /** What is updated, see {@link trainableVariables}. */
  readonly variables: Variable[];
  /** Where in the run this is, for messages. */
  readonly where: string;
}

/** Lists what a stage trains. */
export function trainableVariables(stage: Stage, {student, decoder}: Networks): Variable[] {
  const models = {student: [student.model], explanation: [decoder], joint: [student.model, decoder]}[stage];
  return models.flatMap((model) => model.trainableWeights.map((weight) => weight.read() as Variable));
}

/**
 * Takes one step and returns the losses and statistics from before it.
 *
 * @param prepared Borrowed.
 * @throws {NonFiniteLossError} If a loss is NaN or infinite; the networks are then as they were.
 */
export async function trainStep(networks: Networks, prepared: PreparedBatch, context: StepContext): Promise<Record<string, number>> {
  const {stage, settings, lambda, updater, variables, where} = context;
  let result: StepResult | undefined;
  let grads: Record<string, Tensor> = {};
  try {
    const computed = variableGrads(() => {
      result = stageLoss(stage, networks, prepared, settings, lambda, true);
      // Gradient functions run inside a tidy that would free what is to be reported.
      for (const scalar of Object.values(result.reported)) keep(scalar);
      return result.total;
    }, variables);
    grads = computed.grads;
    const reported = await readScalars({...(result as unknown as StepResult).reported, total: computed.value});
    computed.value.dispose();
    const bad = Object.entries(reported).filter(([, value]) => !Number.isFinite(value));
    if (bad.length > 0) {
      const parts = bad.map(([name, value]) => `${name} is ${value}`).join(', ');
      throw new NonFiniteLossError(
        `Training the ${stage} network diverged at ${where}: ${parts}. Try a 3 to 10 times lower learningRate, and check that the images are normalised as the teacher expects.`,
      );
    }
    updater.apply(grads);
    return reported;
  } catch (error) {
    disposeAbandonedTape();
    // Where the backward pass threw, nobody else has it.
    dispose({...result});
    throw error;
  } finally {
    dispose(grads);
    dispose({...result?.reported});
  }
}
