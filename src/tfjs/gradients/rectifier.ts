/**
 * The gradient of a rectifier from what it gave out, which is all that a fused convolution leaves
 * behind.
 */
import {engine, mul, step, sub, type NamedTensorMap, type Tensor} from '@tensorflow/tfjs-core';
import {GATE_SLOPE, hasKernel} from '../own-kernels.js';

// The largest float32 below 6: what reaches 6 was cut off there.
const BELOW_SIX = 5.9999995;

/**
 * Computes dy where the rectifier let its input through.
 *
 * @param dy Gradient with respect to `y`.
 * @param y Output of the rectifier.
 * @returns A tensor of the same shape, the caller's.
 */
export function rectifierGradient<T extends Tensor>(dy: T, y: T, rectifier: 'relu' | 'relu6'): T {
  if (hasKernel(GATE_SLOPE)) {
    const high = rectifier === 'relu' ? Infinity : BELOW_SIX;
    return engine().runKernel(GATE_SLOPE, {dy, x: y} as NamedTensorMap, {low: 0, high, openLow: true});
  }
  return mul(dy, rectifier === 'relu' ? step(y) : mul(step(y), step(sub(6, y))));
}
