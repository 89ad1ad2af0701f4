/**
 * Gradients of several numbers of one computation, which runs forward once and back once for each. The functions of
 * tfjs run all of it again for every number.
 */
import {engine, zerosLike, type Scalar, type Tensor} from '@tensorflow/tfjs-core';
import {disposeAbandonedTape} from '../abandoned-tape.js';

/** A computation and what is differentiated. */
export interface Differentiated<V> {
  /** With respect to what; borrowed. */
  readonly inputs: readonly Tensor[];
  /** The computation; runs once. */
  readonly forward: () => V;
  /** The numbers that are differentiated, from what `forward` gave. */
  readonly scores: readonly ((value: V) => Scalar)[];
}

/**
 * Computes `∂ score(forward()) / ∂ inputs` for each score. Call it inside `tidy` and outside of any other gradient.
 *
 * @param use Gets what `forward` gave and the gradients of one score, zeros where it does not depend on an input, before
 *   the next score is looked at. It is itself not differentiated.
 * @returns What `forward` gave, and what `use` gave for each score.
 */
export function gradientsOfEach<V, R>(
  {inputs, forward, scores}: Differentiated<V>,
  use: (value: V, gradients: Tensor[]) => R,
): {value: V; used: R[]} {
  engine().state.activeTape = [];
  try {
    const value = recorded(forward);
    const used = scores.map((score) => {
      const gradients = recorded(() => {
        const y = score(value);
        return unrecorded(() => engine().gradients(() => y, [...inputs], undefined, true).grads) as (Tensor | undefined)[];
      });
      return use(
        value,
        gradients.map((gradient, index) => gradient ?? zerosLike(inputs[index] as Tensor)),
      );
    });
    return {value, used};
  } finally {
    disposeAbandonedTape();
  }
}

/** Runs `work` so that what it computes can be differentiated; nested, tfjs keeps the record. */
function recorded<T>(work: () => T): T {
  const {state} = engine();
  state.gradientDepth++;
  try {
    return work();
  } finally {
    state.gradientDepth--;
  }
}

/** Runs `work` as if it were the inside of one operation, which leaves no record. */
function unrecorded<T>(work: () => T): T {
  const {state} = engine();
  state.kernelDepth++;
  try {
    return work();
  } finally {
    state.kernelDepth--;
  }
}
