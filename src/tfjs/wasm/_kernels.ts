/**
 * What the composed kernels of this folder are made of: calls of kernels that wasm has, on bare
 * tensor infos, and windows on the backend's heap. The engine does not see any of it, so nothing
 * has to be kept from its tidying; in return every info made here is freed here, by hand.
 */
import {getKernel, util, type Attribute, type KernelFunc, type TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';

/** Inputs by name, as a kernel gets them. */
export type Infos = Readonly<Record<string, TensorInfo | undefined>>;

/** Attributes by name; what a kernel does not know it ignores. */
export type Attributes = Readonly<Record<string, unknown>>;

/** A kernel of this folder. */
export type WasmKernel = (inputs: Infos, backend: BackendWasm, attributes: Attributes) => TensorInfo;

/** Gives a kernel of this folder the form that the registry wants. */
export function asKernelFunc(kernel: WasmKernel): KernelFunc {
  return ({inputs, backend, attrs}) => kernel(inputs, backend as BackendWasm, attrs ?? {});
}

/** Runs a kernel that wasm has; the result is the caller's and goes to {@link free}. */
export function run(name: string, inputs: Infos, backend: BackendWasm, attributes: Attributes = {}): TensorInfo {
  const attrs = attributes as Record<string, Attribute>;
  return getKernel(name, 'wasm').kernelFunc({inputs: {...inputs}, backend, attrs}) as TensorInfo;
}

/**
 * Takes an input that must be there, and makes sure that its values are on the heap: a tensor that
 * was made on another backend moves when its record is first asked for, which allocates.
 */
export function input(inputs: Infos, name: string, backend: BackendWasm): TensorInfo {
  const info = inputs[name];
  if (info === undefined) throw new TypeError(`The kernel needs the input '${name}'.`);
  backend.dataIdMap.get(info.dataId);
  return info;
}

/** Frees what a kernel or `makeOutput` returned. */
export function free(backend: BackendWasm, ...infos: readonly TensorInfo[]): void {
  for (const info of infos) backend.disposeData(info.dataId);
}

/**
 * The float32 view of the whole heap. Any allocation may grow the memory and leave the view empty:
 * take it after the last `makeOutput`, and use it before the next.
 */
export function floatHeap(backend: BackendWasm): Float32Array {
  // The declared type of the module leaves out what Emscripten puts on it.
  return new Float32Array((backend.wasm as unknown as {HEAPU8: Uint8Array}).HEAPU8.buffer);
}

/** Where a float32 tensor starts in {@link floatHeap}. */
export function floatOffset(backend: BackendWasm, info: TensorInfo): number {
  return backend.getMemoryOffset(info.dataId) / Float32Array.BYTES_PER_ELEMENT;
}

/** Makes a float32 tensor of zeros; the caller's. */
export function makeZeros(backend: BackendWasm, shape: number[]): TensorInfo {
  const zeros = backend.makeOutput(shape, 'float32');
  const start = floatOffset(backend, zeros);
  floatHeap(backend).fill(0, start, start + util.sizeFromShape(shape));
  return zeros;
}

/** The same values under another shape; shares the record, so only one of the two may be freed. */
export function withShape(info: TensorInfo, shape: number[]): TensorInfo {
  return {dataId: info.dataId, shape, dtype: info.dtype};
}
