/** A real model that computes in no time, and pictures that are drawn from their numbers. */
import {layers, sequential, type Sequential} from '@tensorflow/tfjs-layers';

/** `[height, width, channels]` of the pictures. */
export const SHAPE = [6, 6, 3] as const;

/** A network whose weights are drawn from seeds; the caller's. */
export function tinyModel(): Sequential {
  const drawn = (seed: number): object => ({kernelInitializer: {className: 'RandomUniform', config: {minval: -1, maxval: 1, seed}}});
  return sequential({
    layers: [
      layers.conv2d({inputShape: [...SHAPE], filters: 4, kernelSize: 3, activation: 'relu', ...drawn(1)}),
      layers.globalAveragePooling2d({}),
      layers.dense({units: 3, activation: 'softmax', ...drawn(2)}),
    ],
  });
}

/** The values of picture `index`, by a generator of Lehmer's. */
export function pixels(index: number): Float32Array {
  let state = 1 + index;
  const next = (): number => (state = (state * 48271) % 2147483647);
  for (let step = 0; step < 5; step++) next();
  return Float32Array.from({length: SHAPE[0] * SHAPE[1] * SHAPE[2]}, () => next() / 1073741823.5 - 1);
}
