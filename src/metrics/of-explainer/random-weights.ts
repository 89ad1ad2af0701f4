/** Weights that have forgotten what was learned. */
import {tensor, type Tensor} from '@tensorflow/tfjs-core';
import type {layers} from '@tensorflow/tfjs-layers';
import {at} from '../../core/at.js';
import type {Random} from '../../core/random.js';

/**
 * `'shuffle'`: the values of every weight in random order, so that their distribution stays.
 * `'redraw'`: normal numbers with the mean and deviation of every weight; weights without a negative
 * value, such as variances, stay so (by their magnitude). Either leaves a weight alone whose values
 * are all equal, such as a fresh bias.
 */
export type Randomization = 'shuffle' | 'redraw';

/** Randomizes a layer in place; each of its weights draws from a stream of its own. */
export async function randomizeLayer(layer: layers.Layer, kind: Randomization, random: Random): Promise<void> {
  const fresh: Tensor[] = [];
  try {
    for (const [index, weight] of layer.getWeights().entries()) {
      const values = await weight.data<'float32'>();
      const stream = random.split(index);
      fresh.push(tensor(kind === 'shuffle' ? shuffled(values, stream) : redrawn(values, stream), weight.shape, weight.dtype));
    }
    layer.setWeights(fresh);
  } finally {
    for (const each of fresh) each.dispose();
  }
}

function shuffled(values: Float32Array, random: Random): Float32Array {
  return Float32Array.from(random.permutation(values.length), (from) => at(values, from));
}

function redrawn(values: Float32Array, random: Random): Float32Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  const signed = values.some((value) => value < 0);
  return values.map(() => {
    const drawn = mean + deviation * random.normal();
    return signed ? drawn : Math.abs(drawn);
  });
}
