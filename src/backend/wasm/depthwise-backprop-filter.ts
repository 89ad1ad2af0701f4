/**
 * The gradient of a depthwise convolution with respect to its filter,
 * DepthwiseConv2dNativeBackpropFilter, which the wasm backend lacks. There is no product to hand
 * it to (every channel is on its own), so it is a loop over the heap, channels innermost.
 */
import type {TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {convGeometry, type ConvGeometry} from './_geometry.js';
import {floatHeap, floatOffset, input, type Attributes, type Infos} from './_kernels.js';

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
  const multiplier = filterShape[3] as number;
  const result = backend.makeOutput(filterShape, 'float32');
  const heap = floatHeap(backend);
  const sums = sumTaps(heap, floatOffset(backend, x), floatOffset(backend, dy), geometry, multiplier);
  heap.set(sums, floatOffset(backend, result));
  return result;
}

function sumTaps(heap: Float32Array, x: number, dy: number, geometry: ConvGeometry, multiplier: number): Float64Array {
  const {batch, inChannels: channels, rows, columns} = geometry;
  const length = channels * multiplier;
  // Sums of many thousand terms: kept in double precision, and in an array of their own so that
  // the loop writes to memory it does not read.
  const sums = new Float64Array(rows.kernelSize * columns.kernelSize * length);
  for (let image = 0; image < batch; image++) {
    for (let oy = 0; oy < rows.outSize; oy++) {
      const top = oy * rows.stride - rows.padBefore;
      for (let ox = 0; ox < columns.outSize; ox++) {
        const left = ox * columns.stride - columns.padBefore;
        const slope = dy + ((image * rows.outSize + oy) * columns.outSize + ox) * length;
        for (let ky = 0; ky < rows.kernelSize; ky++) {
          const y = top + ky * rows.dilation;
          if (y < 0 || y >= rows.inSize) continue;
          const line = x + (image * rows.inSize + y) * columns.inSize * channels;
          for (let kx = 0; kx < columns.kernelSize; kx++) {
            const column = left + kx * columns.dilation;
            if (column < 0 || column >= columns.inSize) continue;
            const tap = (ky * columns.kernelSize + kx) * length;
            if (multiplier === 1) addProducts(heap, line + column * channels, slope, sums, tap, length);
            else addRepeated(heap, line + column * channels, slope, sums, tap, length, multiplier);
          }
        }
      }
    }
  }
  return sums;
}

function addProducts(heap: Float32Array, x: number, dy: number, sums: Float64Array, at: number, length: number): void {
  for (let c = 0; c < length; c++) {
    sums[at + c] = (sums[at + c] as number) + (heap[x + c] as number) * (heap[dy + c] as number);
  }
}

function addRepeated(heap: Float32Array, x: number, dy: number, sums: Float64Array, at: number, length: number, multiplier: number): void {
  for (let c = 0; c < length; c += multiplier) {
    const value = heap[x + c / multiplier] as number;
    for (let m = c; m < c + multiplier; m++) sums[at + m] = (sums[at + m] as number) + value * (heap[dy + m] as number);
  }
}
