/** How a stage learns from batches: here, in the thread of the caller; learner-in-threads.ts shares the work out. */
import {dispose, type Tensor2D} from '@tensorflow/tfjs-core';
import {yieldToEvents} from '../../core/yield-to-events.js';
import type {Updater} from '../../tfjs/optimizer.js';
import {answerBatch, type BatchImages} from './prepare-batch.js';
import type {StageNetworks} from './stage-networks.js';
import {scalarsOf, type NamedScalars, type Objective} from './objectives.js';
import type {LearnerVariables} from './run-place.js';
import {trainStep} from './train-step.js';

/** What a batch is measured by. */
export interface Measuring extends Omit<Objective, 'training' | 'first'> {
  /** Names the caller and the batch in messages. */
  readonly batchName: string;
}

/** What a step needs besides the batch. */
export interface Stepping extends Measuring {
  readonly updater: Updater;
  /** Where in the run this is, for messages. */
  readonly position: string;
}

/** What a step has come to. */
export interface StepTaken {
  /** Losses and statistics from before it. */
  readonly numbers: Readonly<Record<string, number>>;
  /** `[N,K]`, the caller's. */
  readonly teacherLogits: Tensor2D;
}

/** Learns a stage, batch by batch. Batches are borrowed. */
export interface BatchLearner {
  /** Takes one step. @throws {NonFiniteLossError} If a loss is NaN or infinite; the networks are then as they were. */
  step(batch: BatchImages, stepping: Stepping): Promise<StepTaken>;
  /** Computes losses and statistics, the caller's, and changes nothing. */
  measure(batch: BatchImages, measuring: Measuring): Promise<NamedScalars>;
  /** Frees what it holds; the networks stay. */
  dispose(): void;
}

/** Learns in this thread, every batch in one. */
export function learnHere(networks: StageNetworks, {trainable}: LearnerVariables): BatchLearner {
  return {
    step: async (batch, {batchName, ...stepping}) => {
      const prepared = await answerBatch(batchName, networks, batch, stepping);
      try {
        await yieldToEvents();
        const numbers = await trainStep(networks, prepared, {...stepping, variables: trainable});
        return {numbers, teacherLogits: prepared.teacherLogits.clone()};
      } finally {
        dispose({...prepared});
      }
    },
    measure: async (batch, {batchName, ...measuring}) => {
      const prepared = await answerBatch(batchName, networks, batch, measuring);
      try {
        return scalarsOf(networks, prepared, {...measuring, training: false});
      } finally {
        dispose({...prepared});
      }
    },
    dispose: () => undefined,
  };
}
