import {ones, type Tensor3D} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import {drawMaskGrids, masksFromGrids, type MaskGrids} from '../../src/baselines/rise/masks.js';
import {rise} from '../../src/baselines/rise/rise.js';
import type {ScoreFn} from '../../src/core/types.js';
import {expectClose, expectNoLeak, type Tolerance} from '../helpers/expect.js';
import {golden, hasGolden, type GoldenArray} from '../helpers/golden.js';

interface MaskCase {
  name: string;
  height: number;
  width: number;
  s: number;
  cell: number[];
  stride: number;
  grids: GoldenArray;
  shifts: GoldenArray;
  masks?: GoldenArray;
  masks_sub?: GoldenArray;
  mask0?: GoldenArray;
  mask_sums: GoldenArray;
}

interface ScoreCase {
  name: string;
  height: number;
  width: number;
  s: number;
  p: number;
  classes: number;
  grids: GoldenArray;
  shifts: GoldenArray;
  probs: GoldenArray;
  saliency: GoldenArray;
  saliency_mask_sum: GoldenArray;
}

interface Family {
  tolerance: Record<'masks' | 'masks_sub' | 'mask0' | 'saliency' | 'saliency_mask_sum', Tolerance>;
  mask_cases: MaskCase[];
  score_cases: ScoreCase[];
}

const read = async (grids: MaskGrids, size: [number, number]): Promise<Float32Array> => {
  const masks = masksFromGrids(grids, size);
  expect(masks.shape).toEqual([grids.shifts.length / 2, ...size]);
  const values = await masks.data<'float32'>();
  masks.dispose();
  return values;
};

const stored = await hasGolden('rise_masks');

describe.skipIf(!stored)(`stored numbers of RISE${stored ? '' : ': the family rise_masks is not here (AKD_GOLDENS)'}`, async () => {
  const {tolerance, mask_cases, score_cases} = stored
    ? await golden<Family>('rise_masks')
    : {tolerance: {} as never, mask_cases: [], score_cases: []};

  it.each(mask_cases)('$name', async ({height, width, s, stride, grids, shifts, masks, masks_sub, mask0, mask_sums}) => {
    await expectNoLeak(async () => {
      const actual = await read({gridSize: s, bits: grids.values, shifts: shifts.values}, [height, width]);
      if (masks) expectClose(actual, masks.values, tolerance.masks, 'masks');
      if (masks_sub) {
        const sub = actual.filter((_, at) => (Math.floor(at / width) % height) % stride === 0 && (at % width) % stride === 0);
        expectClose(sub, masks_sub.values, tolerance.masks_sub, 'masks_sub');
      }
      if (mask0) expectClose(actual.subarray(0, height * width), mask0.values, tolerance.mask0, 'mask0');
      const sums = [...mask_sums.values].map((_, mask) =>
        actual.subarray(mask * height * width, (mask + 1) * height * width).reduce((sum, value) => sum + value, 0),
      );
      expectClose(sums, mask_sums.values, {abs: 1e-6 * height * width}, 'mask_sums');
    });
  });

  it.each(score_cases)(
    'maps of all classes of $name',
    async ({height, width, s, p, classes, grids, shifts, probs, saliency, saliency_mask_sum}) => {
      const rows = Array.from(
        {length: probs.shape[0]!},
        (_, row) => probs.values.slice(row * classes, (row + 1) * classes) as Float32Array,
      );
      for (const [variant, expected] of [
        ['official', saliency],
        ['normalized', saliency_mask_sum],
      ] as const) {
        // The unmasked image comes first; its scores do not matter where classes are given.
        const answers = [new Float32Array(classes), ...rows];
        const replay: ScoreFn = (batch) => answers.splice(0, batch.shape[0]);
        const masks = {gridSize: s, bits: grids.values, shifts: shifts.values};
        const maps = await rise(ones([height, width, 3]) as Tensor3D, replay, {
          masks,
          keepProbability: p,
          variant,
          batchSize: 16,
          target: Array.from({length: classes}, (_, index) => index),
        });
        maps.forEach(({data}, index) => {
          const map = expected.values.slice(index * height * width, (index + 1) * height * width);
          expectClose(data, map, tolerance[variant === 'official' ? 'saliency' : 'saliency_mask_sum'], `${variant}, class ${index}`);
        });
      }
    },
  );
});

