/**
 * The gradient of a depthwise convolution with respect to its input,
 * DepthwiseConv2dNativeBackpropInput, which the wasm backend lacks: depthwise convolutions of dy
 * with the reversed filter; a channel that feeds several outputs sums what comes back from them.
 */
import type {TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {convGeometry} from './_geometry.js';
import {inputGradient} from './_input-gradient.js';
import {floatHeap, floatOffset, input, type Attributes, type Infos} from './_kernels.js';
import {copyRun} from './_patches.js';

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
  return inputGradient(dy, inputShape, geometry, backend, {
    kernel: 'DepthwiseConv2dNative',
    makeFilter: (tapRows, tapColumns) => takeTaps(filter, backend, tapRows, tapColumns),
    sumOf: filter.shape[3] as number,
  });
}

/** Takes the taps in the given order, one output for every channel: `[rows,columns,C·M,1]`. */
function takeTaps(filter: TensorInfo, backend: BackendWasm, tapRows: readonly number[], tapColumns: readonly number[]): TensorInfo {
  const [, kernelWidth, channels, multiplier] = filter.shape as [number, number, number, number];
  const length = channels * multiplier;
  const taken = backend.makeOutput([tapRows.length, tapColumns.length, length, 1], 'float32');
  const heap = floatHeap(backend);
  const from = floatOffset(backend, filter);
  let to = floatOffset(backend, taken);
  for (const row of tapRows) {
    for (const column of tapColumns) {
      copyRun(heap, from + (row * kernelWidth + column) * length, to, length);
      to += length;
    }
  }
  return taken;
}
