/** Values of variables, one after another in one array, which threads share. */
import {tensor, tidy, type Tensor, type Variable} from '@tensorflow/tfjs-core';
import type {LearnerVariables} from './run-place.js';

/** Makes room in shared memory for so many numbers. */
export function sharedNumbers(count: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(count * Float32Array.BYTES_PER_ELEMENT));
}

/** How many numbers some tensors hold. */
export function sizeOf(tensors: readonly Tensor[]): number {
  return tensors.reduce((sum, {size}) => sum + size, 0);
}

/** Writes the values of tensors, zeros for those that are absent, which have the size of the variable in their place. */
export function writeValues(to: Float32Array, variables: readonly Variable[], tensors: readonly (Tensor | undefined)[] = variables): void {
  let offset = 0;
  for (const [index, {size}] of variables.entries()) {
    // At once, as both backends of threads can.
    const values = tensors[index]?.dataSync<'float32'>();
    if (values === undefined) to.fill(0, offset, offset + size);
    else to.set(values, offset);
    offset += size;
  }
}

/** Reads tensors of the shapes of variables; they are the caller's. */
export function readTensors(from: Float32Array, variables: readonly Variable[]): Tensor[] {
  let offset = 0;
  // A copy: on cpu the values of a tensor are the array that it is made of.
  return variables.map(({shape, size}) => tensor(new Float32Array(from.subarray(offset, (offset += size))), shape));
}

/** Gives variables the values in an array. */
export function assignValues(from: Float32Array, variables: readonly Variable[]): void {
  tidy(() => readTensors(from, variables).forEach((value, index) => variables[index]?.assign(value)));
}

/** What a step changes by the way: the statistics of batch norms. */
export function othersOf({trainable, all}: LearnerVariables): Variable[] {
  return all.filter((variable) => !trainable.includes(variable));
}
