/**
 * Compares an analytic gradient with central differences, along single coordinates chosen by a
 * seed. The function must be smooth where it is probed.
 */
import {grad, stack, tensor, tidy, type Scalar, type Tensor} from '@tensorflow/tfjs-core';
import {Random} from '../../src/core/random.js';
import {onGpuBackend} from './environment.js';
import {expectClose} from './expect.js';
import {read} from './read.js';

/** Options of the comparison. */
export interface GradientCheck {
  step?: number;
  probes?: number;
  abs?: number;
  rel?: number;
  seed?: number;
}

/** Asserts that `grad(loss)` at `at` agrees with `(loss(at + h) − loss(at − h)) / 2h`. */
export async function expectGradient(loss: (x: Tensor) => Scalar, at: Tensor, options: GradientCheck = {}): Promise<void> {
  const {step = 1e-2, probes = onGpuBackend ? 4 : 12, abs = 2e-3, rel = 2e-2, seed = 1} = options;
  const values = await at.data();
  const analytic = await read(() => grad(loss)(at));
  const random = new Random(seed);
  const chosen = Array.from({length: Math.min(probes, values.length)}, () => random.int(values.length));
  const losses = await read(() =>
    stack(
      chosen.flatMap((index) =>
        [step, -step].map((offset) =>
          tidy(() => {
            const moved = Float32Array.from(values);
            moved[index]! += offset;
            return loss(tensor(moved, at.shape));
          }),
        ),
      ),
    ),
  );
  const numeric = chosen.map((_, each) => (losses[2 * each]! - losses[2 * each + 1]!) / (2 * step));
  expectClose(
    chosen.map((index) => analytic[index]!),
    numeric,
    {abs, rel},
    `gradient at ${chosen.join(',')}`,
  );
}
