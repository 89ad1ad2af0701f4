/** The blurred image that insertion starts from. */
import {scalar, tensor4d, zeros, type Tensor4D} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import {blurImages, blurWeights, type BlurOptions} from '../../src/queries/blur.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {read} from '../helpers/read.js';

describe('blurWeights', () => {
  it('gives the nearly flat marginal of the reference by default', () => {
    const half = [0.087958, 0.088896, 0.090474, 0.092191, 0.093489, 0.093982];
    expectClose(blurWeights(), [...half, ...half.slice(0, 5).reverse()], {abs: 5e-7});
  });

  it('gives the cut Gaussian on request', () => {
    const half = [0.066342, 0.079425, 0.091361, 0.100969, 0.107213, 0.109379];
    expectClose(blurWeights({kernel: 'gaussian'}), [...half, ...half.slice(0, 5).reverse()], {abs: 5e-7});
  });

  it('folds as often as needed and sums to 1', () => {
    const weights = blurWeights({length: 3, sigma: 20});
    expectClose(weights, [1 / 3, 1 / 3, 1 / 3], {abs: 1e-3});
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
    expect([...blurWeights({length: 1})]).toEqual([1]);
  });

  it.each<[BlurOptions, string]>([
    [{sigma: 0}, 'sigma must be a finite number from 0.01 to 1000, but is 0.'],
    [{sigma: 1e9}, 'sigma must be a finite number from 0.01 to 1000, but is 1000000000.'],
    [{sigma: 5e-324}, 'sigma must be a finite number from 0.01 to 1000, but is 5e-324.'],
    [{sigma: NaN}, 'sigma must be a finite number from 0.01 to 1000, but is NaN.'],
    [{length: 10}, 'length must be an odd whole number from 1 to 1001, but is 10.'],
    [{length: -1}, 'length must be an odd whole number from 1 to 1001, but is -1.'],
    [{length: 1003}, 'length must be an odd whole number from 1 to 1001, but is 1003.'],
    [{kernel: 'box' as never}, "kernel must be one of 'official', 'gaussian', but is \"box\"."],
  ])('refuses %o at once', (options, message) => {
    expect(() => blurWeights(options)).toThrow(new RangeError(`blurWeights: ${message}`));
  });

  it('takes every length and sigma that is allowed, the extremes too', () => {
    for (const kernel of ['official', 'gaussian'] as const)
      for (const length of [1, 1001])
        for (const sigma of [0.01, 1000]) {
          const weights = blurWeights({kernel, length, sigma});
          expect(weights.every((weight) => weight >= 0)).toBe(true);
          expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 9);
        }
    expect([...blurWeights({length: 5, sigma: 0.01})]).toEqual([0, 0, 1, 0, 0]);
  });
});

describe('blurImages', () => {
  it('spreads a single point over the square kernel, in its own channel and image', async () => {
    const options: BlurOptions = {kernel: 'gaussian', length: 3, sigma: 1};
    const values = new Float32Array(2 * 4 * 5 * 2);
    const at = (image: number, row: number, column: number, channel: number): number => ((image * 4 + row) * 5 + column) * 2 + channel;
    values[at(1, 0, 3, 1)] = 2; // On the upper border: what falls outside is lost.
    const x = tensor4d(values, [2, 4, 5, 2]);
    const [side, centre] = blurWeights(options) as unknown as [number, number];
    const expected = new Float32Array(values.length);
    for (const [row, weight] of [centre, side].entries())
      for (const [column, other] of [side, centre, side].entries()) expected[at(1, row, 2 + column, 1)] = 2 * weight * other;
    await expectNoLeak(async () => expectClose(await read(() => blurImages(x, options)), expected, {abs: 1e-6}));
    expectClose(await x.data(), values, {}, 'the images, unchanged');
    x.dispose();
  });

  it('refuses what is no batch of images, by name', () => {
    const gone = zeros([1, 4, 4, 1]) as Tensor4D;
    gone.dispose();
    for (const [images, type, message] of [
      [gone, TypeError, 'blurImages: images must be a tensor, but is a disposed Tensor'],
      [[1, 2], TypeError, 'blurImages: images must be a tensor, but is [1, 2].'],
      [zeros([1, 4, 4, 1], 'int32'), TypeError, 'blurImages: images must be a float32 tensor, but is int32.'],
      [scalar(1), RangeError, 'blurImages: images must have shape [?, ?, ?, ?], but has [].'],
    ] as const) {
      expect(() => blurImages(images as never)).toThrow(type);
      expect(() => blurImages(images as never)).toThrow(message);
    }
    expect(() => blurImages(zeros([1, 4, 4, 1]) as Tensor4D, {sigma: 1e9})).toThrow('blurImages: sigma must be');
  });
});
