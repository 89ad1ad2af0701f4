/**
 * The gradient of a convolution with respect to its input, Conv2DBackpropInput (also the forward
 * pass of a transposed convolution). The backend's own kernel is a scalar loop.
 */
import type {TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {convGeometry, convNumbers} from './_geometry.js';
import {input, type Attributes, type Infos} from './_kernels.js';
import {address, simd, withScratch} from './_simd.js';

/**
 * Computes `dx[n,y,x,ci] = Σ dy[n,oy,ox,co] · W[ky,kx,ci,co]` over all taps that read the pixel.
 *
 * @param inputs `dy` `[N,h,w,Co]` and `filter` `[kh,kw,Ci,Co]`, borrowed.
 * @param attributes `inputShape`, `strides`, `pad`, and where present `dilations`,
 *   `dimRoundingMode`. Images are in NHWC order.
 * @returns A tensor of shape `inputShape`, the caller's.
 */
export function conv2dBackpropInput(inputs: Infos, backend: BackendWasm, attributes: Attributes): TensorInfo {
  const dy = input(inputs, 'dy', backend);
  const filter = input(inputs, 'filter', backend);
  const inputShape = attributes['inputShape'] as number[];
  const geometry = convGeometry(inputShape, filter.shape, dy.shape, attributes, false);
  const {inChannels, outChannels, rows, columns} = geometry;
  const kernels = simd(backend);
  const result = backend.makeOutput(inputShape, 'float32');
  const floats = kernels.inputGradientScratch(inChannels, outChannels, rows.kernelSize * columns.kernelSize);
  withScratch(backend, floats, (scratch) => {
    kernels.inputGradient(address(backend, dy), address(backend, filter), address(backend, result), scratch, ...convNumbers(geometry));
  });
  return result;
}
