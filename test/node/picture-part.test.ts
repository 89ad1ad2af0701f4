import {describe, expect, it} from 'vitest';
import {Random} from '../../src/core/random.js';
import {choosePart} from '../../src/node/picture-part.js';

const whole = {size: undefined, fit: 'squash', leastCrop: 1, maxStretch: 4 / 3, bannerHeight: 0} as const;

describe('the part of a picture that is decoded', () => {
  it('is left to the resize where nothing is cut', () => {
    expect(choosePart(200, 300, new Random(1), whole)).toBeUndefined();
    expect(choosePart(200, 300, new Random(1), {...whole, size: [50, 50], fit: 'crop'})).toBeUndefined();
  });

  it('ends above the banner', () => {
    expect(choosePart(200, 300, new Random(1), {...whole, bannerHeight: 20})).toEqual({top: 0, left: 0, height: 180, width: 300});
    const square = {...whole, bannerHeight: 20, size: [50, 50], fit: 'crop'} as const;
    expect(choosePart(200, 300, new Random(1), square)).toEqual({top: 0, left: 60, height: 180, width: 180});
    expect(() => choosePart(20, 300, new Random(1), {...whole, bannerHeight: 20})).toThrow(/it has 20 rows, .* banner of 20/);
    for (let seed = 0; seed < 200; seed++) {
      const {top, height} = choosePart(200, 300, new Random(seed), {...whole, bannerHeight: 20, leastCrop: 0.3})!;
      expect(top + height).toBeLessThanOrEqual(180);
    }
  });

  it.each<[string, 'squash' | 'crop', number]>([
    ['of the picture where it is squashed', 'squash', 300 / 200],
    ['of the size where that is cut', 'crop', 100 / 50],
  ])('has the aspect %s, changed by the stretch at most', (_, fit, aspect) => {
    for (const maxStretch of [1, 1.3]) {
      const aspects = Array.from({length: 300}, (_each, seed) => {
        const {top, left, height, width} = choosePart(200, 300, new Random(seed), {
          ...whole,
          size: [50, 100],
          fit,
          leastCrop: 0.2,
          maxStretch,
        })!;
        expect(Math.min(top, left)).toBeGreaterThanOrEqual(0);
        expect([top + height <= 200, left + width <= 300]).toEqual([true, true]);
        return width / height / aspect;
      });
      expect(Math.min(...aspects)).toBeGreaterThan(0.98 / maxStretch);
      expect(Math.max(...aspects)).toBeLessThan(1.02 * maxStretch);
      if (maxStretch > 1) expect(Math.max(...aspects) / Math.min(...aspects)).toBeGreaterThan(1.5);
    }
  });
});
