import {describe, expect, it} from 'vitest';
import {settleValues} from '../../src/core/saliency-map.js';

describe('settleValues', () => {
  it('counts as empty what varies less than the rounding of its size, and only that', () => {
    const varying = (share: number, size = 5): Float64Array => Float64Array.of(size, size * (1 + share), size);
    for (const size of [1e-6, 5, 3e8]) {
      expect(settleValues('test', varying(1e-8, size))).toEqual({data: new Float32Array(3), empty: true});
      expect(settleValues('test', varying(1e-5, size)).empty).toBe(false);
      expect(settleValues('test', varying(-1e-3, size)).empty).toBe(false);
    }
    expect(settleValues('test', new Float32Array(4)).empty).toBe(true);
    expect(settleValues('test', Float32Array.of(0, 1e-30)).empty).toBe(false);
  });

  it('stretches to [0,1] on request, and keeps the scale otherwise', () => {
    expect(settleValues('test', Float32Array.of(-1, 0, 3), true)).toEqual({data: Float32Array.of(0, 0.25, 1), empty: false});
    expect(settleValues('test', Float32Array.of(-1, 0, 3)).data).toEqual(Float32Array.of(-1, 0, 3));
  });

  it('refuses what is not finite, by the name of the method', () => {
    for (const value of [NaN, Infinity, -Infinity]) {
      expect(() => settleValues('gradCam', Float32Array.of(1, value))).toThrow(
        new RegExp(`^gradCam: the map must have finite values, but has ${value}`),
      );
    }
  });
});
