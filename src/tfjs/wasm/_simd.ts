/**
 * The SIMD WebAssembly module of this library (assembly/), working on the memory of a wasm backend:
 * tensors are handed over as addresses, nothing is copied.
 */
import type {KernelFunc, TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {BackendError} from '../../core/errors/backend-error.js';
import {SIMD_MODULE, SIMD_MODULE_RELAXED, SIMD_MODULE_SHARED} from './_simd-binary.js';
import {free} from './_kernels.js';
import {tellFullMemory} from './full-memory.js';
import type {SimdExports} from './_simd-exports.js';

const instances = new WeakMap<BackendWasm, SimdExports | BackendError>();
/** Those whose module multiplies and adds in one instruction. */
const relaxed = new WeakSet<BackendWasm>();

/**
 * The module on the memory of `backend`, made at the first call.
 *
 * @throws {BackendError} If the browser has no WebAssembly SIMD, or its policy forbids the module.
 */
export function simd(backend: BackendWasm): SimdExports {
  const instance = instanceOn(backend);
  if (instance instanceof BackendError) throw instance;
  return instance;
}

/** Takes the faster kernel where the module works, and the backend's own elsewhere. */
export function whereSimd(fast: KernelFunc, original: KernelFunc): KernelFunc {
  return (params) => (instanceOn(params.backend as BackendWasm) instanceof BackendError ? original : fast)(params);
}

let multipliesAndAdds: boolean | undefined;

/** Whether the engine has relaxed SIMD: Node 22 has it, Node 20 has not. */
export function hasMultiplyAdd(): boolean {
  return (multipliesAndAdds ??= WebAssembly.validate(bytesOf(SIMD_MODULE_RELAXED)));
}

/** Whether the module multiplies and adds in one instruction, rounding once: faster, and otherwise than the backend's own kernels. */
export function isRelaxed(backend: BackendWasm): boolean {
  return !(instanceOn(backend) instanceof BackendError) && relaxed.has(backend);
}

/** The address of a tensor's values. Any allocation leaves it where it is. */
export function address(backend: BackendWasm, info: TensorInfo): number {
  return backend.getMemoryOffset(info.dataId);
}

/** Calls `use` with the address of scratch memory that is freed afterwards. */
export function withScratch(backend: BackendWasm, floats: number, use: (scratch: number) => void): void {
  const scratch = backend.makeOutput([Math.max(1, floats)], 'float32');
  try {
    use(address(backend, scratch));
  } finally {
    free(backend, scratch);
  }
}

function instanceOn(backend: BackendWasm): SimdExports | BackendError {
  let instance = instances.get(backend);
  if (instance === undefined) {
    tellFullMemory(backend);
    instance = instantiate(backend);
    instances.set(backend, instance);
  }
  return instance;
}

function instantiate(backend: BackendWasm): SimdExports | BackendError {
  // The declared type of Emscripten's module leaves these out; the threaded build has its memory outside.
  const {asm, wasmMemory} = backend.wasm as unknown as {asm?: {memory?: WebAssembly.Memory}; wasmMemory?: WebAssembly.Memory};
  const memory = wasmMemory ?? asm?.memory;
  try {
    if (memory === undefined) throw new Error('the backend does not show its memory');
    const shared = typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
    // Where the backend has threads, its own kernels use them.
    const isFast = !shared && hasMultiplyAdd();
    const module = shared ? SIMD_MODULE_SHARED : isFast ? SIMD_MODULE_RELAXED : SIMD_MODULE;
    const exports = new WebAssembly.Instance(new WebAssembly.Module(bytesOf(module)), {env: {memory}}).exports;
    if (isFast) relaxed.add(backend);
    return exports as unknown as SimdExports;
  } catch (error) {
    return new BackendError(
      `Gradients on the wasm backend need WebAssembly SIMD, which did not start here (${error instanceof Error ? error.message : String(error)}). ` +
        `Train on another backend, such as webgl: await selectBackend({prefer: ['webgpu', 'webgl']}).`,
      {cause: error},
    );
  }
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
