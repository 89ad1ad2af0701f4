/**
 * Bilinear resize with half-pixel centres and a right gradient. tfjs' own resizeBilinear ignores
 * the half-pixel flag in its gradient, and swaps H and W on cpu; so the gradient here is that of
 * the resize written as two fixed matrices, Y = A_h · X · A_wᵀ per channel. The forward pass uses
 * the backend's kernel where it computes the same.
 */
import {
  add,
  cast,
  customGrad,
  image,
  matMul,
  mul,
  oneHot,
  reshape,
  tensor1d,
  tensor2d,
  tidy,
  transpose,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {at} from '../core/at.js';
import {checkNumbers, checkSize, show} from '../core/check.js';
import {checkTensor} from '../core/check-tensor.js';
import {boolean, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';

/** Options of {@link resizeBilinear}. */
export interface ResizeOptions {
  /**
   * Widens the kernel to the size of an output pixel when shrinking, so that fine texture is
   * averaged instead of skipped (as Pillow does). Off, it equals PyTorch's
   * `interpolate(mode='bilinear', align_corners=False)`.
   * @default false
   */
  readonly antialias?: boolean | undefined;
}

/** The options of {@link resizeBilinear}. */
export const resizeBilinearSchema: OptionsSchema<Settled<ResizeOptions>> = /* @__PURE__ */ (() => ({
  where: 'resizeBilinear',
  fields: {antialias: withDefault(boolean(), false)},
}))();

/**
 * Computes the weights of a half-pixel linear resize along one axis: `source = (i + 0.5) · in/out −
 * 0.5`, linear between the two neighbours, clamped at the border. Sizes are whole numbers above 0.
 *
 * @returns `outSize · inSize` weights, row-major; every row sums to 1.
 */
export function resizeWeights(inSize: number, outSize: number, {antialias = false}: ResizeOptions = {}): Float32Array {
  const ratio = inSize / outSize;
  const reach = antialias ? Math.max(1, ratio) : 1;
  const weights = new Float32Array(outSize * inSize);
  for (let out = 0; out < outSize; out++) {
    const centre = (out + 0.5) * ratio - 0.5;
    const first = Math.ceil(centre - reach);
    const taps: [index: number, weight: number][] = [];
    let sum = 0;
    for (let source = first; source <= centre + reach; source++) {
      const inside = source >= 0 && source < inSize;
      // Without antialiasing the border pixel stands in for what lies outside; with it, the
      // kernel is cut and its weights sum to 1 again.
      if (!inside && antialias) continue;
      const weight = Math.max(0, 1 - Math.abs(source - centre) / reach);
      taps.push([Math.min(Math.max(source, 0), inSize - 1), weight]);
      sum += weight;
    }
    for (const [index, weight] of taps) {
      const at = out * inSize + index;
      weights[at] = (weights[at] as number) + weight / sum;
    }
  }
  return weights;
}

/**
 * Resizes images bilinearly with half-pixel centres, keeping the centre of mass where it was.
 *
 * @param images `[N,H,W,C]`.
 * @param size `[height, width]` of the result, both at least 1.
 * @returns `[N,height,width,C]`, the caller's. Differentiable with respect to `images`.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {RangeError} If `images` is not of rank 4 or a size is not a whole number above 0.
 */
export function resizeBilinear(images: Tensor4D, size: readonly [number, number], options?: ResizeOptions): Tensor4D {
  const where = 'resizeBilinear';
  const settings = readOptions(resizeBilinearSchema, options);
  const [, height, width] = checkTensor<Tensor4D>(`${where}: images`, images, [null, null, null, null]).shape;
  if (checkNumbers(`${where}: size`, size).length !== 2) {
    throw new RangeError(`${where}: size must be [height, width], but is ${show(size)}.`);
  }
  checkSize(`${where}: size`, size[0], size[1]);
  const rows = {inSize: height, outSize: size[0], ...settings};
  const columns = {inSize: width, outSize: size[1], ...settings};
  const resize = customGrad((x) => {
    const input = x as Tensor4D;
    const value = settings.antialias ? alongColumns(alongRows(input, rows), columns) : image.resizeBilinear(input, [...size], false, true);
    const gradFunc = (dy: Tensor): Tensor => alongRows(alongColumns(dy as Tensor4D, columns, true), rows, true);
    return {value, gradFunc};
  });
  return tidy(() => resize(images) as Tensor4D);
}

/** A resize along one axis. */
interface AxisResize {
  readonly inSize: number;
  readonly outSize: number;
  readonly antialias: boolean;
}

/** The weights as `[outSize,inSize]`. Without antialiasing each row has two: their places go to the device, the rest is made there. */
function matrixOf({inSize, outSize, antialias}: AxisResize): Tensor2D {
  // tfjs' oneHot wants two classes.
  if (antialias || inSize === 1) return tensor2d(resizeWeights(inSize, outSize, {antialias}), [outSize, inSize]);
  const sources = Array.from({length: outSize}, (_, out) => Math.min(Math.max(((out + 0.5) * inSize) / outSize - 0.5, 0), inSize - 1));
  const before = sources.map(Math.floor);
  const shares = sources.map((source, out) => source - at(before, out));
  const weighted = (places: number[], weights: number[]): Tensor2D =>
    // As whole numbers: wasm writes them whatever the type asked for.
    mul(cast(oneHot(tensor1d(places, 'int32'), inSize), 'float32'), tensor2d(weights, [outSize, 1]));
  return add(
    weighted(
      before,
      shares.map((share) => 1 - share),
    ),
    weighted(
      before.map((place) => Math.min(place + 1, inSize - 1)),
      shares,
    ),
  );
}

/** @param back The transposed resize, which is the gradient. */
function alongRows(x: Tensor4D, axis: AxisResize, back: boolean = false): Tensor4D {
  const [batch, , width, channels] = x.shape;
  const [inSize, outSize] = back ? [axis.outSize, axis.inSize] : [axis.inSize, axis.outSize];
  const product = (flat: Tensor2D): Tensor2D => matMul(matrixOf(axis), flat, back);
  if (batch === 1) return reshape(product(reshape(x, [inSize, width * channels])), [1, outSize, width, channels]);
  // One product for the whole batch: [out,in] · [in, N·W·C].
  const flat: Tensor2D = reshape(transpose(x, [1, 0, 2, 3]), [inSize, batch * width * channels]);
  return transpose(reshape(product(flat), [outSize, batch, width, channels]), [1, 0, 2, 3]);
}

function alongColumns(x: Tensor4D, axis: AxisResize, back: boolean = false): Tensor4D {
  return transpose(alongRows(transpose(x, [0, 2, 1, 3]), axis, back), [0, 2, 1, 3]);
}
