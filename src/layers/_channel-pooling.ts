/**
 * Means and maxima over places or over channels, by the pooling kernels: on wasm those are
 * vectorised, the reductions are not.
 */
import {avgPool, max, maxPool, mean, reshape, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';

/** What becomes of several values. */
export type Reduction = 'mean' | 'max';

// Channels are first reduced to so many, as many as there are by the pooling kernel.
const lanes = [16, 8, 4] as const;

/** Reduces over height and width: `[N,H,W,C]` to `[N,C]`. */
export function overPlaces(x: Tensor4D, reduction: Reduction): Tensor2D {
  const [count, height, width, channels] = x.shape;
  return reshape(pool(x, [height, width], reduction), [count, channels]);
}

/** Reduces over the channels: `[N,H,W,C]` to `[N,H,W,1]`. */
export function overChannels(x: Tensor4D, reduction: Reduction): Tensor4D {
  const [count, height, width, channels] = x.shape;
  const reduce = reduction === 'max' ? max : mean;
  const kept = lanes.find((each) => channels % each === 0 && channels > each);
  if (kept === undefined) return reduce(x, 3, true);
  const split: Tensor4D = reshape(x, [count, height * width, channels / kept, kept]);
  return reshape(reduce(pool(split, [1, channels / kept], reduction), 3), [count, height, width, 1]);
}

/** Reduces windows that lie side by side. */
function pool(x: Tensor4D, window: [number, number], reduction: Reduction): Tensor4D {
  // The kernels refuse windows of one value.
  if (window[0] * window[1] === 1) return x;
  return (reduction === 'max' ? maxPool : avgPool)(x, window, 1, 'valid');
}
