import {describe, expect, it} from 'vitest';
import {Random} from '../../src/core/random.js';
import {brightest} from '../../src/distiller/explain/brightest.js';

const random = new Random(3);
const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const SIZE = 10_000;
const shapes: Record<string, [draw: (pixel: number) => number, least: number, most: number]> = {
  'of a bell': [() => random.normal(), 0, 0.2],
  'with a small bright spot, which fills as much of the map': [(pixel) => (pixel < 400 ? 50 : 0.01 * random.normal()), 0.039, 0.043],
  'with a broad spot': [(pixel) => (pixel < 1500 ? 50 : 0.01 * random.normal()), 0.14, 0.17],
  'that is bright but for a spot, whose mean is limited': [(pixel) => (pixel < 400 ? -50 : 0.01 * random.normal()), 0.18, 0.22],
  'with a long tail': [() => Math.exp(2 * random.normal()), 0, 0.2],
  'far from zero': [() => 1000 + random.normal(), 0, 0.2],
};

describe('brightest', () => {
  it.each(Object.entries(shapes))('shows a ranking %s, and keeps its order', (_, [draw, least, most]) => {
    const values = Float32Array.from({length: SIZE}, (_value, pixel) => draw(pixel));
    const [shown, order] = [brightest(values, SIZE), Uint32Array.from(values.keys()).sort((a, b) => values[a]! - values[b]!)];
    expect(mean(shown)).toBeGreaterThan(least);
    expect(mean(shown)).toBeLessThan(most);
    for (let rank = 1; rank < order.length; rank++) expect(shown[order[rank]!]).toBeGreaterThanOrEqual(shown[order[rank - 1]!]!);
  });

  it('keeps high values apart, however high the peak', () => {
    const values = Float32Array.from({length: SIZE}, (_, pixel) => (pixel < 20 ? 50 + pixel : 0));
    const peaks = [...brightest(values, SIZE).subarray(0, 20)];
    expect(new Set(peaks).size).toBe(20);
    expect(peaks.at(-1)).toBeGreaterThan(0.99);
  });

  it('is 0.5 half way from the mean to the peak', () => {
    const values = Float32Array.from({length: SIZE}, (_, pixel) => (pixel < 100 ? 10 : 0));
    const middle = mean(values);
    values[200] = middle + (10 - middle) / 2;
    expect(brightest(values, SIZE)[200]).toBeCloseTo(0.5, 2);
  });

  it('treats each image alone, whatever its scale, and a flat one as nothing', () => {
    const values = Float32Array.from({length: 300}, () => random.normal());
    const scaled = values.map((value) => 1e-4 * value - 3e-4);
    const shown = brightest(Float32Array.from([...values, ...scaled, ...new Float32Array(300).fill(0.3)]), 300);
    expect(Math.max(...shown.subarray(0, 300).map((value, pixel) => Math.abs(value - shown[300 + pixel]!)))).toBeLessThan(2e-3);
    expect(Math.max(...shown.subarray(600))).toBe(0);
  });
});
