/** The gradients of pooling on wasm against those on cpu, for any window. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import {beforeAll, describe, expect, test} from 'vitest';
import {Random} from '../../src/core/random.js';
import {installTrainingKernels} from '../../src/tfjs/install-training-kernels.js';
import {expectClose} from '../helpers/expect.js';
import {numDataIds, take, useBackend} from '../helpers/on-backend.js';

beforeAll(async () => {
  await useBackend('wasm');
  installTrainingKernels();
});

interface Case {
  readonly shape: [number, number, number, number];
  readonly window: [number, number];
  readonly strides: [number, number];
  readonly pad: 'same' | 'valid';
}

const anyCase = fc
  .record({
    shape: fc.tuple(
      fc.integer({min: 1, max: 3}),
      fc.integer({min: 1, max: 9}),
      fc.integer({min: 1, max: 9}),
      fc.integer({min: 1, max: 21}),
    ),
    window: fc.tuple(fc.integer({min: 1, max: 9}), fc.integer({min: 1, max: 9})),
    strides: fc.tuple(fc.integer({min: 1, max: 3}), fc.integer({min: 1, max: 3})),
    pad: fc.constantFrom<'same' | 'valid'>('same', 'valid'),
  })
  .filter(({shape, window, pad}) => pad === 'same' || (window[0] <= shape[1] && window[1] <= shape[2]));

/** The gradient of a weighted sum of the pooled values; `levels` of them, so that a window has equal maxima. */
function gradientOf(kind: 'avgPool' | 'maxPool', {shape, window, strides, pad}: Case, seed: number, levels: number): Float32Array {
  const random = new Random(seed);
  const before = [tf.memory().numTensors, numDataIds()];
  const values = Float32Array.from({length: shape.reduce((a, b) => a * b, 1)}, () => Math.round(random.normal() * levels) / levels - 3);
  const gradient = tf.tidy(() => {
    const x = tf.tensor4d(values, shape);
    return tf.grad((at) => {
      const pooled = (kind === 'avgPool' ? tf.avgPool : tf.maxPool)(at as tf.Tensor4D, window, strides, pad);
      const weights = tf.tensor(
        Float32Array.from({length: pooled.size}, (_, index) => Math.cos(index + seed)),
        pooled.shape,
      );
      return tf.sum(tf.mul(pooled, weights));
    })(x);
  });
  const taken = take(gradient);
  expect([tf.memory().numTensors, numDataIds()]).toEqual(before);
  return taken;
}

describe.each(['avgPool', 'maxPool'] as const)('the gradient of %s', (kind) => {
  test.each([1, 1000])('is that of the cpu backend, with values at %i steps a unit', async (levels) => {
    await fc.assert(
      fc.asyncProperty(anyCase, fc.nat(999), async (pooling, seed) => {
        await useBackend('cpu');
        const onCpu = gradientOf(kind, pooling, seed, levels);
        await useBackend('wasm');
        expectClose(gradientOf(kind, pooling, seed, levels), onCpu, {abs: 1e-5, relToMax: 1e-5});
      }),
      {numRuns: 150, seed: 5},
    );
  });
});
