/**
 * The gradient of a convolution with respect to its input, shared by the ordinary and the
 * depthwise kind: one forward convolution of dy per phase, its pixels put where they belong.
 */
import {util, type TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import type {ConvGeometry} from './_geometry.js';
import {floatHeap, floatOffset, free, run} from './_kernels.js';
import {copyRun} from './_patches.js';
import {axisPhases, isOnePhase, type Phase} from './_phases.js';

/** What the two kinds do differently. */
export interface GradientConvolution {
  /** The forward kernel that is run on dy. */
  readonly kernel: 'Conv2D' | 'DepthwiseConv2dNative';
  /** Makes the filter for these taps; it is freed here. */
  readonly makeFilter: (tapRows: readonly number[], tapColumns: readonly number[]) => TensorInfo;
  /** How many neighbouring channels of the convolution's result are summed into one of dx. */
  readonly sumOf: number;
}

/**
 * Computes dx.
 *
 * @returns A tensor of shape `inputShape`, the caller's.
 */
export function inputGradient(
  dy: TensorInfo,
  inputShape: number[],
  geometry: ConvGeometry,
  backend: BackendWasm,
  convolution: GradientConvolution,
): TensorInfo {
  const {rows, columns} = geometry;
  const [allRows, allColumns] = [axisPhases(rows), axisPhases(columns)];
  if (dy.shape.includes(0)) return run('Fill', {}, backend, {shape: inputShape, value: 0, dtype: 'float32'});
  if (convolution.sumOf === 1 && isOnePhase(geometry)) {
    return convolve(dy, geometry, backend, convolution, allRows[0] as Phase, allColumns[0] as Phase);
  }
  const dx = backend.makeOutput(inputShape, 'float32');
  if ([...allRows, ...allColumns].some((phase) => phase.taps.length === 0)) {
    const start = floatOffset(backend, dx);
    floatHeap(backend).fill(0, start, start + util.sizeFromShape(inputShape));
  }
  for (const rowPhase of allRows) {
    for (const columnPhase of allColumns) {
      if (rowPhase.taps.length === 0 || columnPhase.taps.length === 0) continue;
      const part = convolve(dy, geometry, backend, convolution, rowPhase, columnPhase);
      placePhase(part, dx, geometry, backend, convolution.sumOf, rowPhase, columnPhase);
      free(backend, part);
    }
  }
  return dx;
}

function convolve(
  dy: TensorInfo,
  {rows, columns}: ConvGeometry,
  backend: BackendWasm,
  {kernel, makeFilter}: GradientConvolution,
  rowPhase: Phase,
  columnPhase: Phase,
): TensorInfo {
  const filter = makeFilter(rowPhase.taps, columnPhase.taps);
  const result = run(kernel, {x: dy, filter}, backend, {
    strides: [1, 1],
    dilations: [rows.dilation, columns.dilation],
    pad: [[0, 0], rowPhase.pad, columnPhase.pad, [0, 0]],
    dataFormat: 'NHWC',
  });
  free(backend, filter);
  return result;
}

function placePhase(
  part: TensorInfo,
  dx: TensorInfo,
  {batch, inChannels: channels, rows, columns}: ConvGeometry,
  backend: BackendWasm,
  sumOf: number,
  rowPhase: Phase,
  columnPhase: Phase,
): void {
  const heap = floatHeap(backend);
  const [from, to] = [floatOffset(backend, part), floatOffset(backend, dx)];
  const [, partRows, partColumns] = part.shape as [number, number, number, number];
  for (let image = 0; image < batch; image++) {
    for (let i = 0; i < rowPhase.count; i++) {
      const y = rowPhase.first + i * rows.stride;
      let read = from + ((image * partRows + rowPhase.skip + i) * partColumns + columnPhase.skip) * channels * sumOf;
      let write = to + ((image * rows.inSize + y) * columns.inSize + columnPhase.first) * channels;
      for (let j = 0; j < columnPhase.count; j++) {
        if (sumOf === 1) copyRun(heap, read, write, channels);
        else sumRun(heap, read, write, channels, sumOf);
        read += channels * sumOf;
        write += columns.stride * channels;
      }
    }
  }
}

function sumRun(heap: Float32Array, from: number, to: number, length: number, sumOf: number): void {
  for (let i = 0; i < length; i++) {
    let sum = 0;
    for (let m = 0; m < sumOf; m++) sum += heap[from + i * sumOf + m] as number;
    heap[to + i] = sum;
  }
}
