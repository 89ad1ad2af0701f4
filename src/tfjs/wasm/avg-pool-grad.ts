/**
 * The gradient of average pooling, AvgPoolGrad: that of a depthwise convolution whose weights are all
 * one over the size of the window. The backend's own kernel is a scalar loop over every window of every pixel.
 */
import type {TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {convNumbers} from './_geometry.js';
import {floatHeap, input, makeZeros, type Attributes, type Infos} from './_kernels.js';
import {poolGeometry} from './_pool-geometry.js';
import {address, simd, withScratch} from './_simd.js';

/**
 * Spreads dy of every window evenly over its pixels. A window that reaches over the border counts those outside as
 * well, as the kernels of the other backends do.
 *
 * @param inputs `dy` `[N,h,w,C]` and `input` `[N,H,W,C]`, borrowed.
 * @param attributes `filterSize`, `strides`, `pad`, and where present `dimRoundingMode`.
 * @returns A tensor of the shape of `input`, the caller's.
 */
export function avgPoolGrad(inputs: Infos, backend: BackendWasm, attributes: Attributes): TensorInfo {
  const [dy, x] = [input(inputs, 'dy', backend), input(inputs, 'input', backend)];
  const geometry = poolGeometry(x.shape, dy.shape, attributes);
  const window = geometry.rows.kernelSize * geometry.columns.kernelSize;
  const numWeights = window * geometry.inChannels;
  const dx = makeZeros(backend, x.shape);
  withScratch(backend, numWeights, (weights) => {
    floatHeap(backend).fill(1 / window, weights / 4, weights / 4 + numWeights);
    simd(backend).depthwiseGradient(address(backend, dx), address(backend, dy), weights, 0, 1, ...convNumbers(geometry));
  });
  return dx;
}
