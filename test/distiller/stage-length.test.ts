/** How long a stage lasts: by passes, steps or minutes, whichever ends first. */
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest';
import {StageLength} from '../../src/distiller/stage-length.js';

beforeEach(() => {
  vi.useFakeTimers({toFake: ['performance']});
});
afterEach(() => {
  vi.useRealTimers();
});

/** Takes steps of so many seconds. */
function take(length: StageLength, steps: number, seconds: number): void {
  for (let step = 0; step < steps; step++) {
    vi.advanceTimersByTime(1000 * seconds);
    length.steps++;
  }
}

describe('the length of a stage', () => {
  it('is 6 passes by default, or as many as make 300 steps', () => {
    expect(new StageLength({}).maxEpochs(NaN)).toBe(6);
    expect(new StageLength({}).maxEpochs(63)).toBe(6);
    expect(new StageLength({}).maxEpochs(7)).toBe(43);
    expect(new StageLength({}).totalSteps(7)).toBe(301);
  });

  it('is that of the limits that are given, and ends with the first', () => {
    const length = new StageLength({epochs: 4, steps: 30});
    expect([length.maxEpochs(10), length.totalSteps(10), length.totalSteps(5), length.totalSteps(NaN)]).toEqual([4, 30, 20, 30]);
    take(length, 29, 1);
    expect(length.isOver).toBe(false);
    take(length, 1, 1);
    expect(length.isOver).toBe(true);
    expect(new StageLength({steps: 30}).maxEpochs(10)).toBe(Infinity);
  });

  it('places a step for the schedule: exactly in epochs, in parts of one with a budget', () => {
    expect(new StageLength({epochs: 4}).epochsAt(0.05, 10)).toBe(4);
    const steps = new StageLength({steps: 25});
    expect(steps.epochsAt(0.05, 10)).toBeCloseTo(2.5, 10);
    take(steps, 12, 1);
    expect(1.25 / steps.epochsAt(1.25, 10)).toBeCloseTo(0.5, 10);
  });

  it('follows the clock with minutes, and takes one step at least', () => {
    const length = new StageLength({minutes: 2});
    vi.advanceTimersByTime(600_000);
    expect(length.isOver).toBe(false);
    const other = new StageLength({minutes: 2});
    expect([other.totalSteps(10), other.secondsLeft(10)]).toEqual([NaN, NaN]);
    take(other, 3, 10);
    expect(0.3 / other.epochsAt(0.3, 10)).toBeCloseTo(0.25, 10);
    expect(other.totalSteps(10)).toBe(12);
    expect(other.secondsLeft(10)).toBeCloseTo(90, 6);
    take(other, 9, 10);
    expect(other.isOver).toBe(true);
    expect(other.secondsLeft(10)).toBe(0);
  });

  it('says what is left from the steps so far', () => {
    const length = new StageLength({epochs: 2});
    expect(length.secondsLeft(10)).toBe(NaN);
    take(length, 5, 3);
    expect(length.secondsLeft(10)).toBeCloseTo(45, 6);
    expect(length.secondsLeft(NaN)).toBe(NaN);
  });
});
