import {describe, expect, it} from 'vitest';
import {Random} from '../../src/core/random.js';
import {randomRectangle, type Rectangle} from '../../src/data/random-rectangle.js';

const draw = (count: number, bounds: Parameters<typeof randomRectangle>[1]): Rectangle[] =>
  Array.from({length: count}, (_, index) => randomRectangle(new Random(4).split(index), bounds));
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('randomRectangle', () => {
  it('lies in the picture, anywhere, with a share of the area that is uniform', () => {
    const rectangles = draw(4000, {leastArea: 0.25});
    for (const {top, left, height, width} of rectangles) {
      expect(Math.min(top, left)).toBeGreaterThanOrEqual(0);
      expect(Math.max(top + height, left + width)).toBeLessThanOrEqual(1 + 1e-12);
      expect(height).toBe(width);
      expect(height * width).toBeGreaterThanOrEqual(0.25 - 1e-12);
    }
    // Standard errors: .0034 of the area, .0025 of the centre.
    expect(mean(rectangles.map(({height, width}) => height * width))).toBeCloseTo(0.625, 1.6);
    expect(mean(rectangles.map(({top, height}) => top + height / 2))).toBeCloseTo(0.5, 1.8);
    expect(mean(rectangles.map(({left, width}) => left + width / 2))).toBeCloseTo(0.5, 1.8);
  });

  it('has an aspect within the stretch, as often wider as taller', () => {
    const stretches = draw(4000, {leastArea: 0.1, aspect: 0.8, maxStretch: 1.5}).map(({height, width}) => width / height / 0.8);
    expect(Math.min(...stretches)).toBeGreaterThanOrEqual(1 / 1.5 - 1e-12);
    expect(Math.max(...stretches)).toBeLessThanOrEqual(1.5 + 1e-12);
    expect(Math.min(...stretches)).toBeLessThan(0.68);
    expect(Math.max(...stretches)).toBeGreaterThan(1.47);
    // Large ones of an aspect that is not the picture's fit less often, which leaves the mean a little above 0.
    expect(Math.abs(mean(stretches.map(Math.log)))).toBeLessThan(0.05);
  });

  it('is the largest centred one of the nearest allowed aspect where nothing fits', () => {
    // Ten times as wide as the picture, at half of the area: height would be .22, width 2.2.
    const [rectangle] = draw(1, {leastArea: 0.5, aspect: 10, maxStretch: 1.25});
    expect(rectangle).toEqual({top: (1 - 1 / 8) / 2, left: 0, height: 1 / 8, width: 1});
    expect(draw(1, {leastArea: 0.5, aspect: 0.1, maxStretch: 1})[0]).toEqual({top: 0, left: 0.45, height: 1, width: 0.1});
  });

  it('is the whole picture where all of the area is wanted', () => {
    expect(draw(1, {leastArea: 1})[0]).toEqual({top: 0, left: 0, height: 1, width: 1});
  });
});
