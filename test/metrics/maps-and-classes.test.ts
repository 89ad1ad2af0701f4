import {describe, expect, it} from 'vitest';
import {areaUnderCurve} from '../../src/metrics/of-model/auc.js';
import {evidenceShare} from '../../src/metrics/of-map/evidence-share.js';
import {meanIntensity} from '../../src/metrics/of-map/mean-intensity.js';
import {rankPixels} from '../../src/metrics/of-map/ranking.js';
import {topOneAccuracy} from '../../src/metrics/of-model/top-one-accuracy.js';

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

  it('refuses a single score, what is not finite, and fractions that do not rise from 0 to 1', () => {
    expect(areaUnderCurve([1, 0.5, 0.5, 0], [0, 0.5, 0.5, 1], 'true-fraction')).toBeCloseTo(0.5, 12);
    expect(() => areaUnderCurve([1], [0])).toThrow(RangeError);
    expect(() => areaUnderCurve([1, 2], [0])).toThrow('must have the same length of at least 2, but have 2 and 1');
    expect(() => areaUnderCurve([1, NaN], [0, 1])).toThrow('areaUnderCurve: curve must have finite values, but is NaN at index 1');
    expect(() => areaUnderCurve([1, 2], [0, Infinity])).toThrow('areaUnderCurve: fractions must have finite values');
    for (const fractions of [
      [0, 0.5],
      [0.1, 1],
      [0, 2],
    ])
      expect(() => areaUnderCurve([1, 2], fractions, 'true-fraction')).toThrow('areaUnderCurve: fractions must rise from 0 to 1, but is [');
    expect(() => areaUnderCurve([1, 2, 3, 4], [0, 0.6, 0.4, 1], 'true-fraction')).toThrow(RangeError);
    expect(areaUnderCurve([1, 2], [0.1, 0.2])).toBe(1.5);
  });
});

describe('topOneAccuracy', () => {
  it('counts hits', () => {
    expect(topOneAccuracy([1, 2, 3, 4], Int32Array.of(1, 2, 0, 4))).toBe(0.75);
  });

  it('refuses lists of different length, or empty ones', () => {
    expect(() => topOneAccuracy([1], [1, 2])).toThrow(/have 1 and 2/);
    expect(() => topOneAccuracy([], [])).toThrow(RangeError);
    expect(() => topOneAccuracy([NaN], [1])).toThrow('topOneAccuracy: predicted must have finite values, but is NaN at index 0');
    expect(() => topOneAccuracy([1], ['1'] as never)).toThrow('topOneAccuracy: labels[0] must be a number, but is "1"');
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
