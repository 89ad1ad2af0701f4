import {describe, expect, it} from 'vitest';
import {Random} from '../../src/core/random.js';

describe('Random', () => {
  it('gives the same numbers for the same seed and others for another', () => {
    const draw = (seed: number): number[] =>
      Array.from(
        {length: 5},
        (
          (random) => () =>
            random.next()
        )(new Random(seed)),
      );
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('splits by label without advancing, so that order does not matter', () => {
    const random = new Random(3);
    const first = random.split('grid').next();
    random.next();
    random.split('shift').next();
    expect(random.split('grid').next()).toBe(first);
    expect(random.split('shift').next()).not.toBe(first);
  });

  it('draws evenly: mean and variance of the uniform and normal draws', () => {
    const random = new Random(11);
    const uniform = Array.from({length: 20000}, () => random.next());
    const normal = Array.from({length: 20000}, () => random.normal());
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(uniform)).toBeCloseTo(0.5, 2);
    expect(mean(uniform.map((value) => (value - 0.5) ** 2))).toBeCloseTo(1 / 12, 2);
    expect(Math.abs(mean(normal))).toBeLessThan(0.03);
    expect(Math.abs(mean(normal.map((value) => value ** 2)) - 1)).toBeLessThan(0.05);
  });

  it('gives every stream of neighbouring labels a mean near one half', () => {
    const random = new Random(0);
    const firsts = Array.from({length: 4000}, (_, index) => random.split(index).next());
    expect(firsts.reduce((sum, value) => sum + value, 0) / firsts.length).toBeCloseTo(0.5, 1.5);
    expect(new Set(firsts).size).toBeGreaterThan(3990);
  });

  it('permutes: every index once', () => {
    expect([...new Random(5).permutation(50)].sort((a, b) => a - b)).toEqual(Array.from({length: 50}, (_, index) => index));
  });

  it('refuses a seed that is not a whole number', () => {
    expect(() => new Random(1.5)).toThrow(/seed must be a whole number/);
    expect(() => new Random(-1)).toThrow(RangeError);
  });
});
