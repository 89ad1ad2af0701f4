/**
 * The gradient of a convolution with respect to its input, Conv2DBackpropInput (also the forward
 * pass of a transposed convolution), as convolutions of dy with the reversed filter, its input and
 * output channels swapped. The backend's own kernel is a scalar loop.
 */
import type {TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {convGeometry} from './_geometry.js';
import {inputGradient} from './_input-gradient.js';
import {floatHeap, floatOffset, input, type Attributes, type Infos} from './_kernels.js';

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
  return inputGradient(dy, inputShape, geometry, backend, {
    kernel: 'Conv2D',
    makeFilter: (tapRows, tapColumns) => swapChannels(filter, backend, tapRows, tapColumns),
    sumOf: 1,
  });
}

/** Takes the taps in the given order, each with its channels swapped: `[rows,columns,Co,Ci]`. */
function swapChannels(filter: TensorInfo, backend: BackendWasm, tapRows: readonly number[], tapColumns: readonly number[]): TensorInfo {
  const [, kernelWidth, inChannels, outChannels] = filter.shape as [number, number, number, number];
  const swapped = backend.makeOutput([tapRows.length, tapColumns.length, outChannels, inChannels], 'float32');
  const heap = floatHeap(backend);
  const from = floatOffset(backend, filter);
  let to = floatOffset(backend, swapped);
  for (const row of tapRows) {
    for (const column of tapColumns) {
      const tap = from + (row * kernelWidth + column) * inChannels * outChannels;
      for (let ci = 0; ci < inChannels; ci++) {
        const read = tap + ci * outChannels;
        for (let co = 0; co < outChannels; co++) heap[to + co * inChannels + ci] = heap[read + co] as number;
      }
      to += inChannels * outChannels;
    }
  }
  return swapped;
}
