/**
 * The gradient of a convolution with respect to its filter, Conv2DBackpropFilter, which the wasm
 * backend lacks: dW = patches(X)ᵀ · dY, as a sum of products of moderate length. The transpose is
 * made beforehand: matMul's own transpose flags lead to a scalar loop. Its right operand is
 * repacked value by value before it multiplies, so the narrower side goes there; where that is
 * the patches, the product is dWᵀ.
 */
import type {TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {convGeometry, isPointwise, type ConvGeometry} from './_geometry.js';
import {borrowWindow, floatHeap, floatOffset, free, input, returnWindow, run, withShape, type Attributes, type Infos} from './_kernels.js';
import {fillPatches} from './_patches.js';

/** Floats of patches made at a time: what is written is still in the cache when it is read. */
const patchFloats = 1 << 18;
/** Pixels in a product at least, where there are as many: shorter ones spend their time on calls. */
const leastPixels = 256;

/**
 * Computes `dW[ky,kx,ci,co] = Σ x[n, oy·s + ky·d − p, ox·s + kx·d − p, ci] · dy[n,oy,ox,co]`.
 *
 * @param inputs `x` `[N,H,W,Ci]` and `dy` `[N,h,w,Co]`, borrowed.
 * @param attributes `filterShape`, `strides`, `pad`, and where present `dilations`, `dimRoundingMode`.
 * @returns `[kh,kw,Ci,Co]`, the caller's.
 * @throws {RangeError} If `dataFormat` is not NHWC, which the wasm convolution does not know either.
 */
export function conv2dBackpropFilter(inputs: Infos, backend: BackendWasm, attributes: Attributes): TensorInfo {
  const x = input(inputs, 'x', backend);
  const dy = input(inputs, 'dy', backend);
  const filterShape = attributes['filterShape'] as number[];
  const format = attributes['dataFormat'] ?? 'NHWC';
  if (format !== 'NHWC') throw new RangeError(`Conv2DBackpropFilter on wasm: dataFormat must be NHWC, but is ${String(format)}.`);
  const geometry = convGeometry(x.shape, filterShape, dy.shape, attributes, false);
  const {batch, inChannels, outChannels, rows, columns} = geometry;
  const patchLength = rows.kernelSize * columns.kernelSize * inChannels;
  const patchesRight = patchLength < outChannels;

  let sum: TensorInfo | undefined;
  const allRows = batch * rows.outSize;
  const step = rowsAtATime(patchLength, columns.outSize);
  for (let row = 0; row < allRows && columns.outSize > 0; row += step) {
    const part = productOfRows(x, dy, backend, geometry, patchesRight, row, Math.min(allRows, row + step));
    const previous = sum;
    sum = previous === undefined ? part : run('Add', {a: previous, b: part}, backend);
    if (previous !== undefined) free(backend, previous, part);
  }
  if (sum === undefined) return run('Fill', {}, backend, {shape: filterShape, value: 0, dtype: 'float32'});
  return withShape(patchesRight ? replaceByTranspose(sum, backend) : sum, filterShape);
}

/** An odd number: strides of a power of two would send a transpose to the same few cache lines. */
function rowsAtATime(patchLength: number, outWidth: number): number {
  const pixels = Math.max(leastPixels, patchFloats / patchLength);
  const rows = Math.floor(pixels / outWidth);
  return Math.max(1, rows - 1 + (rows % 2));
}

function productOfRows(
  x: TensorInfo,
  dy: TensorInfo,
  backend: BackendWasm,
  geometry: ConvGeometry,
  patchesRight: boolean,
  row: number,
  end: number,
): TensorInfo {
  const {inChannels, outChannels, rows, columns} = geometry;
  const first = row * columns.outSize;
  const pixels = (end - row) * columns.outSize;
  const patchLength = rows.kernelSize * columns.kernelSize * inChannels;

  const inPlace = isPointwise(geometry);
  const patches = inPlace
    ? borrowWindow(backend, x, first * patchLength, [pixels, patchLength])
    : backend.makeOutput([pixels, patchLength], 'float32');
  if (!inPlace) fillPatches(floatHeap(backend), floatOffset(backend, x), floatOffset(backend, patches), geometry, row, end);
  const slope = borrowWindow(backend, dy, first * outChannels, [pixels, outChannels]);

  const [left, right] = patchesRight ? [slope, patches] : [patches, slope];
  const leftT = run('Transpose', {x: left}, backend, {perm: [1, 0]}); // [wider, pixels]
  const product = run('BatchMatMul', {a: leftT, b: right}, backend, {transposeA: false, transposeB: false});
  free(backend, leftT);
  returnWindow(backend, slope);
  if (inPlace) returnWindow(backend, patches);
  else free(backend, patches);
  return product;
}

function replaceByTranspose(matrix: TensorInfo, backend: BackendWasm): TensorInfo {
  const transposed = run('Transpose', {x: matrix}, backend, {perm: [1, 0]});
  free(backend, matrix);
  return transposed;
}
