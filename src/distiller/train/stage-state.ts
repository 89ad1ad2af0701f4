/** The state of a stage between two steps: written down when it is time to, and brought back. */
import {isDue} from '../checkpoint-options.js';
import {placeOf, restoreLearner} from './run-place.js';
import type {StageRun} from './stage-run.js';
import {fitDescription, type TrainingState} from './training-state.js';

/** Brings a stage to where an earlier run was interrupted. */
export function restore(stageRun: StageRun, {place, tensors}: TrainingState): void {
  const {averages, guard} = stageRun;
  restoreLearner(stageRun, place, tensors);
  averages.restore({steps: place.averaged, means: tensors.means});
  guard?.restore(tensors.guard);
}

/** Writes down where the run stands, where it is time to. */
export async function writeIfDue(stageRun: StageRun, epoch: number, step: number): Promise<void> {
  const {steps, settings, written} = stageRun.run;
  if (settings.checkpoint !== undefined && isDue(settings.checkpoint, steps, written)) await writeState(stageRun, epoch, step);
}

/**
 * Stops a run whose signal has aborted, between two steps. Where the run stands is written down first, unless that has been done.
 *
 * @throws The signal's reason.
 */
export async function stopIfAborted(stageRun: StageRun, epoch: number, step: number): Promise<void> {
  const {settings, steps, writtenSteps} = stageRun.run;
  if (settings.signal?.aborted !== true) return;
  if (step > 0 && writtenSteps !== steps) await writeState(stageRun, epoch, step);
  settings.signal.throwIfAborted();
}

async function writeState(stageRun: StageRun, epoch: number, step: number): Promise<void> {
  const {run, stage, averages, guard, length} = stageRun;
  const {write, steps, history, settings, epochLength, started} = run;
  if (write === undefined) return;
  const seconds = (performance.now() - started) / 1000;
  const {place, tensors} = placeOf(stageRun, {epoch, step, steps, seconds, epochLength, settings: fitDescription(settings)});
  const means = averages.state;
  await write({
    place: {...place, stage, stageSeconds: length.course.seconds, stageSteps: length.steps, averaged: means.steps},
    history,
    tensors: {...tensors, means: means.means, guard: guard?.state ?? []},
  });
  run.written = performance.now();
  run.writtenSteps = steps;
}
