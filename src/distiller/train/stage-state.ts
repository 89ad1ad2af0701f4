/** The state of a stage between two steps: written down when it is time to, and brought back. */
import {at} from '../../core/at.js';
import type {StageRun} from './stage-run.js';
import {describeSettings, type TrainingPlace, type TrainingState} from './training-state.js';

const CHECKPOINT_SECONDS = 60;

/** Brings a stage to where an earlier run was interrupted. */
export function restore({variables, updater, averages, best, guard}: StageRun, {place, tensors}: TrainingState): void {
  variables.all.forEach((variable, index) => variable.assign(at(tensors.weights, index)));
  best.restore({loss: place.bestLoss, epochsSince: place.epochsSinceBest, weights: tensors.best});
  updater.restore(variables.trainable, {steps: place.updates, places: place.moved, tensors: tensors.optimizer});
  averages.restore({steps: place.averaged, means: tensors.means});
  guard?.restore(tensors.guard);
}

/** Writes down where the run stands, where it is time to. */
export async function writeIfDue(stageRun: StageRun, epoch: number, step: number): Promise<void> {
  const {run} = stageRun;
  const {steps, settings} = run;
  if (settings.checkpoint === undefined) return;
  const {everySteps, everySeconds = everySteps === undefined ? CHECKPOINT_SECONDS : Infinity} = settings.checkpoint;
  const isDue = (everySteps !== undefined && steps % everySteps === 0) || performance.now() - run.written >= 1000 * everySeconds;
  if (isDue) await writeState(stageRun, epoch, step);
}

/**
 * Stops a run whose signal has aborted, between two steps. Where the run stands is written down first, unless that has been done.
 *
 * @throws The signal's reason.
 */
export async function stopIfAborted(stageRun: StageRun, epoch: number, step: number): Promise<void> {
  const {signal} = stageRun.run.settings;
  if (signal?.aborted !== true) return;
  if (step > 0 && stageRun.run.writtenSteps !== stageRun.run.steps) await writeState(stageRun, epoch, step);
  signal.throwIfAborted();
}

async function writeState(
  {run, stage, variables, updater, averages, best, guard, length}: StageRun,
  epoch: number,
  step: number,
): Promise<void> {
  const {write, steps, history, settings, epochLength, started} = run;
  if (write === undefined) return;
  const optimizer = updater.state(variables.trainable);
  const means = averages.state;
  const place: TrainingPlace = {
    stage,
    epoch,
    step,
    steps,
    seconds: (performance.now() - started) / 1000,
    stageSeconds: length.course.seconds,
    stageSteps: length.steps,
    epochLength: Number.isNaN(epochLength) ? undefined : epochLength,
    updates: optimizer.steps,
    moved: optimizer.places,
    averaged: means.steps,
    bestLoss: best.state.loss,
    epochsSinceBest: best.epochsSince,
    settings: describeSettings(settings),
  };
  const tensors = {
    weights: variables.all,
    optimizer: optimizer.tensors,
    means: means.means,
    guard: guard?.state ?? [],
    best: best.state.weights,
  };
  await write({place, history, tensors});
  run.written = performance.now();
  run.writtenSteps = steps;
}
