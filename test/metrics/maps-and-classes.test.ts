import {describe, expect, it} from 'vitest';
import {areaUnderCurve} from '../../src/metrics/of-model/auc.js';
import {blurWeights} from '../../src/queries/blur.js';
import {evidenceShare} from '../../src/metrics/of-map/evidence-share.js';
import {meanIntensity} from '../../src/metrics/of-map/mean-intensity.js';
import {rankPixels} from '../../src/metrics/of-map/ranking.js';
import {topOneAccuracy} from '../../src/metrics/of-model/top-one-accuracy.js';
import {expectClose} from '../helpers/expect.js';

describe('rankPixels', () => {
  it('puts the most salient first and breaks ties by index, either way', () => {
    const values = [1, 3, 1, -Infinity, 3, Infinity, Infinity];
    expect([...rankPixels(values)]).toEqual([5, 6, 1, 4, 0, 2, 3]);
    expect([...rankPixels(values, 'index-desc')]).toEqual([6, 5, 4, 1, 2, 0, 3]);
    expect(values[0]).toBe(1);
  });

  it('refuses NaN', () => {
    expect(() => rankPixels([0, NaN])).toThrow('is NaN at index 1');
  });
});

describe('areaUnderCurve', () => {
  it('is (Σ a − a₀/2 − a_n/2)/n, or weighs by true fractions', () => {
    expect(areaUnderCurve([1, 0.45, 0.1, 0], [0, 0.4, 0.8, 1])).toBeCloseTo(0.35, 12);
    expect(areaUnderCurve([1, 0.45, 0.1, 0], [0, 0.4, 0.8, 1], 'true-fraction')).toBeCloseTo(0.41, 12);
  });

  it('refuses a single score', () => {
    expect(() => areaUnderCurve([1], [0])).toThrow(RangeError);
  });
});

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

  it('refuses a sigma of 0', () => {
    expect(() => blurWeights({sigma: 0})).toThrow(RangeError);
  });
});

describe('topOneAccuracy', () => {
  it('counts hits', () => {
    expect(topOneAccuracy([1, 2, 3, 4], Int32Array.of(1, 2, 0, 4))).toBe(0.75);
  });

  it('refuses lists of different length, or empty ones', () => {
    expect(() => topOneAccuracy([1], [1, 2])).toThrow(/have 1 and 2/);
    expect(() => topOneAccuracy([], [])).toThrow(RangeError);
  });
});

describe('meanIntensity', () => {
  it('is the mean', () => {
    expect(meanIntensity({data: Float32Array.of(0, 0.5, 1, 0.5)})).toBe(0.5);
  });

  it('refuses a map without values or with NaN', () => {
    expect(() => meanIntensity({data: []})).toThrow(RangeError);
    expect(() => meanIntensity({data: [0, NaN]})).toThrow('is NaN at index 1');
  });
});

describe('evidenceShare', () => {
  it('compares the mass inside with the area', () => {
    expect(evidenceShare({data: [3, 1, 0, 0]}, [true, false, false, false])).toEqual({share: 0.75, areaShare: 0.25, ratio: 3});
    expect(evidenceShare({data: [1, 1, 1, 1]}, Uint8Array.of(1, 1, 0, 0)).ratio).toBe(1);
  });

  it('gives a map without mass the share 0', () => {
    expect(evidenceShare({data: [0, 0]}, [1, 0])).toEqual({share: 0, areaShare: 0.5, ratio: 0});
  });

  it('refuses an empty mask, another size and negative values', () => {
    expect(() => evidenceShare({data: [1, 2]}, [0, 0])).toThrow(/mark at least one pixel/);
    expect(() => evidenceShare({data: [1, 2]}, [1])).toThrow(/has 1 for 2 pixels/);
    expect(() => evidenceShare({data: [1, -2]}, [1, 1])).toThrow(/is -2 at index 1/);
  });
});
