/** Comparisons that say where, what and by how much; and the tensor count that must be level. */
import {memory} from '@tensorflow/tfjs-core';
import {expect} from 'vitest';

/** A tolerance: `abs + rel · |expected| + relToMax · max |expected|`. */
export interface Tolerance {
  abs?: number;
  rel?: number;
  relToMax?: number;
}

/** Asserts that every value is within the tolerance, and finite. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: Tolerance, what = 'values'): void {
  const {abs = 0, rel = 0, relToMax = 0} = tolerance;
  expect(actual.length, `${what}: length`).toBe(expected.length);
  let max = 0;
  for (let i = 0; i < expected.length; i++) max = Math.max(max, Math.abs(expected[i]!));
  let worst = -1;
  let excess = 0;
  for (let i = 0; i < expected.length; i++) {
    const over = Math.abs(actual[i]! - expected[i]!) - (abs + rel * Math.abs(expected[i]!) + relToMax * max);
    if (!(over <= excess)) {
      worst = i;
      excess = over;
      if (Number.isNaN(over)) break;
    }
  }
  if (worst >= 0) {
    const difference = Math.abs(actual[worst]! - expected[worst]!);
    expect.fail(`${what}[${worst}] is ${actual[worst]}, expected ${expected[worst]}: off by ${difference} (largest expected ${max}).`);
  }
}

/** Runs `work` and asserts that it leaves as many tensors as there were. */
export async function expectNoLeak(work: () => unknown): Promise<void> {
  const before = memory().numTensors;
  await work();
  expect(memory().numTensors, 'tensors after the call').toBe(before);
}
