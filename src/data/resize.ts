/**
 * Bilinear resize with half-pixel centres as two fixed matrices, Y = A_h · X · A_wᵀ per channel.
 * tfjs' own resizeBilinear ignores the half-pixel flag in its gradient; here only the gradient of
 * matMul is used, so it is right on every backend and for non-square images.
 */
import {matMul, reshape, tensor2d, tidy, transpose, type Tensor, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {checkInteger, checkShape} from '../core/check.js';

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

/**
 * Computes the weights of a half-pixel linear resize along one axis: `source = (i + 0.5) · in/out −
 * 0.5`, linear between the two neighbours, clamped at the border.
 *
 * @returns `outSize · inSize` weights, row-major; every row sums to 1.
 */
export function resizeWeights(inSize: number, outSize: number, options: ResizeOptions = {}): Float32Array {
  checkInteger('inSize', inSize, 1);
  checkInteger('outSize', outSize, 1);
  const ratio = inSize / outSize;
  const reach = options.antialias ? Math.max(1, ratio) : 1;
  const weights = new Float32Array(outSize * inSize);
  for (let out = 0; out < outSize; out++) {
    const centre = (out + 0.5) * ratio - 0.5;
    const first = Math.ceil(centre - reach);
    const taps: [index: number, weight: number][] = [];
    let sum = 0;
    for (let source = first; source <= centre + reach; source++) {
      const inside = source >= 0 && source < inSize;
      // Without antialiasing the border pixel stands in for what lies outside; with it, the
      // kernel is cut and renormalised.
      if (!inside && options.antialias) continue;
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
 * @throws {RangeError} If `images` is not of rank 4 or a size is not a whole number above 0.
 */
export function resizeBilinear(images: Tensor4D, size: readonly [number, number], options: ResizeOptions = {}): Tensor4D {
  checkShape('images', images.shape, [null, null, null, null]);
  const [batch, height, width, channels] = images.shape;
  const [outHeight, outWidth] = size;
  return tidy(() => {
    // [N, H, W·C] is one matrix per image: rows first, then columns after swapping H and W.
    const rows = alongRows(reshape(images, [batch, height, width * channels]), height, outHeight, options);
    const swapped = transpose(reshape(rows, [batch, outHeight, width, channels]), [0, 2, 1, 3]); // [N,W,h,C]
    const columns = alongRows(reshape(swapped, [batch, width, outHeight * channels]), width, outWidth, options);
    return transpose(reshape(columns, [batch, outWidth, outHeight, channels]), [0, 2, 1, 3]) as Tensor4D;
  });
}

function alongRows(x: Tensor, inSize: number, outSize: number, options: ResizeOptions): Tensor {
  if (inSize === outSize) return x;
  const [batch, , rest] = x.shape as [number, number, number];
  const weights: Tensor2D = tensor2d(resizeWeights(inSize, outSize, options), [outSize, inSize]);
  if (batch === 1) return matMul(weights, reshape(x, [inSize, rest]));
  // One product for the whole batch: [out,in] · [in, N·rest].
  const flat = reshape(transpose(x, [1, 0, 2]), [inSize, batch * rest]);
  return transpose(reshape(matMul(weights, flat), [outSize, batch, rest]), [1, 0, 2]);
}
