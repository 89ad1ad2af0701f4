/** The loop over steps that read and write slots: only what is needed runs, and no value outlives its last reader. */
import type {Tensor} from '@tensorflow/tfjs-core';
import type {GraphValues} from './values.js';

/** Anything that reads and writes slots. */
export interface SlotStep {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** Returns the steps that the targets need, in their order; what only known values need is left out. */
export function stepsFor<S extends SlotStep>(steps: readonly S[], targets: readonly number[], known: Pick<GraphValues, 'has'>): S[] {
  const needed = new Set(targets);
  const chosen = [...steps].reverse().filter((step) => {
    if (!step.outputs.some((slot) => needed.has(slot) && !known.has(slot))) return false;
    for (const slot of step.inputs) needed.add(slot);
    return true;
  });
  return chosen.reverse();
}

/**
 * Runs steps in order, each with `run`, which has to fill its output slots, and frees what is not
 * read any more.
 *
 * @returns The values of the target slots; the caller's.
 */
export function runSteps<S extends SlotStep>(
  steps: readonly S[],
  targets: readonly number[],
  values: GraphValues,
  run: (step: S) => void,
): Tensor[] {
  const lastReader = new Map<number, S>();
  for (const step of steps) for (const slot of step.inputs) lastReader.set(slot, step);
  for (const step of steps) {
    run(step);
    for (const slot of new Set([...step.inputs, ...step.outputs])) {
      const reader = lastReader.get(slot);
      if ((reader === step || reader === undefined) && !targets.includes(slot)) values.free(slot);
    }
  }
  return targets.map((slot) => values.release(slot));
}
