/** Gives an untrained model weights as training leaves them: no zeros, no ones, no untouched batch statistics. */
import {dispose, tensor} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {Random} from '../../src/core/random.js';

/** Draws every weight anew: kernels at the scale of He et al., factors and variances around 1, the rest around 0. */
export function drawWeights(model: LayersModel, seed: number): void {
  const weights = model.weights.map(({originalName, shape}, index) => {
    const random = new Random(seed).split(`${index}`);
    const sizes = shape as number[];
    const fanIn = sizes.slice(0, -1).reduce((product, size) => product * size, 1);
    const draw = /variance|gamma/.test(originalName)
      ? () => random.uniform(0.5, 1.5)
      : sizes.length > 1
        ? () => random.normal() * Math.sqrt(2 / fanIn)
        : () => random.normal() * 0.3;
    return tensor(Float32Array.from({length: sizes.reduce((product, size) => product * size, 1)}, draw), sizes);
  });
  model.setWeights(weights);
  dispose(weights);
}
