/** Sums of products named by letters, Einsum, which the wasm backend lacks. A plain loop. */
import {backend_util, util, type TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {input, type Attributes, type Infos} from './_kernels.js';

/**
 * Computes `result[output letters] = Σ over all other letters of the product of the operands`.
 *
 * @param inputs One or more float32 tensors, named `0`, `1`, …
 * @param attributes `equation`, such as `'bij,bjk->bik'`.
 * @returns The output letters' axes, in their order; the caller's.
 */
export function einsum(inputs: Infos, backend: BackendWasm, attributes: Attributes): TensorInfo {
  const operands = Object.keys(inputs).map((name) => input(inputs, name, backend));
  const equation = attributes['equation'] as string;
  const {allDims, summedDims, idDims} = backend_util.decodeEinsumEquation(equation, operands.length);
  backend_util.checkEinsumDimSizes(allDims.length, idDims, operands as Parameters<typeof backend_util.checkEinsumDimSizes>[2]);
  const sizes: number[] = allDims.map(() => 1);
  operands.forEach(({shape}, id) => shape.forEach((size, axis) => (sizes[idDims[id]?.[axis] as number] = size)));

  // The letters of the output come first, in its order; the summed ones last.
  const outputRank = allDims.length - summedDims.length;
  const result = backend.makeOutput(sizes.slice(0, outputRank), 'float32');
  const values = operands.map((operand) => backend.typedArrayFromHeap(operand));
  const steps = operands.map(({shape}, id) => stepsOf(shape, idDims[id] as number[], sizes.length));
  const sums = backend.typedArrayFromHeap(result);
  const inner = util.sizeFromShape(sizes.slice(outputRank));
  const place = new Array<number>(sizes.length).fill(0);
  const at = operands.map(() => 0);
  for (let out = 0; out < sums.length; out++) {
    let sum = 0;
    for (let i = 0; i < inner; i++) {
      let product = 1;
      for (let id = 0; id < values.length; id++) product *= values[id]?.[at[id] as number] as number;
      sum += product;
      advance(place, sizes, at, steps);
    }
    sums[out] = sum;
  }
  return result;
}

/** How far one step along each letter moves in an operand; 0 for letters that it lacks. */
function stepsOf(shape: readonly number[], letters: readonly number[], count: number): number[] {
  const steps = new Array<number>(count).fill(0);
  letters.forEach((letter, axis) => (steps[letter] = (steps[letter] as number) + util.sizeFromShape(shape.slice(axis + 1))));
  return steps;
}

function advance(place: number[], sizes: readonly number[], at: number[], steps: readonly (readonly number[])[]): void {
  for (let letter = sizes.length - 1; letter >= 0; letter--) {
    const next = (place[letter] as number) + 1;
    const moved = next < (sizes[letter] as number) ? 1 : 1 - next;
    place[letter] = next < (sizes[letter] as number) ? next : 0;
    for (let id = 0; id < at.length; id++) at[id] = (at[id] as number) + moved * (steps[id]?.[letter] as number);
    if (moved === 1) return;
  }
}
