import {getEventListeners} from 'node:events';
import {describe, expect, it} from 'vitest';
import {eitherSignal, withEitherSignal} from '../../src/core/either-signal.js';

const listeners = (...controllers: AbortController[]): number[] => controllers.map(({signal}) => getEventListeners(signal, 'abort').length);

describe('a signal for two', () => {
  it.each([0, 1])('aborts with the reason of number %i, also of one that has aborted before', (which) => {
    for (const isBefore of [true, false]) {
      const both = [new AbortController(), new AbortController()] as const;
      const reason = new Error('enough');
      if (isBefore) both[which as 0 | 1].abort(reason);
      const {signal} = eitherSignal(both[0].signal, both[1].signal);
      expect(signal.aborted).toBe(isBefore);
      both[which as 0 | 1].abort(reason);
      expect(signal.reason).toBe(reason);
    }
  });

  it('leaves nothing on them when the work has ended, well or not', async () => {
    const [one, other] = [new AbortController(), new AbortController()];
    const seen = await withEitherSignal(one.signal, other.signal, () => Promise.resolve(listeners(one, other)));
    expect(seen).toEqual([1, 1]);
    await expect(withEitherSignal(one.signal, other.signal, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(listeners(one, other)).toEqual([0, 0]);
  });

  it('is the second one where there is no first', async () => {
    const {signal} = new AbortController();
    expect(await withEitherSignal(undefined, signal, (given) => Promise.resolve(given))).toBe(signal);
  });
});
