/**
 * The gradient of max pooling, MaxPoolGrad. The wasm backend's own kernel loses the gradient of
 * windows that hold negative values only.
 */
import type {TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {convNumbers} from './_geometry.js';
import {input, makeZeros, type Attributes, type Infos} from './_kernels.js';
import {poolGeometry} from './_pool-geometry.js';
import {address, simd} from './_simd.js';

/**
 * Sends dy of every window to the first of its maxima, in row-major order.
 *
 * @param inputs `dy` and `output` `[N,h,w,C]`, `input` `[N,H,W,C]`, borrowed.
 * @param attributes `filterSize`, `strides`, `pad`, and where present `dimRoundingMode`.
 * @returns A tensor of the shape of `input`, the caller's.
 */
export function maxPoolGrad(inputs: Infos, backend: BackendWasm, attributes: Attributes): TensorInfo {
  const [dy, x, maximum] = [input(inputs, 'dy', backend), input(inputs, 'input', backend), input(inputs, 'output', backend)];
  const geometry = poolGeometry(x.shape, dy.shape, attributes);
  const dx = makeZeros(backend, x.shape);
  const addresses = [x, maximum, dy, dx].map((info) => address(backend, info)) as [number, number, number, number];
  simd(backend).maxPoolGradient(...addresses, ...convNumbers(geometry));
  return dx;
}
