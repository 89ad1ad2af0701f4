/** The bilinear interpolation of compiled models: the backend's kernel without the gradient that training needs. */
import {image, type Tensor4D} from '@tensorflow/tfjs-core';

/** Resizes `[N,h,w,C]` with half-pixel centres; the numbers of `resizeBilinear`. */
export function interpolate(x: Tensor4D, size: readonly [number, number]): Tensor4D {
  return image.resizeBilinear(x, [...size], false, true);
}
