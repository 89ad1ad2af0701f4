/**
 * Filters in the order in which our convolution reads them. A compiled network uses the same filter at every call, so its packed
 * form is kept, outside of what the backend counts, until the filter's values are freed.
 */
import type {DataId, TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {address, simd, withScratch} from './_simd.js';

/** A filter as a matrix. */
export interface FilterSize {
  /** Height · width · channels in. */
  readonly depth: number;
  readonly outChannels: number;
}

/** What the declared type of Emscripten's module leaves out. */
interface Heap {
  _malloc(bytes: number): number;
  _free(address: number): void;
}

/** Addresses of packed filters by the filter. */
type Kept = Map<DataId, number>;

const keptBy = new WeakMap<BackendWasm, Kept>();

/** Calls `use` with the address of the packed filter, which is packed at its first use and kept. */
export function withKeptFilter(backend: BackendWasm, filter: TensorInfo, size: FilterSize, use: (packed: number) => void): void {
  const kept = keptOn(backend);
  let packed = kept.get(filter.dataId);
  if (packed === undefined) {
    packed = heapOf(backend)._malloc(4 * Math.max(1, simd(backend).packedSize(size.depth, size.outChannels)));
    simd(backend).packFilter(address(backend, filter), packed, size.depth, size.outChannels);
    kept.set(filter.dataId, packed);
  }
  use(packed);
}

/** Calls `use` with the address of the packed filter, which is forgotten afterwards. */
export function withPackedFilter(backend: BackendWasm, filter: TensorInfo, size: FilterSize, use: (packed: number) => void): void {
  withScratch(backend, simd(backend).packedSize(size.depth, size.outChannels), (packed) => {
    simd(backend).packFilter(address(backend, filter), packed, size.depth, size.outChannels);
    use(packed);
  });
}

/** What is kept on a backend; from the first time on, freeing a filter's values frees its packed form. */
function keptOn(backend: BackendWasm): Kept {
  const before = keptBy.get(backend);
  if (before !== undefined) return before;
  const kept: Kept = new Map();
  const disposeData = backend.disposeData.bind(backend);
  backend.disposeData = (dataId, force) => {
    const isGone = disposeData(dataId, force);
    const packed = isGone ? kept.get(dataId) : undefined;
    if (packed !== undefined) {
      kept.delete(dataId);
      heapOf(backend)._free(packed);
    }
    return isGone;
  };
  keptBy.set(backend, kept);
  return kept;
}

function heapOf({wasm}: BackendWasm): Heap {
  return wasm as unknown as Heap;
}
