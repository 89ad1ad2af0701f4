/**
 * What the wasm backend says when its memory is full. By itself it goes on with an address of zero, over which tensors write each
 * other's values, or its module stops with "Aborted()".
 */
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {BackendError} from '../../core/errors/backend-error.js';

const MEBIBYTE = 2 ** 20;
/** Above this a module that stops has found no memory: it grows to 4 GiB at most. */
const NEARLY_FULL = 2 ** 31;

/** As much of Emscripten's module as is touched here. */
interface Module {
  HEAPU8: Uint8Array;
  _malloc: (bytes: number) => number;
  _free: (address: number) => void;
  onAbort?: (reason: unknown) => void;
}

/** Makes the module throw a {@link BackendError} where it finds no memory. */
export function tellFullMemory({wasm}: BackendWasm): void {
  const module = wasm as unknown as Module;
  module._free(module._malloc(1)); // the first call of all puts another function in its place
  const {_malloc: allocate, onAbort} = module;
  module._malloc = (bytes) => {
    const address = allocate(bytes);
    if (address === 0 && bytes > 0) throw fullMemory(module, bytes);
    return address;
  };
  // Kernels allocate by themselves as well; what they were at is lost.
  module.onAbort = (reason) => {
    onAbort?.(reason);
    if (module.HEAPU8.length > NEARLY_FULL) throw fullMemory(module);
  };
}

function fullMemory({HEAPU8}: Module, bytes?: number): BackendError {
  const [held, asked] = [HEAPU8.length, bytes ?? 0].map((each) => Math.round(each / MEBIBYTE));
  return new BackendError(
    `The memory of the wasm backend is full: it has grown to ${held} MiB, of 4096 that WebAssembly can address` +
      (bytes === undefined ? '. ' : `, and has no ${asked} MiB in one piece. `) +
      'Take smaller batches or images, free tensors, or take the backend tfjs-node or a GPU. Workers have such a memory each.',
  );
}
