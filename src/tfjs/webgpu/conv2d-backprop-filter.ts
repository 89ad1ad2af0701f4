/**
 * The gradient of a convolution's filter as a product of matrices: the taps of every output pixel, `[rows, fh·fw·I]`,
 * transposed, times dy, `[rows, O]`. The backend's own program gives each weight a thread that walks over the whole batch.
 * Tiles of 32×32 weights go through the memory of a workgroup; where they are few, the rows are split among groups as well.
 */
import {backend_util, type KernelFunc, type TensorInfo} from '@tensorflow/tfjs-core';
import {freeArrays, GROUP_SIZE, makeArray, runShader, type Shader, type WebgpuBackend} from './_shader.js';

const TILE = 32;
/** Rows that are in the memory of a workgroup at a time. */
const DEPTH = 16;
/** Groups that keep a GPU busy. */
const GROUPS = 512;
const LEAST_ROWS = 256;

const product: Shader = {
  name: 'filterSlopes',
  writes: ['slopes'],
  reads: ['x', 'dy'],
  integers: [
    ...['rows', 'chunk', 'taps', 'outChannels', 'groups'],
    ...['inHeight', 'inWidth', 'inChannels', 'outHeight', 'outWidth', 'filterWidth', 'strideHeight', 'strideWidth', 'top', 'left'],
  ],
  declarations: `
    var<workgroup> left: array<f32, ${DEPTH * TILE}>;
    var<workgroup> right: array<f32, ${DEPTH * TILE}>;

    fn tapOf(row: i32, fy: i32, fx: i32, channel: i32) -> f32 {
      let ox = row % uniforms.outWidth;
      let oy = (row / uniforms.outWidth) % uniforms.outHeight;
      let image = row / (uniforms.outWidth * uniforms.outHeight);
      let y = oy * uniforms.strideHeight - uniforms.top + fy;
      let x0 = ox * uniforms.strideWidth - uniforms.left + fx;
      if (y < 0 || y >= uniforms.inHeight || x0 < 0 || x0 >= uniforms.inWidth) { return 0.0; }
      return x[((image * uniforms.inHeight + y) * uniforms.inWidth + x0) * uniforms.inChannels + channel];
    }`,
  body: `
    let across = (uniforms.outChannels + ${TILE - 1}) / ${TILE};
    let tiles = across * ((uniforms.taps + ${TILE - 1}) / ${TILE});
    let part = group / tiles;
    let firstTap = ((group % tiles) / across) * ${TILE};
    let firstChannel = ((group % tiles) % across) * ${TILE};
    let first = part * uniforms.chunk;
    let last = select(first, min(first + uniforms.chunk, uniforms.rows), group < uniforms.groups);

    let column = lane % ${TILE};
    let tap = firstTap + column;
    let channel = tap % uniforms.inChannels;
    let fx = (tap / uniforms.inChannels) % uniforms.filterWidth;
    let fy = tap / (uniforms.inChannels * uniforms.filterWidth);
    let outChannel = firstChannel + column;
    let down = (lane / 8) * 4;
    let over = (lane % 8) * 4;
    var sums: array<vec4<f32>, 4>;
    for (var start = first; start < last; start += ${DEPTH}) {
      for (var depth = lane / ${TILE}; depth < ${DEPTH}; depth += ${GROUP_SIZE / TILE}) {
        let row = start + depth;
        var a = 0.0;
        var b = 0.0;
        if (row < last && tap < uniforms.taps) { a = tapOf(row, fy, fx, channel); }
        if (row < last && outChannel < uniforms.outChannels) { b = dy[row * uniforms.outChannels + outChannel]; }
        left[depth * ${TILE} + column] = a;
        right[depth * ${TILE} + column] = b;
      }
      workgroupBarrier();
      for (var depth = 0; depth < ${DEPTH}; depth++) {
        let at = depth * ${TILE};
        let values = vec4<f32>(right[at + over], right[at + over + 1], right[at + over + 2], right[at + over + 3]);
        for (var i = 0; i < 4; i++) { sums[i] += left[at + down + i] * values; }
      }
      workgroupBarrier();
    }
    if (group < uniforms.groups) {
      for (var i = 0; i < 4; i++) {
        for (var j = 0; j < 4; j++) {
          let toTap = firstTap + down + i;
          let toChannel = firstChannel + over + j;
          if (toTap < uniforms.taps && toChannel < uniforms.outChannels) {
            slopes[(part * uniforms.taps + toTap) * uniforms.outChannels + toChannel] = sums[i][j];
          }
        }
      }
    }`,
};

const addParts: Shader = {
  name: 'filterSlopesAdded',
  writes: ['dfilter'],
  reads: ['slopes'],
  body: `
    if (index < uniforms.dfilterSize) {
      var sum = 0.0;
      for (var at = index; at < uniforms.slopesSize; at += uniforms.dfilterSize) { sum += slopes[at]; }
      dfilter[index] = sum;
    }`,
};

/** Wraps Conv2DBackpropFilter; images whose channels come first go where they went. */
export function filterSlopes(original: KernelFunc): KernelFunc {
  return (params) => {
    const {inputs, backend: any, attrs} = params;
    const {strides, pad, dataFormat, dimRoundingMode, filterShape} = attrs as unknown as Attributes;
    const {x, dy} = inputs as unknown as Record<'x' | 'dy', TensorInfo>;
    if (dataFormat === 'NCHW' || x.dtype !== 'float32') return original(params);
    const info = backend_util.computeConv2DInfo(x.shape as Shape4D, filterShape, strides, 1, pad, dimRoundingMode);
    return run(any as WebgpuBackend, info, {x, dy});
  };
}

function run(backend: WebgpuBackend, info: backend_util.Conv2DInfo, {x, dy}: Record<'x' | 'dy', TensorInfo>): TensorInfo {
  const {outChannels, padInfo, filterShape} = info;
  const rows = info.batchSize * info.outHeight * info.outWidth;
  const taps = info.filterHeight * info.filterWidth * info.inChannels;
  const tiles = Math.ceil(taps / TILE) * Math.ceil(outChannels / TILE);
  const chunk = Math.max(LEAST_ROWS, Math.ceil(rows / Math.max(1, Math.floor(GROUPS / tiles))));
  const parts = Math.max(1, Math.ceil(rows / chunk));
  const groups = tiles * parts;
  const sizes = info as unknown as Record<string, number>;
  const numbers = {...sizes, rows, chunk, taps, groups, top: padInfo.top, left: padInfo.left};
  const dfilter = makeArray(backend, filterShape);
  const slopes = parts === 1 ? dfilter : makeArray(backend, [parts, ...filterShape]);
  runShader(backend, product, {arrays: {slopes, x, dy}, numbers, threads: groups * GROUP_SIZE});
  if (parts > 1) {
    runShader(backend, addParts, {arrays: {dfilter, slopes}, threads: taps * outChannels});
    freeArrays(backend, slopes);
  }
  return dfilter;
}

type Shape4D = [number, number, number, number];

interface Attributes {
  readonly strides: number | [number, number];
  readonly pad: 'valid' | 'same' | number;
  readonly dataFormat: 'NHWC' | 'NCHW';
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly filterShape: Shape4D;
}
