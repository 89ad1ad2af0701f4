/**
 * Sums, means and maxima over axes that follow each other: a batch's statistics per channel, global
 * pooling, the pooling of attention, the gradient of a bias. The backend's own kernels go value by
 * value, and transpose the whole tensor first unless the last axes are reduced.
 */
import {util, type KernelFunc} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {input} from './_kernels.js';
import {address, simd} from './_simd.js';

/** `[outer, rows, inner]`: the middle axis is reduced. */
interface Fold {
  readonly outer: number;
  readonly rows: number;
  readonly inner: number;
}

/** Makes the kernel `Sum`, `Mean` or `Max` fast for float32; everything else goes to the original kernel. */
export function foldAxes(original: KernelFunc, operation: 'sum' | 'mean' | 'max'): KernelFunc {
  return (params) => {
    const backend = params.backend as BackendWasm;
    const x = input(params.inputs, 'x', backend);
    const {
      axis,
      reductionIndices = axis,
      keepDims,
    } = params.attrs as unknown as {
      axis?: number | number[];
      reductionIndices?: number | number[]; // what Max calls it
      keepDims: boolean;
    };
    const axes = new Set(util.parseAxisParam(reductionIndices as number | number[], x.shape));
    const fold = x.dtype === 'float32' ? asFold(x.shape, axes) : undefined;
    if (fold === undefined) return original(params);
    const {outer, rows, inner} = fold;
    const kept = x.shape.map((size, index) => (axes.has(index) ? 1 : size));
    const out = backend.makeOutput(keepDims ? kept : kept.filter((_, index) => !axes.has(index)), 'float32');
    const [from, to] = [address(backend, x), address(backend, out)];
    if (operation === 'max') simd(backend).maxFold(from, to, outer, rows, inner);
    else simd(backend).sumFold(from, to, outer, rows, inner, operation === 'mean' ? 1 / rows : 1);
    return out;
  };
}

function asFold(shape: readonly number[], axes: ReadonlySet<number>): Fold | undefined {
  const first = shape.findIndex((size, index) => axes.has(index) && size > 1);
  if (first < 0 || shape.includes(0)) return undefined;
  let end = first;
  while (end < shape.length && (axes.has(end) || shape[end] === 1)) end++;
  const contiguous = shape.every((size, index) => size === 1 || axes.has(index) === (index >= first && index < end));
  if (!contiguous) return undefined;
  const product = (from: number, to?: number): number => util.sizeFromShape(shape.slice(from, to));
  return {outer: product(0, first), rows: product(first, end), inner: product(end)};
}
