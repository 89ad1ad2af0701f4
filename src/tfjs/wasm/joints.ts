/**
 * Joining tensors and taking them apart again, along the last axis for instance: runs of values that
 * are moved as they are. The backend's own kernels call a function for every run, however short.
 */
import {slice_util, util, type KernelFunc, type TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {address, simd} from './_simd.js';

/** Wraps `Concat`. */
export function joinRuns(original: KernelFunc): KernelFunc {
  return (params) => {
    const backend = params.backend as BackendWasm;
    const parts = (params.inputs as unknown as TensorInfo[]).filter(({shape}) => !shape.includes(0));
    const [first] = parts;
    if (first === undefined || parts.length < 2 || parts.some(({dtype}) => dtype !== 'float32')) return original(params);
    const axis = util.parseAxisParam(params.attrs?.['axis'] as number, first.shape)[0] as number;
    const shape = first.shape.map((size, index) =>
      index === axis ? parts.reduce((sum, part) => sum + (part.shape[axis] as number), 0) : size,
    );
    const {outer, run} = runs(shape, axis);
    for (const {dataId} of parts) backend.dataIdMap.get(dataId); // a value that lies elsewhere moves here
    const out = backend.makeOutput(shape, 'float32');
    let to = address(backend, out);
    for (const part of parts) {
      const length = runs(part.shape, axis).run;
      simd(backend).copyRuns(address(backend, part), length, to, run, length, outer);
      to += length * Float32Array.BYTES_PER_ELEMENT;
    }
    return out;
  };
}

/** Wraps `Slice`, where it cuts one axis only. */
export function cutRuns(original: KernelFunc): KernelFunc {
  return (params) => {
    const backend = params.backend as BackendWasm;
    const {x} = params.inputs as {x: TensorInfo};
    const {begin, size} = params.attrs as unknown as {begin: number | number[]; size: number | number[]};
    const parsed = slice_util.parseSliceParams({shape: x.shape, rank: x.shape.length} as never, begin, size);
    const [starts, sizes] = parsed as [number[], number[]];
    const cut = x.shape.flatMap((length, axis) => (sizes[axis] === length ? [] : [axis]));
    if (x.dtype !== 'float32' || cut.length !== 1 || sizes.includes(0)) return original(params);
    const axis = cut[0] as number;
    return cutOut(x, axis, starts[axis] as number, sizes[axis] as number, backend);
  };
}

/** Wraps `SplitV`. */
export function splitRuns(original: KernelFunc): KernelFunc {
  return (params) => {
    const backend = params.backend as BackendWasm;
    const {x} = params.inputs as {x: TensorInfo};
    if (x.dtype !== 'float32' || x.shape.includes(0)) return original(params);
    const {numOrSizeSplits, axis: given} = params.attrs as unknown as {numOrSizeSplits: number | number[]; axis: number};
    const axis = util.parseAxisParam(given, x.shape)[0] as number;
    const length = x.shape[axis] as number;
    const sizes =
      typeof numOrSizeSplits === 'number' ? new Array<number>(numOrSizeSplits).fill(length / numOrSizeSplits) : [...numOrSizeSplits];
    if (sizes.some((size) => !(size > 0))) return original(params);
    let start = 0;
    return sizes.map((size) => {
      const part = cutOut(x, axis, start, size, backend);
      start += size;
      return part;
    });
  };
}

function cutOut(x: TensorInfo, axis: number, start: number, size: number, backend: BackendWasm): TensorInfo {
  const shape = x.shape.map((length, index) => (index === axis ? size : length));
  const {outer, run} = runs(x.shape, axis);
  const each = run / (x.shape[axis] as number);
  backend.dataIdMap.get(x.dataId);
  const out = backend.makeOutput(shape, 'float32');
  const from = address(backend, x) + start * each * Float32Array.BYTES_PER_ELEMENT;
  simd(backend).copyRuns(from, run, address(backend, out), size * each, size * each, outer);
  return out;
}

/** How often, and how long without a gap, an axis and all behind it run. */
function runs(shape: readonly number[], axis: number): {outer: number; run: number} {
  return {outer: util.sizeFromShape(shape.slice(0, axis)), run: util.sizeFromShape(shape.slice(axis))};
}
