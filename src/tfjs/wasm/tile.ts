/**
 * Repeats a tensor, Tile, which is also how tfjs broadcasts one. The backend's own kernel works
 * out the place of every single value; here blocks are copied, each copy twice as long as the last.
 */
import {util, type KernelFunc, type TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {floatHeap, floatOffset, free, input, withShape} from './_kernels.js';

/** Below this many floats a plain loop beats the call of `copyWithin`. */
const SHORT_RUN = 24;

/** Makes the kernel `Tile` fast for float32; other types go to the original kernel. */
export function tileBlocks(original: KernelFunc): KernelFunc {
  return (params) => {
    const backend = params.backend as BackendWasm;
    const x = input(params.inputs, 'x', backend);
    const reps = params.attrs?.['reps'] as number[];
    if (x.dtype !== 'float32' || x.shape.length === 0) return original(params);
    return tile(x, reps, backend);
  };
}

/** Repeats from the last axis to the first, so that only the last step writes everything. */
function tile(x: TensorInfo, reps: readonly number[], backend: BackendWasm): TensorInfo {
  const shape = [...x.shape];
  let current = x;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const times = reps[axis] as number;
    // The copy of a tensor that is repeated nowhere must be a tensor of its own.
    if (times === 1 && (axis > 0 || current !== x)) continue;
    const block = util.sizeFromShape(shape.slice(axis));
    shape[axis] = (shape[axis] as number) * times;
    const next = backend.makeOutput([...shape], 'float32');
    const heap = floatHeap(backend);
    repeatBlocks(heap, floatOffset(backend, current), floatOffset(backend, next), util.sizeFromShape(current.shape), block, times);
    if (current !== x) free(backend, current);
    current = next;
  }
  return withShape(current, shape);
}

function repeatBlocks(heap: Float32Array, from: number, to: number, length: number, block: number, times: number): void {
  if (block === 0 || times === 0) return;
  for (let read = from, write = to; read < from + length; read += block, write += block * times) {
    if (block === 1) {
      heap.fill(heap[read] as number, write, write + times);
      continue;
    }
    copyRun(heap, read, write, block);
    for (let done = 1; done < times; done *= 2) {
      copyRun(heap, write, write + done * block, Math.min(done, times - done) * block);
    }
  }
}

function copyRun(heap: Float32Array, from: number, to: number, length: number): void {
  if (length >= SHORT_RUN) heap.copyWithin(to, from, from + length);
  else for (let i = 0; i < length; i++) heap[to + i] = heap[from + i] as number;
}
