import {describe, expect, it} from 'vitest';
import {atOnce, inTurns, type Pausable} from '../../src/core/in-turns.js';

/** Counts to `last`, each count taking some milliseconds. */
function* counting(last: number, milliseconds: number): Pausable<number> {
  for (let count = 0; count < last; count++) {
    yield;
    for (const start = performance.now(); performance.now() - start < milliseconds;);
  }
  return last;
}

/** How often a timer fires meanwhile. */
async function ticksDuring(work: () => Promise<unknown>): Promise<number> {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 0);
  await work().finally(() => clearInterval(timer));
  return ticks;
}

describe('pausable work', () => {
  it('is done at once', () => {
    expect(atOnce(counting(3, 0))).toBe(3);
  });

  it('lets the events run, though not at every pause', async () => {
    let result = 0;
    const ticks = await ticksDuring(async () => (result = await inTurns(counting(50, 4))));
    expect(result).toBe(50);
    expect(ticks).toBeGreaterThanOrEqual(2);
    expect(ticks).toBeLessThan(30);
    expect(await ticksDuring(() => inTurns(counting(1000, 0)))).toBeLessThan(5);
  });

  it('stops with the reason of the signal', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 30);
    let reached = 0;
    const work = (function* (): Pausable<void> {
      for (; reached < 10_000; reached++) yield* counting(1, 2);
    })();
    await expect(inTurns(work, controller.signal)).rejects.toBe(reason);
    expect(reached).toBeLessThan(10_000);
  });
});
