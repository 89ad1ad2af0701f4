/** The convolution of compiled networks where the engine has relaxed SIMD, as Node 22 has, against the backend's own. */
import {backend, clone, fused, grads, memory, randomUniform, sum, tidy, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import * as fc from 'fast-check';
import {beforeAll, describe, expect, it} from 'vitest';
import '../helpers/use-wasm.js';
import {ownConvolution} from '../../src/tfjs/own-convolution.js';
import {installTrainingKernels} from '../../src/tfjs/install-training-kernels.js';
import {hasMultiplyAdd} from '../../src/tfjs/wasm/_simd.js';
import {startBackend} from '../helpers/start-backend.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';

beforeAll(async () => {
  await startBackend('wasm');
  installTrainingKernels();
});

const shapes = fc.record({
  batch: fc.integer({min: 1, max: 3}),
  side: fc.tuple(fc.integer({min: 3, max: 20}), fc.integer({min: 3, max: 20})),
  channels: fc.tuple(fc.integer({min: 1, max: 33}), fc.integer({min: 1, max: 33})),
  kernel: fc.tuple(fc.integer({min: 1, max: 3}), fc.integer({min: 1, max: 3})),
  strides: fc.constantFrom<[number, number]>([1, 1], [2, 2], [1, 2]),
  pad: fc.constantFrom<'same' | 'valid' | [[number, number], [number, number], [number, number], [number, number]]>('same', 'valid', [
    [0, 0],
    [0, 1],
    [2, 1],
    [0, 0],
  ]),
  activation: fc.constantFrom<'linear' | 'relu' | 'relu6'>('linear', 'relu', 'relu6'),
  biased: fc.boolean(),
  seed: fc.integer({min: 1, max: 1000}),
});

describe.skipIf(!hasMultiplyAdd())('the convolution of compiled networks', () => {
  it('is that of the backend to rounding, for any shape', {timeout: 120_000}, async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async ({batch, side, channels, kernel, strides, pad, activation, biased, seed}) => {
        // The backend gives zeros where a filter is narrower than its step, but for 1×1.
        fc.pre(strides.every((stride, axis) => stride <= kernel[axis]!));
        await expectNoLeak(async () => {
          const x = randomUniform([batch, ...side, channels[0]], -1, 1, 'float32', seed) as Tensor4D;
          const filter = randomUniform([...kernel, ...channels], -2, 2, 'float32', seed + 1) as Tensor4D;
          const bias = randomUniform([channels[1]], -1, 1, 'float32', seed + 2);
          const convolution = {x, filter, strides, pad, activation, ...(biased && {bias})};
          const [ours, theirs] = [ownConvolution(convolution)!, fused.conv2d(convolution)];
          expect(ours.shape).toEqual(theirs.shape);
          expectClose(await ours.data(), await theirs.data(), {abs: 1e-6, relToMax: 1e-6});
          for (const each of [x, filter, bias, ours, theirs]) each.dispose();
        });
      }),
      {numRuns: 300, maxSkipsPerRun: 20, seed: 3},
    );
  });

  it('packs a filter once, and forgets it with the filter', async () => {
    const heap = (): number => (backend() as unknown as {wasm: {HEAPU8: Uint8Array}}).wasm.HEAPU8.length;
    const x = randomUniform([1, 4, 4, 64], -1, 1) as Tensor4D;
    const use = async (seed: number): Promise<void> => {
      const filter = randomUniform([3, 3, 64, 512], -1, 1, 'float32', seed) as Tensor4D; // 1.2 MB
      const shared = clone(filter);
      const [first, again] = [filter, shared].map((each) => ownConvolution({x, filter: each, strides: 1, pad: 'same'})!) as [
        Tensor,
        Tensor,
      ];
      filter.dispose();
      const last = ownConvolution({x, filter: shared, strides: 1, pad: 'same'})!;
      expect(await again.data()).toEqual(await first.data());
      expect(await last.data()).toEqual(await first.data());
      for (const each of [shared, first, again, last]) each.dispose();
    };
    for (let seed = 1; seed < 5; seed++) await use(seed);
    const before = heap();
    await expectNoLeak(async () => {
      for (let seed = 5; seed < 65; seed++) await use(seed); // 70 MB, were they kept
    });
    expect(heap()).toBe(before);
    x.dispose();
  });

  it('hands on what is not a number, and is left alone under a gradient', async () => {
    const before = memory().numTensors;
    const filter = randomUniform([1, 1, 8, 8], -1, 1) as Tensor4D;
    const x = tidy(() => randomUniform([1, 2, 2, 8], NaN, NaN) as Tensor4D);
    const y = ownConvolution({x, filter, strides: 1, pad: 'valid', activation: 'relu6'})!;
    expect([...(await y.data())].every(Number.isNaN)).toBe(true);
    let asked: Tensor4D | undefined;
    const gradient = grads((z: Tensor) => {
      asked = ownConvolution({x: z as Tensor4D, filter, strides: 1, pad: 'valid'});
      return sum(z);
    })([x]);
    expect(asked).toBeUndefined();
    for (const each of [filter, x, y, ...gradient]) each.dispose();
    expect(memory().numTensors).toBe(before);
  });
});

it.skipIf(hasMultiplyAdd())('is the backend’s own where the engine has no relaxed SIMD', () => {
  const [x, filter] = [randomUniform([1, 4, 4, 8]) as Tensor4D, randomUniform([1, 1, 8, 8]) as Tensor4D];
  expect(ownConvolution({x, filter, strides: 1, pad: 'valid'})).toBeUndefined();
  for (const each of [x, filter]) each.dispose();
});
