/**
 * The gradient of a convolution with respect to its filter, Conv2DBackpropFilter, which the wasm
 * backend lacks: dW = dYᵀ · patches(X), as products of moderate length. Only the small side is
 * transposed, and matMul gets no transpose flags: with them it runs a scalar loop.
 */
import type {TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {convGeometry, isPointwise, type ConvGeometry} from './_geometry.js';
import {borrowWindow, floatHeap, floatOffset, free, input, returnWindow, run, withShape, type Attributes, type Infos} from './_kernels.js';
import {fillPatches} from './_patches.js';

/** Floats of patches made at a time: small enough for the cache, long enough for the product. */
const patchFloats = 1 << 20;
/** Pixels in a product at least, where there are as many. */
const leastPixels = 1024;

/**
 * Computes `dW[ky,kx,ci,co] = Σ x[n, oy·s + ky·d − p, ox·s + kx·d − p, ci] · dy[n,oy,ox,co]`.
 *
 * @param inputs `x` `[N,H,W,Ci]` and `dy` `[N,h,w,Co]`, borrowed.
 * @param attributes `filterShape`, `strides`, `pad`, and where present `dilations`, `dimRoundingMode`.
 * @returns `[kh,kw,Ci,Co]`, the caller's.
 * @throws {RangeError} If `dataFormat` is not NHWC, which the wasm convolution does not know either.
 */
export function conv2dBackpropFilter(inputs: Infos, backend: BackendWasm, attributes: Attributes): TensorInfo {
  const x = input(inputs, 'x');
  const dy = input(inputs, 'dy');
  const filterShape = attributes['filterShape'] as number[];
  const format = attributes['dataFormat'] ?? 'NHWC';
  if (format !== 'NHWC') throw new RangeError(`Conv2DBackpropFilter on wasm: dataFormat must be NHWC, but is ${String(format)}.`);
  const geometry = convGeometry(x.shape, filterShape, dy.shape, attributes, false);
  const patchLength = geometry.rows.kernelSize * geometry.columns.kernelSize * geometry.inChannels;
  const {batch, outChannels, rows, columns} = geometry;

  const allRows = batch * rows.outSize;
  const pixelsAtATime = Math.max(leastPixels, Math.floor(patchFloats / patchLength));
  const rowsAtATime = Math.max(1, Math.floor(pixelsAtATime / columns.outSize));
  let sum: TensorInfo | undefined;
  for (let row = 0; row < allRows; row += rowsAtATime) {
    const end = Math.min(allRows, row + rowsAtATime);
    const part = productOfRows(x, dy, backend, geometry, patchLength, row, end); // [Co, kh·kw·Ci]
    if (sum === undefined) {
      sum = part;
      continue;
    }
    const next = run('Add', {a: sum, b: part}, backend);
    free(backend, sum, part);
    sum = next;
  }
  if (sum === undefined) return run('Fill', {}, backend, {shape: filterShape, value: 0, dtype: 'float32'});
  const result = run('Transpose', {x: withShape(sum, [outChannels, patchLength])}, backend, {perm: [1, 0]});
  free(backend, sum);
  return withShape(result, filterShape);
}

function productOfRows(
  x: TensorInfo,
  dy: TensorInfo,
  backend: BackendWasm,
  geometry: ConvGeometry,
  patchLength: number,
  row: number,
  end: number,
): TensorInfo {
  const {outChannels, columns} = geometry;
  const pixels = (end - row) * columns.outSize;
  const first = row * columns.outSize;
  const slope = borrowWindow(backend, dy, first * outChannels, [pixels, outChannels]);
  const slopeT = run('Transpose', {x: slope}, backend, {perm: [1, 0]}); // [Co, pixels]
  returnWindow(backend, slope);

  const inPlace = isPointwise(geometry);
  const patches = inPlace
    ? borrowWindow(backend, x, first * patchLength, [pixels, patchLength])
    : backend.makeOutput([pixels, patchLength], 'float32');
  if (!inPlace) fillPatches(floatHeap(backend), floatOffset(backend, x), floatOffset(backend, patches), geometry, row, end);

  const product = run('BatchMatMul', {a: slopeT, b: patches}, backend, {transposeA: false, transposeB: false});
  if (inPlace) returnWindow(backend, patches);
  else free(backend, patches);
  free(backend, slopeT);
  return product;
}
