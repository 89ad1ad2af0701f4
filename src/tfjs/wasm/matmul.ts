/**
 * Products with a transposed factor, which is what the gradients of products are. With a transpose
 * flag the backend's matMul is a scalar loop; Aᵀ·B and A·Bᵀ are the gradients of a 1×1 convolution.
 */
import {util, type KernelFunc, type TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {input, makeZeros} from './_kernels.js';
import {address, simd, withScratch} from './_simd.js';
import type {ConvNumbers} from './_simd-exports.js';

/** Wraps `BatchMatMul`. */
export function multiplyTransposed(original: KernelFunc): KernelFunc {
  return (params) => {
    const {transposeA, transposeB} = params.attrs as {transposeA?: boolean; transposeB?: boolean};
    const {a, b} = params.inputs as {a: TensorInfo; b: TensorInfo};
    const single = [a, b].every(
      ({shape, dtype}) => dtype === 'float32' && shape.length >= 2 && util.sizeFromShape(shape.slice(0, -2)) === 1,
    );
    if (!single || transposeA === transposeB || [...a.shape, ...b.shape].includes(0)) return original(params);
    const backend = params.backend as BackendWasm;
    const left = input(params.inputs, 'a', backend);
    const right = input(params.inputs, 'b', backend);
    return transposeA ? transposedTimes(left, right, backend) : timesTransposed(left, right, backend);
  };
}

/** Aᵀ·B, as the gradient with respect to a filter `[columns of A, columns of B]`. */
function transposedTimes(a: TensorInfo, b: TensorInfo, backend: BackendWasm): TensorInfo {
  const [depth, rows] = lastTwo(a);
  const [, columns] = lastTwo(b);
  const kernels = simd(backend);
  const out = makeZeros(backend, [...outerOf(a, b), rows, columns]);
  withScratch(backend, kernels.filterGradientScratch(columns), (scratch) => {
    kernels.filterGradient(address(backend, a), address(backend, b), address(backend, out), scratch, ...pointwise(depth, rows, columns));
  });
  return out;
}

/** A·Bᵀ, as the gradient with respect to the input of a filter `[rows of B, depth]`. */
function timesTransposed(a: TensorInfo, b: TensorInfo, backend: BackendWasm): TensorInfo {
  const [rows, depth] = lastTwo(a);
  const [columns] = lastTwo(b);
  const kernels = simd(backend);
  const out = backend.makeOutput([...outerOf(a, b), rows, columns], 'float32');
  withScratch(backend, kernels.inputGradientScratch(columns, depth, 1), (scratch) => {
    kernels.inputGradient(address(backend, a), address(backend, b), address(backend, out), scratch, ...pointwise(rows, columns, depth));
  });
  return out;
}

function lastTwo({shape}: TensorInfo): [number, number] {
  return shape.slice(-2) as [number, number];
}

function outerOf(a: TensorInfo, b: TensorInfo): number[] {
  return (a.shape.length >= b.shape.length ? a : b).shape.slice(0, -2);
}

function pointwise(pixels: number, inChannels: number, outChannels: number): ConvNumbers {
  return [pixels, 1, 1, inChannels, 1, 1, outChannels, 1, 1, 1, 1, 0, 0, 1, 1];
}
