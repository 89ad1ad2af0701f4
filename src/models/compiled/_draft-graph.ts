/**
 * From the steps of a model to operations: layers that hand on their input vanish, batch norms and
 * activations join what they follow where nobody else reads it, zeros around a feature map become
 * the padding of the convolution that reads them.
 */
import {at} from '../../core/at.js';
import {GraphValues} from '../graph/values.js';
import type {GraphPlan, Step} from '../graph/plan.js';
import {stepsFor} from '../graph/run-steps.js';
import type {Draft} from './_draft.js';
import {activationOf, draftOf, isIdentity, isNorm, paddingOf, type PlacedStep} from './_known-layers.js';

/** Operations in running order, and where the model's outputs stand. */
export interface DraftedGraph {
  readonly drafts: readonly Draft[];
  readonly outputs: readonly number[];
}

/** Drafts the operations of a model. */
export function draftGraph(plan: GraphPlan): DraftedGraph {
  const steps = stepsFor(plan.steps, plan.outputs, new GraphValues());
  const origins = new Map<number, number>();
  // Where a value comes from, without the layers that only hand it on.
  const originOf = (slot: number): number => origins.get(slot) ?? slot;
  const placed: PlacedStep[] = [];
  for (const step of steps) {
    const inputs = step.inputs.map(originOf);
    if (isIdentity(step)) origins.set(at(step.outputs, 0), at(inputs, 0));
    else placed.push({...step, inputs});
  }
  const outputs = plan.outputs.map(originOf);

  const readers = new Map<number, number>();
  for (const slot of [...placed.flatMap(({inputs}) => inputs), ...outputs]) readers.set(slot, (readers.get(slot) ?? 0) + 1);
  const drafts: Draft[] = [];
  // What may still take in its only reader, by the slot that is read.
  const open = new Map<number, Draft>();
  const padded = new Map<number, PlacedStep['padded']>();
  for (const step of placed) {
    const [input] = step.inputs as [number];
    const [output] = step.outputs as [number];
    const before = step.inputs.length === 1 && readers.get(input) === 1 ? open.get(input) : undefined;
    if (before !== undefined && joins(before, step)) {
      before.outputs = step.outputs;
      open.set(output, before);
      continue;
    }
    const padding = paddingOf(step.layer);
    if (padding !== undefined) padded.set(output, {slot: input, padding});
    const draft = draftOf({...step, padded: padded.get(input)});
    drafts.push(draft);
    open.set(output, draft);
  }
  return {drafts, outputs};
}

function joins(draft: Draft, step: Step): boolean {
  if (isNorm(step)) return draft.followWithNorm?.(step.layer) ?? false;
  const activation = activationOf(step.layer);
  return activation !== undefined && (draft.followWithActivation?.(activation) ?? false);
}
