import {describe, expect, it} from 'vitest';
import {Random} from '../../src/core/random.js';
import {brightest} from '../../src/distiller/explain/brightest.js';

const random = new Random(3);
const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const shapes: Record<string, (pixel: number) => number> = {
  'of a bell': () => random.normal(),
  'with a small bright spot': (pixel) => (pixel < 400 ? 50 : 0.01 * random.normal()),
  'that is bright but for a spot': (pixel) => (pixel < 400 ? -50 : 0.01 * random.normal()),
  'with a long tail': () => Math.exp(2 * random.normal()),
  'far from zero': () => 1000 + random.normal(),
};

describe('brightest', () => {
  it.each(Object.entries(shapes))('gives a ranking %s a mean of a fifth, and keeps its order', (_, draw) => {
    const values = Float32Array.from({length: 10_000}, (_value, pixel) => draw(pixel));
    const [shown, order] = [brightest(values, 10_000), Uint32Array.from(values.keys()).sort((a, b) => values[a]! - values[b]!)];
    expect(mean(shown)).toBeGreaterThan(0.17);
    expect(mean(shown)).toBeLessThan(0.23);
    for (let rank = 1; rank < order.length; rank++) expect(shown[order[rank]!]).toBeGreaterThanOrEqual(shown[order[rank - 1]!]!);
  });

  it('treats each image alone, whatever its scale, and a flat one as nothing', () => {
    const values = Float32Array.from({length: 300}, () => random.normal());
    const scaled = values.map((value) => 1e-4 * value - 3e-4);
    const shown = brightest(Float32Array.from([...values, ...scaled, ...new Float32Array(300).fill(0.3)]), 300);
    expect(Math.max(...shown.subarray(0, 300).map((value, pixel) => Math.abs(value - shown[300 + pixel]!)))).toBeLessThan(2e-3);
    expect(Math.max(...shown.subarray(600))).toBe(0);
  });
});
