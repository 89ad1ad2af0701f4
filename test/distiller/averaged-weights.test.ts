/** The running mean of weights. */
import '../helpers/use-wasm.js';
import {scalar, tidy, variable} from '@tensorflow/tfjs-core';
import {expect, it} from 'vitest';
import {AveragedWeights} from '../../src/distiller/train/averaged-weights.js';
import {expectNoLeak} from '../helpers/expect.js';

it.each([
  // Decays of 0, .1, .1818…, .25: by hand 1; 1.9; 2.8; 3.7 (t/(t+9) of the mean so far, the rest of the newest).
  [0.98, [1, 2, 3, 4], 3.7],
  [0.1, [1, 2, 3, 4], 0.1 * (0.1 * (0.1 * 1 + 0.9 * 2) + 0.9 * 3) + 0.9 * 4],
  [0, [1, 2, 3, 4], 4],
])('with a decay of %d, %j becomes %d', (decay, values, expected) =>
  expectNoLeak(async () => {
    const weight = tidy(() => variable(scalar(0)));
    const averages = new AveragedWeights([weight], decay);
    for (const value of values) {
      const next = scalar(value);
      weight.assign(next);
      next.dispose();
      averages.follow();
      expect((await weight.data())[0]).toBe(value);
    }
    averages.settle();
    expect((await weight.data())[0]).toBeCloseTo(expected, 4);
    averages.settle(); // Nothing is left to be put anywhere.
    expect((await weight.data())[0]).toBeCloseTo(expected, 4);
    weight.dispose();
  }),
);

it('looks back over many steps in the end', () =>
  expectNoLeak(async () => {
    const weight = tidy(() => variable(scalar(0)));
    const averages = new AveragedWeights([weight], 0.98);
    for (let step = 0; step < 1000; step++) {
      const next = scalar(step % 2);
      weight.assign(next);
      next.dispose();
      averages.follow();
    }
    averages.settle();
    expect((await weight.data())[0]).toBeCloseTo(0.505, 3);
    weight.dispose();
  }));
