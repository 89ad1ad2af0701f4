/** The steps of an epoch: which batches they are on, and at what rate. */
import {checkNumber} from '../../core/check.js';
import {yieldToEvents} from '../../core/yield-to-events.js';
import {iterateBatches, type TrainingBatch, type TrainingBatches} from '../../data/batches.js';
import type {LearningRateSchedule} from '../schedule.js';
import type {StageLength} from '../stage-length.js';

/** What is gone over. */
export interface Epoch {
  /** Names the caller in messages. */
  readonly where: string;
  readonly batches: TrainingBatches;
  /** From 0. */
  readonly epoch: number;
  /** How many steps of it an earlier run has done. */
  readonly skipped: number;
  readonly length: StageLength;
  /** Called between steps, with how many of the epoch have been gone over; throws where the training is to stop. */
  readonly stop: (step: number) => Promise<void>;
}

/** A batch of an epoch. */
export interface EpochStep {
  readonly batch: TrainingBatch;
  /** From 0. */
  readonly step: number;
  /** Whether an earlier run has trained on it: the last of those is given as well, for what depends on it. */
  readonly isDone: boolean;
}

/**
 * Goes over the batches that an epoch still has, until it or the training is over.
 *
 * @param onEnd Told how many batches the epoch has, where it comes to its end.
 * @throws {RangeError} If the epoch has fewer batches than an earlier run has trained on.
 */
export async function* epochSteps(
  {where, batches, epoch, skipped, length, stop}: Epoch,
  onEnd: (steps: number) => void,
): AsyncGenerator<EpochStep> {
  let step = 0;
  for await (const batch of iterateBatches(where, batches, epoch)) {
    await yieldToEvents();
    await stop(step);
    if (step >= skipped - 1) {
      yield {batch, step, isDone: step < skipped};
      if (length.isOver) return;
    }
    step++;
  }
  if (step < skipped) {
    throw new RangeError(
      `${where}: epoch ${epoch + 1} has ${step} batches, but the training was interrupted after ${skipped} of them. Give the batches that it began with.`,
    );
  }
  onEnd(step);
  await stop(step);
}

/** Where a step stands, for schedules. */
export interface StepPlace {
  /** Epochs that have passed at its middle. */
  readonly passed: number;
  /** Epochs of the whole stage. */
  readonly epochs: number;
  /** The rate in force. */
  readonly rate: number;
}

/**
 * Places a step in its stage.
 *
 * @param epochLength Steps per epoch; NaN until that is known.
 * @throws {TypeError | RangeError} If the schedule gives no factor of at least 0.
 */
export function stepPlace(
  where: string,
  {learningRate, schedule, length}: {readonly learningRate: number; readonly schedule: LearningRateSchedule; readonly length: StageLength},
  {epoch, step}: {readonly epoch: number; readonly step: number},
  epochLength: number,
): StepPlace {
  const passed = epoch + (Number.isNaN(epochLength) ? 0.5 : Math.min(1, (step + 0.5) / epochLength));
  const epochs = length.epochsAt(passed, epochLength);
  return {passed, epochs, rate: learningRate * checkNumber(`${where}: the factor of schedule`, schedule(passed, epochs), 0)};
}