describe('masksFromGrids', () => {
  // XAITK-Saliency, tests/impls/perturb_image/test_rise.py: the snapshot of its RISEGrid.
  it('gives the masks of XAITK-Saliency: mirrored borders, shift before crop', async () => {
    const row = [0.03703704, 0.18518518, 0.33333334, 0.4814815, 0.6296296, 0.5555556];
    const expected = [
      ...row,
      0.05555556,
      0.2777778,
      0.5,
      0.7222222,
      0.9444444,
      0.8333333,
      ...row,
      0.01851852,
      0.09259259,
      0.16666667,
      0.24074075,
      0.3148148,
      0.2777778,
      0.8333333,
      0.9444444,
      0.7222222,
      0.5,
      0.2777778,
      0.05555556,
      0.5555556,
      0.6296296,
      0.4814815,
      0.33333334,
      0.18518518,
      0.03703704,
      0.2777778,
      0.3148148,
      0.24074075,
      0.16666667,
      0.09259259,
      0.01851852,
      0,
      0,
      0,
      0,
      0,
      0,
    ];
    const actual = await read({gridSize: 2, bits: [0, 1, 0, 0, 1, 0, 0, 0], shifts: [0, 2, 1, 1]}, [4, 6]);
    expectClose(actual, expected, {abs: 1e-6});
  });

  it('takes other numbers of rows and columns: rows alone vary where there is one column', async () => {
    const actual = await read({gridSize: [3, 1], bits: [1, 0, 0], shifts: [1, 4]}, [6, 5]);
    const column = Array.from({length: 6}, (_, row) => actual[row * 5]!);
    expect(column[0]).toBeGreaterThan(0.8);
    expect(column[5]).toBe(0);
    expect([...actual]).toEqual(column.flatMap((value) => Array.from({length: 5}, () => value)));
  });

  it('is 1 throughout where every cell is kept', async () => {
    const grids = drawMaskGrids([7, 10], {numMasks: 3, gridSize: [2, 5], keepProbability: 1});
    expectClose(await read(grids, [7, 10]), new Float32Array(210).fill(1), {abs: 1e-6});
  });

  it.each<[string, Partial<MaskGrids>, RegExp]>([
    ['bits that do not fit the shifts', {bits: [1, 0, 1]}, /4 bits and 2 shifts per mask, but there are 3 bits and 2 shifts/],
    ['no masks', {bits: [], shifts: []}, /but there are 0 bits and 0 shifts/],
    ['a bit between 0 and 1', {bits: [1, 0, 0.5, 1]}, /bits must be 0 or 1, but mask 0 has 0.5/],
    ['a shift of a whole cell', {shifts: [0, 3]}, /the dx of mask 0 must be a whole number from 0 to 2, but is 3/],
    ['more cells than pixels', {gridSize: [5, 2]}, /gridSize \(rows\) must be a whole number from 1 to 4/],
    ['a grid of three axes', {gridSize: [2, 2, 2] as never}, /gridSize must be/],
  ])('refuses %s', (_, change, message) => {
    const grids = {gridSize: 2, bits: [1, 0, 0, 1], shifts: [0, 0], ...change};
    expect(() => masksFromGrids(grids, [4, 6])).toThrow(message);
    expect(() => masksFromGrids(grids, [4, 6])).toThrow(message.source.includes('gridSize must') ? TypeError : RangeError);
  });
});

describe('drawMaskGrids', () => {
  const size = [20, 30] as const;

  it('draws each mask by its index, whatever is drawn with it', () => {
    const all = drawMaskGrids(size, {numMasks: 50, gridSize: [4, 5], seed: 7});
    const some = drawMaskGrids(size, {numMasks: 10, firstMask: 20, gridSize: [4, 5], seed: 7});
    expect([...(some.bits as Uint8Array)]).toEqual([...(all.bits as Uint8Array).subarray(400, 600)]);
    expect([...(some.shifts as Int32Array)]).toEqual([...(all.shifts as Int32Array).subarray(40, 60)]);
    expect(drawMaskGrids(size, {numMasks: 50, gridSize: [4, 5], seed: 8}).bits).not.toEqual(all.bits);
  });

  it('keeps cells with the probability asked for and shifts within one cell, evenly', () => {
    const {bits, shifts} = drawMaskGrids(size, {numMasks: 4000, gridSize: [4, 5], keepProbability: 0.1});
    const kept = Array.from(bits).reduce((sum, bit) => sum + bit, 0) / bits.length;
    expect(Math.abs(kept - 0.1)).toBeLessThan(0.005); // five deviations of 80 000 draws
    const counts = new Int32Array(6);
    for (let mask = 0; mask < 4000; mask++) {
      expect(shifts[mask * 2]).toBeLessThan(5);
      counts[shifts[mask * 2 + 1]!]! += 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(4000 / 6 - 5 * Math.sqrt(4000 / 6));
    expect(Math.max(...counts)).toBeLessThan(4000 / 6 + 5 * Math.sqrt(4000 / 6));
  });

  it.each<[string, object, RegExp]>([
    ['no masks', {numMasks: 0}, /numMasks must be a whole number from 1/],
    ['a probability of 0', {keepProbability: 0}, /keepProbability must be a finite number/],
    ['a grid of no cells', {gridSize: 0}, /^drawMaskGrids: gridSize must be a whole number of at least 1/],
    ['a broken seed', {seed: 0.5}, /seed/],
  ])('refuses %s', (_, change, message) => {
    expect(() => drawMaskGrids(size, {numMasks: 1, ...change})).toThrow(message);
    expect(() => drawMaskGrids(size, {numMasks: 1, ...change})).toThrow(RangeError);
  });
});
