/**
 * Sums and means over axes that are not the last: a batch's statistics per channel, global average
 * pooling, the gradient of a bias. The backend's own kernels transpose the whole tensor first;
 * here average pooling, which is vectorised, adds the rows in groups.
 */
import {util, type KernelFunc, type TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {floatHeap, floatOffset, free, input, run, withShape} from './_kernels.js';

/** Rows averaged at a time. A power of two: multiplying the average by it gives the sum back exactly. */
const group = 32;

/** `[outer, rows, inner]`: the middle axis is summed. */
interface Fold {
  readonly outer: number;
  readonly rows: number;
  readonly inner: number;
}

/**
 * Makes the kernel `Sum` or `Mean` fast for float32 where the reduced axes follow each other and
 * the last axis stays; everything else goes to the original kernel.
 */
export function foldRows(original: KernelFunc, mean: boolean): KernelFunc {
  return (params) => {
    const backend = params.backend as BackendWasm;
    const x = input(params.inputs, 'x', backend);
    const {axis, keepDims} = params.attrs as unknown as {axis: number | number[] | undefined; keepDims: boolean};
    const axes = new Set(util.parseAxisParam(axis as number | number[], x.shape));
    const fold = x.dtype === 'float32' ? asFold(x.shape, axes) : undefined;
    if (fold === undefined) return original(params);
    const sums = sumRows(x, fold, backend, mean ? 1 / fold.rows : 1);
    const kept = x.shape.map((size, index) => (axes.has(index) ? 1 : size));
    return withShape(sums, keepDims ? kept : kept.filter((_, index) => !axes.has(index)));
  };
}

function asFold(shape: readonly number[], axes: ReadonlySet<number>): Fold | undefined {
  const first = shape.findIndex((size, index) => axes.has(index) && size > 1);
  if (first < 0) return undefined;
  let end = first;
  while (axes.has(end) || shape[end] === 1) end++;
  const product = (from: number, to?: number): number => util.sizeFromShape(shape.slice(from, to));
  const inner = product(end);
  const contiguous = shape.every((size, index) => size === 1 || axes.has(index) === (index >= first && index < end));
  return contiguous && inner > 1 && !shape.includes(0) ? {outer: product(0, first), rows: product(first, end), inner} : undefined;
}

/** Sums the rows, in double precision from the groups on: `[outer, inner]`. */
function sumRows(x: TensorInfo, {outer, rows, inner}: Fold, backend: BackendWasm, factor: number): TensorInfo {
  const groups = Math.floor(rows / group);
  const pooled =
    groups === 0
      ? undefined
      : run('AvgPool', {x: withShape(x, [outer, rows, 1, inner])}, backend, {filterSize: [group, 1], strides: [group, 1], pad: 'valid'});
  const result = backend.makeOutput([outer, inner], 'float32');
  const heap = floatHeap(backend);
  const from = floatOffset(backend, x);
  const to = floatOffset(backend, result);
  const sums = new Float64Array(inner);
  for (let o = 0; o < outer; o++) {
    sums.fill(0);
    if (pooled !== undefined) addRows(sums, heap, floatOffset(backend, pooled) + o * groups * inner, groups, group);
    addRows(sums, heap, from + (o * rows + groups * group) * inner, rows - groups * group, 1);
    for (let c = 0; c < inner; c++) heap[to + o * inner + c] = (sums[c] as number) * factor;
  }
  if (pooled !== undefined) free(backend, pooled);
  return result;
}

function addRows(sums: Float64Array, heap: Float32Array, from: number, rows: number, weight: number): void {
  const inner = sums.length;
  for (let at = from; at < from + rows * inner; at += inner) {
    for (let c = 0; c < inner; c++) sums[c] = (sums[c] as number) + (heap[at + c] as number) * weight;
  }
}
