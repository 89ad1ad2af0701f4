/**
 * The gradient of a convolution with respect to its filter, Conv2DBackpropFilter, which the wasm
 * backend lacks.
 */
import type {TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {convGeometry, convNumbers} from './_geometry.js';
import {input, makeZeros, type Attributes, type Infos} from './_kernels.js';
import {address, simd, withScratch} from './_simd.js';

/**
 * Computes `dW[ky,kx,ci,co] = Σ x[n, oy·s + ky·d − p, ox·s + kx·d − p, ci] · dy[n,oy,ox,co]`.
 *
 * @param inputs `x` `[N,H,W,Ci]` and `dy` `[N,h,w,Co]`, borrowed.
 * @param attributes `filterShape`, `strides`, `pad`, and where present `dilations`, `dimRoundingMode`.
 * @returns `[kh,kw,Ci,Co]`, the caller's.
 * @throws {RangeError} If `dataFormat` is not NHWC, which the wasm convolution does not know either.
 */
export function conv2dBackpropFilter(inputs: Infos, backend: BackendWasm, attributes: Attributes): TensorInfo {
  const x = input(inputs, 'x', backend);
  const dy = input(inputs, 'dy', backend);
  const filterShape = attributes['filterShape'] as number[];
  const format = attributes['dataFormat'] ?? 'NHWC';
  if (format !== 'NHWC') throw new RangeError(`Conv2DBackpropFilter on wasm: dataFormat must be NHWC, but is ${String(format)}.`);
  const geometry = convGeometry(x.shape, filterShape, dy.shape, attributes, false);
  const kernels = simd(backend);
  const result = makeZeros(backend, filterShape);
  withScratch(backend, kernels.filterGradientScratch(geometry.outChannels), (scratch) => {
    kernels.filterGradient(address(backend, x), address(backend, dy), address(backend, result), scratch, ...convNumbers(geometry));
  });
  return result;
}
