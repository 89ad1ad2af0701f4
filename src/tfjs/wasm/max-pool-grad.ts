/**
 * The gradient of max pooling, MaxPoolGrad. The wasm backend's own kernel loses the gradient of
 * windows that hold negative values only.
 */
import type {TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {convGeometry, type ConvAxis} from './_geometry.js';
import {floatHeap, floatOffset, input, type Attributes, type Infos} from './_kernels.js';

/**
 * Sends dy of every window to the first of its maxima, in row-major order.
 *
 * @param inputs `dy` and `output` `[N,h,w,C]`, `input` `[N,H,W,C]`, borrowed.
 * @param attributes `filterSize`, `strides`, `pad`, and where present `dimRoundingMode`.
 * @returns A tensor of the shape of `input`, the caller's.
 */
export function maxPoolGrad(inputs: Infos, backend: BackendWasm, attributes: Attributes): TensorInfo {
  const [dy, x, maximum] = [input(inputs, 'dy', backend), input(inputs, 'input', backend), input(inputs, 'output', backend)];
  const filterSize = attributes['filterSize'] as [number, number] | number;
  const [filterHeight, filterWidth] = typeof filterSize === 'number' ? [filterSize, filterSize] : filterSize;
  const channels = x.shape[3] as number;
  const filterShape = [filterHeight, filterWidth, channels, channels];
  const {batch, rows, columns} = convGeometry(x.shape, filterShape, dy.shape, {...attributes, dilations: 1}, false);

  const dx = backend.makeOutput(x.shape, 'float32');
  const heap = floatHeap(backend);
  const [xAt, dxAt, dyAt] = [floatOffset(backend, x), floatOffset(backend, dx), floatOffset(backend, dy)];
  const maximumAt = floatOffset(backend, maximum) - dyAt;
  heap.fill(0, dxAt, dxAt + batch * rows.inSize * columns.inSize * channels);
  const line = columns.inSize * channels;
  let window = dyAt;
  for (let image = 0; image < batch; image++) {
    const origin = image * rows.inSize * line;
    for (let oy = 0; oy < rows.outSize; oy++) {
      const [top, bottom] = reach(rows, oy);
      for (let ox = 0; ox < columns.outSize; ox++, window += channels) {
        const [left, right] = reach(columns, ox);
        for (let c = 0; c < channels; c++) {
          const wanted = heap[maximumAt + window + c] as number;
          const found = find(heap, wanted, xAt + origin + c, top * line, bottom * line, line, left * channels, right * channels, channels);
          if (found < 0) continue;
          const place = dxAt + found - xAt;
          heap[place] = (heap[place] as number) + (heap[window + c] as number);
        }
      }
    }
  }
  return dx;
}

/** The first input pixel of a window and the one behind its last, along one axis. */
function reach({inSize, kernelSize, stride, padBefore}: ConvAxis, out: number): [start: number, end: number] {
  const start = out * stride - padBefore;
  return [Math.max(0, start), Math.min(inSize, start + kernelSize)];
}

/** Where a window holds `wanted`; −1 where it does not (NaN). */
function find(
  heap: Float32Array,
  wanted: number,
  origin: number,
  top: number,
  bottom: number,
  line: number,
  left: number,
  right: number,
  pixel: number,
): number {
  for (let y = origin + top; y < origin + bottom; y += line) {
    for (let at = y + left; at < y + right; at += pixel) if (heap[at] === wanted) return at;
  }
  return -1;
}
