/** One training step of a stage: losses, gradients, update. */
import type {Variable} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import type {Networks} from '../networks.js';
import type {Stage} from '../progress.js';
import {gradientStep, type GradientStep} from './gradient-step.js';
import {stageLoss, type Objective, type PreparedBatch} from './objectives.js';
import type {LearnerVariables} from './run-place.js';

/** What a step needs besides the networks and the batch. */
export type TrainStep = Omit<Objective, 'training'> & Omit<GradientStep, 'network'>;

/** Lists what a stage trains. */
export function stageVariables(stage: Stage, {student, decoder}: Networks): LearnerVariables {
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
): Promise<Readonly<Record<string, number>>> {
  const loss = (): ReturnType<typeof stageLoss> => stageLoss(networks, prepared, {...objective, training: true});
  return gradientStep(loss, {updater, variables, position, network: objective.stage});
}
