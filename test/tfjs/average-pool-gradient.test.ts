/** Average pooling with padding: a window at the border divides by the pixels that it has. */
import {avgPool, grad, mul, sum, tensor4d, tidy, type Scalar, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {beforeAll, describe, expect, test} from 'vitest';
import {installTrainingKernels} from '../../src/tfjs/install-training-kernels.js';
import {expectClose} from '../helpers/expect.js';
import {expectGradient} from '../helpers/gradient-check.js';
import {fast, take, useBackend} from '../helpers/on-backend.js';

describe.each(['cpu', fast] as const)('on %s', (backend) => {
  beforeAll(async () => {
    await useBackend(backend);
    installTrainingKernels();
  });

  test('the gradient is the sum of one over the size of each window', () => {
    const x = tensor4d([1, 2, 3], [1, 1, 3, 1]);
    // Windows {0,1}, {0,1,2}, {1,2}.
    const slope = take(tidy(() => grad((at) => sum(avgPool(at as Tensor4D, [1, 3], 1, 'same')))(x)));
    expectClose(slope, [1 / 2 + 1 / 3, 1 / 2 + 1 / 3 + 1 / 2, 1 / 3 + 1 / 2], {abs: 1e-6});
    x.dispose();
  });

  test.each([
    [
      [3, 3],
      [1, 1],
    ],
    [
      [2, 4],
      [3, 1],
    ],
    [
      [5, 2],
      [2, 2],
    ],
  ] as [[number, number], [number, number]][])(
    'windows of %o in steps of %o have the gradient that differences give',
    async (size, strides) => {
      const x = tensor4d(
        Float32Array.from({length: 2 * 6 * 7 * 3}, (_, i) => Math.sin(i)),
        [2, 6, 7, 3],
      );
      const loss = (at: Tensor): Scalar => {
        const pooled = avgPool(at as Tensor4D, size, strides, 'same');
        const weights = tensor4d(
          Float32Array.from({length: pooled.size}, (_, i) => Math.cos(i)),
          pooled.shape,
        );
        return sum(mul(pooled, weights));
      };
      await expectGradient(loss, x, {probes: 20, abs: 1e-3, rel: 1e-3});
      x.dispose();
    },
  );

  test('without padding the gradient is what it was', () => {
    const x = tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
    expect([...take(tidy(() => grad((at) => sum(avgPool(at as Tensor4D, 2, 2, 'valid')))(x)))]).toEqual([0.25, 0.25, 0.25, 0.25]);
    x.dispose();
  });
});
