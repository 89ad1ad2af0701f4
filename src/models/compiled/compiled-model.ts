/**
 * A model as a list of fused operations for inference: batch norms folded into the kernels before
 * them, activations fused, the attention gates by fast kernels, and no layer machinery in between.
 * It computes what `predict` computes, to rounding.
 */
import {getBackend, keep, tidy, type Tensor} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {at} from '../../core/at.js';
import type {CompiledRun} from '../../layers/compiled-form.js';
import {planGraph, slotsAt} from '../graph/plan.js';
import {runSteps, stepsFor, type SlotStep} from '../graph/run-steps.js';
import {GraphValues} from '../graph/values.js';
import {draftGraph} from './_draft-graph.js';

interface Operation extends SlotStep {
  readonly run: CompiledRun;
}

/** What a run is told besides its inputs; keys are positions of outputs. */
export interface RunOptions {
  /** Outputs that are known already: nothing that only they need runs. Borrowed. */
  readonly known?: ReadonlyMap<number, Tensor> | undefined;
  /** What an output goes through before anything reads it. */
  readonly watched?: ReadonlyMap<number, (output: Tensor) => Tensor> | undefined;
}

/** A compiled model. Holds copies of the weights that were folded, at most as many as the model has. */
export class CompiledModel {
  readonly #inputs: readonly number[];
  readonly #outputs: readonly number[];
  readonly #operations: readonly Operation[];
  readonly #owned: Tensor[] = [];
  readonly #backend: string = getBackend();
  readonly #weights: readonly {readonly read: () => Tensor; readonly dataId: object}[];

  /**
   * @param model Borrowed; it has to outlive this one, which reads the weights that need no folding from it.
   * @param paths Layers whose outputs are wanted in the place of the model's.
   * @throws {LayerNotFoundError} If there is no such layer.
   */
  constructor(model: LayersModel, paths?: readonly string[]) {
    const plan = planGraph(model);
    const wanted = paths?.map((path) => at(slotsAt('compile', plan, path), 0));
    const {drafts, outputs} = draftGraph(wanted === undefined ? plan : {...plan, outputs: wanted});
    this.#inputs = plan.inputs;
    this.#outputs = outputs;
    const own = <T extends Tensor>(tensor: T): T => {
      this.#owned.push(keep(tensor));
      return tensor;
    };
    try {
      this.#operations = drafts.map((draft) => ({inputs: draft.inputs, outputs: draft.outputs, run: draft.finish(own)}));
    } catch (error) {
      this.dispose();
      throw error;
    }
    this.#weights = model.weights.map((weight) => ({read: () => weight.read(), dataId: weight.read().dataId}));
  }

  /** Whether the model still has the weights that were folded, and runs where they were. */
  get isCurrent(): boolean {
    // A weight that is written gets other data; the data itself never changes.
    return this.#backend === getBackend() && this.#weights.every(({read, dataId}) => read().dataId === dataId);
  }

  /**
   * Computes some or all outputs; differentiable with respect to the inputs, not to the weights.
   *
   * @param inputs One tensor per input of the model, of its type; borrowed.
   * @param outputs Which of the model's outputs, by position; what only the others need does not run.
   * @returns One tensor per wanted output; the caller's.
   */
  run(
    inputs: readonly Tensor[],
    outputs: readonly number[] = this.#outputs.map((_, index) => index),
    {known = new Map<number, Tensor>(), watched = new Map<number, (output: Tensor) => Tensor>()}: RunOptions = {},
  ): Tensor[] {
    const slotOf = (index: number): number => at(this.#outputs, index);
    const targets = outputs.map(slotOf);
    const watches = new Map(Array.from(watched, ([index, watch]) => [slotOf(index), watch]));
    const values = new GraphValues();
    try {
      for (const [index, tensor] of known) values.borrow(slotOf(index), tensor);
      this.#inputs.forEach((slot, index) => {
        values.borrow(slot, at(inputs, index));
      });
      return runSteps(stepsFor(this.#operations, targets, values), targets, values, (operation) => {
        const read = operation.inputs.map((slot) => values.get(slot));
        const made = [tidy(() => operation.run(read))].flat();
        operation.outputs.forEach((slot, index) => {
          const watch = watches.get(slot);
          const output = at(made, index);
          values.own(slot, watch === undefined ? output : watch(output));
          if (watch !== undefined) output.dispose();
        });
      });
    } finally {
      values.dispose();
    }
  }

  /** Frees the folded weights. */
  dispose(): void {
    for (const tensor of this.#owned.splice(0)) tensor.dispose();
  }
}
