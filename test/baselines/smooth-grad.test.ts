import {
  mul,
  randomUniform,
  reshape,
  slice,
  square,
  sum,
  tensor1d,
  tensor2d,
  tensor4d,
  tidy,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {layers, sequential} from '@tensorflow/tfjs-layers';
import {describe, expect, it} from 'vitest';
import {gradientSaliency} from '../../src/baselines/gradient/gradient-saliency.js';
import {smoothGrad, smoothGradExplainer, type SmoothGradOptions} from '../../src/baselines/gradient/smooth-grad.js';
import type {SaliencyMap, Teacher} from '../../src/core/types.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {hashWeights} from '../helpers/hash.js';

const shape = [3, 4, 2] as const;
const images = (n = 2): Tensor4D => randomUniform([n, ...shape], -1, 1, 'float32', 5) as Tensor4D;
const all = (maps: readonly SaliencyMap[]): number[] => maps.flatMap(({data}) => [...data]);

/** z_c = (c + 1) · Σ x²: its gradient is 2·(c + 1)·x. */
const quadratic: Teacher = {
  name: 'quadratic',
  inputShape: shape,
  numClasses: 2,
  logits: (x) => tidy(() => mul(reshape(sum(square(x), [1, 2, 3]), [-1, 1]), tensor2d([[1, 2]])) as Tensor2D),
};

describe('smoothGrad', () => {
  it('of a linear model is its gradient, whatever the noise', async () => {
    const model = sequential({layers: [layers.flatten({inputShape: [...shape]}), layers.dense({units: 3, activation: 'softmax'})]});
    const before = await hashWeights(model);
    const x = images();
    await expectNoLeak(async () => {
      for (const reduce of ['max-abs', 'signed-sum', 'gradient-times-input'] as const) {
        const smooth = await smoothGrad(x, model, {reduce, target: [0, 2], noiseLevel: 0.5, numSamples: 5});
        expectClose(all(smooth), all(await gradientSaliency(x, model, {reduce, target: [0, 2]})), {abs: 1e-5}, reduce);
      }
      const squared = await smoothGrad(x, model, {variant: 'squared', target: 1, numSamples: 3});
      expectClose(
        all(squared),
        all(await gradientSaliency(x, model, {target: 1})).map((value) => value ** 2),
        {abs: 1e-5},
        'squared',
      );
    });
    expect(await hashWeights(model)).toBe(before);
  });

  it('of a quadratic has the known mean and, squared, the known second moment', async () => {
    const x = images(1);
    const pixels = [...(await x.data())];
    const deviation = 0.2 * (Math.max(...pixels) - Math.min(...pixels));
    const numSamples = 2000;
    const options = {noiseLevel: 0.2, numSamples, batchSize: 500, target: 1} as const;
    // Means of n values scatter by σ/√n; six of these are never reached.
    const mean = (await smoothGrad(x, quadratic, {...options, reduce: 'signed-sum'}))[0]!;
    const expected = Array.from({length: 12}, (_, pixel) => 4 * (pixels[pixel * 2]! + pixels[pixel * 2 + 1]!));
    expectClose(mean.data, expected, {abs: (6 * 4 * Math.SQRT2 * deviation) / Math.sqrt(numSamples)}, 'mean');
    const squared = (await smoothGrad(x, quadratic, {...options, variant: 'squared', reduce: 'sum-abs'}))[0]!;
    const moments = Array.from(
      {length: 12},
      (_, pixel) => 16 * (pixels[pixel * 2]! ** 2 + pixels[pixel * 2 + 1]! ** 2 + 2 * deviation ** 2),
    );
    const largest = Math.max(...pixels.map(Math.abs));
    const scatter = 16 * Math.sqrt(2 * (2 * deviation ** 4 + 4 * largest ** 2 * deviation ** 2));
    expectClose(squared.data, moments, {abs: (6 * scatter) / Math.sqrt(numSamples)}, 'second moment');
    // The noise is there: without it the moment would be smaller by more than the tolerance.
    expect(16 * 2 * deviation ** 2).toBeGreaterThan((6 * scatter) / Math.sqrt(numSamples) / 2);
  });

  it('without noise is the gradient', async () => {
    const x = images();
    expectClose(
      all(await smoothGrad(x, quadratic, {noiseLevel: 0, numSamples: 2})),
      all(await gradientSaliency(x, quadratic)),
      {abs: 1e-6},
      'maps',
    );
  });

  it('depends on the seed, and on neither batch size, classes nor calls', async () => {
    const x = images(3);
    const run = (options: SmoothGradOptions = {}): Promise<SaliencyMap[]> =>
      smoothGrad(x, quadratic, {numSamples: 7, seed: 3, target: 1, ...options});
    const maps = await run();
    expect(await run()).toEqual(maps);
    for (const batchSize of [1, 3, 100]) expectClose(all(await run({batchSize})), all(maps), {abs: 1e-6}, `batch size ${batchSize}`);
    const both = await run({target: [0, 1]});
    expect([both[1]!.data, both[3]!.data]).toEqual([maps[0]!.data, maps[1]!.data]);
    const alone = slice(x, [0, 0, 0, 0], [1, -1, -1, -1]);
    expect((await smoothGrad(alone, quadratic, {numSamples: 7, seed: 3, target: 1}))[0]!.data).toEqual(maps[0]!.data);
    expect(all(await run({seed: 4}))).not.toEqual(all(maps));
    expect(maps[0]).toMatchObject({
      seed: 3,
      method: 'smooth-grad',
      options: {reduce: 'max-abs', noiseLevel: 0.15, numSamples: 7, variant: 'mean', batchSize: 16, target: 1, seed: 3},
    });
  });

  it('gives an image the same noise wherever it stands in a call', async () => {
    const x = images(1);
    const twice = [slice(x, 0), slice(x, 0)];
    const [first, second] = await smoothGrad(twice, quadratic, {target: 1, numSamples: 3});
    expect(first!.data).toEqual(second!.data);
  });

  it('reports every call of the model, and stops between two', async () => {
    const x = images(2);
    await expectNoLeak(async () => {
      const seen: number[] = [];
      await smoothGrad(x, quadratic, {numSamples: 5, batchSize: 2, onProgress: ({done, total}) => seen.push(done, total)});
      expect(seen).toEqual([2, 10, 4, 10, 5, 10, 7, 10, 9, 10, 10, 10]);
      const controller = new AbortController();
      const stopped = smoothGrad(x, quadratic, {
        numSamples: 5,
        batchSize: 2,
        signal: controller.signal,
        onProgress: ({done}) => done === 7 && controller.abort(new Error('enough')),
      });
      await expect(stopped).rejects.toThrow('enough');
    });
  });

  it('refuses options out of range', async () => {
    const x = images(1);
    const wrong: [SmoothGradOptions, RegExp][] = [
      [{noiseLevel: -0.1}, /smoothGrad: noiseLevel/],
      [{numSamples: 0}, /smoothGrad: numSamples/],
      [{batchSize: 1.5}, /smoothGrad: batchSize/],
      [{seed: -1}, /smoothGrad: seed/],
      [{variant: 'median' as never}, /smoothGrad: variant must be one of 'mean', 'squared'/],
      [{variant: 'squared', reduce: 'signed-sum'}, /smoothGrad: reduce must be one of 'max-abs', 'sum-abs'/],
    ];
    await expectNoLeak(async () => {
      for (const [options, message] of wrong) await expect(smoothGrad(x, quadratic, options)).rejects.toThrow(message);
    });
  });

  it('averages the gradients with their sign, so that opposite ones cancel', async () => {
    // z = |x − x₀| at its kink: the gradient is ±1 by chance, its mean near 0, its square 1.
    const steep = sequential({
      layers: [
        layers.flatten({inputShape: [1, 2, 1]}),
        layers.dense({units: 4, activation: 'relu', name: 'halves'}),
        layers.dense({units: 2, name: 'z'}),
      ],
    });
    steep.setWeights([
      tensor2d([1, -1, 0, 0, 0, 0, 1, -1], [2, 4]),
      tensor1d([0, 0, -1, 1]),
      tensor2d([1, 0, 1, 0, 1, 0, 1, 0], [4, 2]),
      tensor1d([0, 0]),
    ]);
    const x = tensor4d([0, 1], [1, 1, 2, 1]);
    const options = {target: 0, numSamples: 400, batchSize: 400} as const;
    const mean = (await smoothGrad(x, steep, options))[0]!;
    for (const value of mean.data) expect(Math.abs(value)).toBeLessThan(6 / Math.sqrt(400));
    expect((await smoothGrad(x, steep, {...options, variant: 'squared'}))[0]).toMatchObject({empty: true}); // 1 everywhere
  });

  it('is bound by its explainer', async () => {
    const x = images();
    const explainer = smoothGradExplainer(quadratic, {numSamples: 3});
    expect(explainer.method).toBe('smooth-grad');
    expect(await explainer.explain(x, {seed: 9, target: 0})).toEqual(await smoothGrad(x, quadratic, {numSamples: 3, seed: 9, target: 0}));
  });
});
