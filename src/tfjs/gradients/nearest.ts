/**
 * The gradient of upsampling to the nearest neighbour by whole factors, on every backend, as average
 * pooling. The cpu backend's own, ResizeNearestNeighborGrad, is right for the first image of a batch
 * only, and the kernels elsewhere search for what they could compute.
 */
import {avgPool, getGradient, mul, registerGradient, type GradConfig, type Tensor4D} from '@tensorflow/tfjs-core';
import {isMarked, mark} from '../mark.js';

const kernelName = 'ResizeNearestNeighbor';

/** Installs the gradient, once per process. Other factors keep the gradient they have. */
export function installNearestGradient(): void {
  const original = getGradient(kernelName) as GradConfig | undefined;
  if (original === undefined || isMarked(original.gradFunc)) return;
  const gradFunc: GradConfig['gradFunc'] = (slope, saved, attributes) => {
    const dy = slope as Tensor4D;
    const images = saved[0] as Tensor4D;
    const down = dy.shape[1] / images.shape[1];
    const right = dy.shape[2] / images.shape[2];
    const isWhole = Number.isInteger(down) && Number.isInteger(right) && down > 0 && right > 0;
    if (!isWhole || attributes['alignCorners'] === true) return original.gradFunc(slope, saved, attributes);
    return {images: () => mul(avgPool(dy, [down, right], [down, right], 'valid'), down * right)};
  };
  registerGradient({...original, gradFunc: mark(gradFunc)});
}
