/**
 * The gradient of a depthwise convolution with respect to its input,
 * DepthwiseConv2dNativeBackpropInput, which the wasm backend lacks.
 */
import type {TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {convGeometry, convNumbers} from './_geometry.js';
import {input, makeZeros, type Attributes, type Infos} from './_kernels.js';
import {address, simd} from './_simd.js';

/**
 * Computes `dx[n,y,x,c] = Σ_m Σ dy[n,oy,ox,c·M+m] · W[ky,kx,c,m]` over all taps that read the pixel.
 *
 * @param inputs `dy` `[N,h,w,C·M]` and `filter` `[kh,kw,C,M]`, borrowed.
 * @param attributes `inputShape`, `strides`, `pad`, `dilations`, and where present `dimRoundingMode`.
 * @returns A tensor of shape `inputShape`, the caller's.
 */
export function depthwiseBackpropInput(inputs: Infos, backend: BackendWasm, attributes: Attributes): TensorInfo {
  const dy = input(inputs, 'dy', backend);
  const filter = input(inputs, 'filter', backend);
  const inputShape = attributes['inputShape'] as number[];
  const geometry = convGeometry(inputShape, filter.shape, dy.shape, attributes, true);
  const result = makeZeros(backend, inputShape);
  const addresses = [result, dy, filter].map((info) => address(backend, info)) as [number, number, number];
  simd(backend).depthwiseGradient(...addresses, 0, filter.shape[3] as number, ...convNumbers(geometry));
  return result;
}
