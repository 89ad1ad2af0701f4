/**
 * Student and explanation network compiled for inference, when they are first asked to draw and again
 * when a weight has changed since.
 */
import {tidy, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {classLogits} from '../../losses/class-logits.js';
import {CompiledModel} from '../../models/compiled/compiled-model.js';
import {runStudent, type Networks} from '../train/objectives.js';

/** What the networks give for a batch; the caller's. */
export interface Drawing {
  /** H, `[N,H,W,1]` in (0,1). */
  readonly saliency: Tensor4D;
  /** The student's, `[N,K]` with K ≥ 2; `undefined` if not asked for. */
  readonly logits: Tensor2D | undefined;
}

/**
 * Draws H for a batch `[N,H,W,C]`, borrowed, by one pass of the student and one of the explanation
 * network.
 *
 * @param scored Whether the logits are wanted.
 */
export type Draw = (images: Tensor4D, scored: boolean) => Drawing;

type Pair = Pick<Networks, 'student' | 'decoder'>;

/** Draws with the networks as they are. */
export function drawPlain({student, decoder}: Pair): Draw {
  return (images, scored) =>
    tidy(() => {
      const {logits, deltas} = runStudent(student, images, false);
      return {saliency: decoder.apply(deltas) as Tensor4D, logits: scored ? logits : undefined};
    });
}

/** Draws with compiled networks, which hold copies of at most all weights until `dispose()`. */
export class CompiledNetworks {
  readonly #networks: Pair;
  #student: CompiledModel | undefined;
  #decoder: CompiledModel | undefined;

  constructor(networks: Pair) {
    this.#networks = networks;
  }

  /** Draws; without logits, what comes after the last Δf does not run. */
  readonly draw: Draw = (images, scored) => {
    const {student, decoder} = this.#networks;
    const drawsDeltas = (this.#student = renewed(this.#student, student.model));
    const drawsMaps = (this.#decoder = renewed(this.#decoder, decoder));
    return tidy(() => {
      const outputs = drawsDeltas.run([images], scored ? [0, 1, 2, 3] : [1, 2, 3]);
      const [saliency] = drawsMaps.run(outputs.slice(-3)) as [Tensor4D];
      return {saliency, logits: scored ? classLogits(outputs[0] as Tensor2D) : undefined};
    });
  };

  /** Frees what is held; the next drawing compiles anew. */
  dispose(): void {
    this.#student?.dispose();
    this.#decoder?.dispose();
    this.#student = this.#decoder = undefined;
  }
}

function renewed(known: CompiledModel | undefined, model: LayersModel): CompiledModel {
  if (known?.isCurrent === true) return known;
  known?.dispose();
  return new CompiledModel(model);
}
