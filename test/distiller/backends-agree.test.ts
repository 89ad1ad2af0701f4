/** The same seed and the same data give the same numbers on every backend: those of cpu. */
import {describe, expect, it} from 'vitest';
import {correlation} from '../helpers/correlation.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {golden} from '../helpers/golden.js';
import {shortRuns, type ShortRun} from '../helpers/short-run.js';

const {runs} = await golden<{runs: Record<string, ShortRun>}>('backends');

describe.each(Object.keys(shortRuns))('a short run: %s', (name) => {
  it('gives the losses, maps and curves of the stored run', {timeout: 240_000}, () =>
    expectNoLeak(async () => {
      const actual = await shortRuns[name]!();
      const expected = runs[name]!;
      expect(Object.keys(actual)).toEqual(Object.keys(expected));
      for (const [part, {shape, values}] of Object.entries(expected)) {
        expect(actual[part]!.shape, part).toEqual(shape);
        expectClose(actual[part]!.values, values, {abs: 1e-3}, part);
        expect(correlation(actual[part]!.values, values), part).toBeGreaterThan(0.999);
      }
    }),
  );
});
