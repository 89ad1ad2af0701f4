/** Weights that have forgotten what was learned. */
import {concat, fill, randomNormal, tensor1d, tensor2d, type Tensor2D} from '@tensorflow/tfjs-core';
import {layers} from '@tensorflow/tfjs-layers';
import {describe, expect, it} from 'vitest';
import {Random} from '../../src/core/random.js';
import {randomizeLayer} from '../../src/metrics/of-explainer/random-weights.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';

const valuesOf = (layer: layers.Layer): Promise<number[][]> =>
  Promise.all(layer.getWeights().map(async (weight) => [...(await weight.data())]));
const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
const momentsOf = (values: readonly number[]): [mean: number, deviation: number] => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return [mean, Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)];
};

/** A layer with two weights of 1 × 12 and 12 values. */
function dense(): layers.Layer {
  const layer = layers.dense({units: 12, inputShape: [1]});
  layer.build([null, 1]);
  const values = Array.from({length: 12}, (_, index) => index - 4);
  layer.setWeights([tensor2d([values]), tensor1d(values)]);
  return layer;
}

describe('randomizeLayer', () => {
  it('shuffles the values of every weight, each in an order of its own', async () => {
    const layer = dense();
    const before = await valuesOf(layer);
    await expectNoLeak(() => randomizeLayer(layer, 'shuffle', new Random(1)));
    const [kernel, bias] = (await valuesOf(layer)) as [number[], number[]];
    for (const [index, after] of [kernel, bias].entries()) {
      expect(after).not.toEqual(before[index]);
      expect(sorted(after)).toEqual(before[index]);
    }
    expect(kernel).not.toEqual(bias);
    const again = dense();
    await randomizeLayer(again, 'shuffle', new Random(1));
    expect(await valuesOf(again)).toEqual([kernel, bias]);
  });

  it('draws normal numbers with the mean and deviation of the weight', async () => {
    const layer = layers.dense({units: 4000, inputShape: [1]});
    layer.build([null, 1]);
    layer.setWeights([randomNormal([1, 4000], 3, 0.5, 'float32', 7), concat([fill([2000], -1), fill([2000], 5)])]);
    const before = await valuesOf(layer);
    await randomizeLayer(layer, 'redraw', new Random(2));
    const after = await valuesOf(layer);
    after.forEach((values, index) => {
      const [mean, deviation] = momentsOf(before[index]!);
      expectClose(momentsOf(values), [mean, deviation], {abs: deviation / 15}); // The deviation of a mean of 4000 is 1/63.
    });
    // Normal, whatever the distribution was: two thirds within one deviation.
    const within = after[1]!.filter((value) => Math.abs(value - 2) < 3).length / 4000;
    expect(Math.abs(within - 0.683)).toBeLessThan(0.03);
  });

  it('keeps weights without a negative value so, and leaves equal values alone', async () => {
    const layer = layers.dense({units: 500, inputShape: [1]});
    layer.build([null, 1]);
    const positive = concat([fill([1, 250], 0), fill([1, 250], 1)], 1) as Tensor2D;
    layer.setWeights([positive, fill([500], -0.1)]);
    await randomizeLayer(layer, 'redraw', new Random(3));
    const [kernel, bias] = (await valuesOf(layer)) as [number[], number[]];
    expect(Math.min(...kernel)).toBeGreaterThanOrEqual(0);
    expect(new Set(kernel).size).toBeGreaterThan(400);
    expect(new Set(bias)).toEqual(new Set([Math.fround(-0.1)]));
  });
});
