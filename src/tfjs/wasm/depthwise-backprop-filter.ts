/**
 * The gradient of a depthwise convolution with respect to its filter,
 * DepthwiseConv2dNativeBackpropFilter, which the wasm backend lacks.
 */
import type {TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {convGeometry, convNumbers} from './_geometry.js';
import {input, makeZeros, type Attributes, type Infos} from './_kernels.js';
import {address, simd} from './_simd.js';

/**
 * Computes `dW[ky,kx,c,m] = Σ x[n, oy·s + ky·d − p, ox·s + kx·d − p, c] · dy[n,oy,ox,c·M+m]`.
 *
 * @param inputs `x` `[N,H,W,C]` and `dy` `[N,h,w,C·M]`, borrowed.
 * @param attributes `filterShape`, `strides`, `pad`, `dilations`, and where present `dimRoundingMode`.
 * @returns `[kh,kw,C,M]`, the caller's.
 */
export function depthwiseBackpropFilter(inputs: Infos, backend: BackendWasm, attributes: Attributes): TensorInfo {
  const x = input(inputs, 'x', backend);
  const dy = input(inputs, 'dy', backend);
  const filterShape = attributes['filterShape'] as number[];
  const geometry = convGeometry(x.shape, filterShape, dy.shape, attributes, true);
  const result = makeZeros(backend, filterShape);
  const addresses = [x, dy, result].map((info) => address(backend, info)) as [number, number, number];
  simd(backend).depthwiseGradient(...addresses, 1, filterShape[3] as number, ...convNumbers(geometry));
  return result;
}
