/** The baseline images that a fill makes; that the methods use them is tested where they are. */
import {tensor4d, zeros, type Tensor3D, type Tensor4D} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import {baselineImages, fillField, finiteBaseline, recordFill, type Fill} from '../../src/queries/fill.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {read} from '../helpers/read.js';

// Two images of 1×2 pixels in 3 channels.
const values = [1, 2, 3, 5, 4, 3, 0, 0, 6, 2, 8, 0];
const images = (): Tensor4D => tensor4d(values, [2, 1, 2, 3]);

describe('baselineImages', () => {
  it.each<[string, Fill, number[]]>([
    ['zeros', 'zeros', new Array<number>(12).fill(0)],
    ['the mean colour of each image', 'mean', [3, 3, 3, 3, 3, 3, 1, 4, 3, 1, 4, 3]],
    ['a number, for all alike', 0.5, new Array<number>(6).fill(0.5)],
    ['a colour, for all alike', [1, 2, 3], [1, 2, 3, 1, 2, 3]],
    ['a colour in a typed array', Float32Array.of(1, 2, 3) as unknown as number[], [1, 2, 3, 1, 2, 3]],
    ['a blur that moves nothing', {length: 1}, values],
  ])('gives %s', async (_, fill, expected) => {
    expect(fillField.problem(fill)).toBeUndefined();
    await expectNoLeak(async () => {
      const x = images();
      expectClose(await read(() => baselineImages('test', fill, x)), expected, {abs: 1e-6});
      x.dispose();
    });
  });

  it('records a blur with its options and a colour as plain numbers', () => {
    expect(recordFill('blur')).toEqual({kernel: 'official', length: 11, sigma: 5});
    expect(recordFill({sigma: 2})).toEqual({kernel: 'official', length: 11, sigma: 2});
    expect(recordFill(Float32Array.of(1, 2) as unknown as number[])).toEqual([1, 2]);
    expect([recordFill('mean'), recordFill(0.5), recordFill(zeros([1, 2, 3]) as Tensor3D)]).toEqual(['mean', 0.5, 'tensor']);
  });
});

describe('finiteBaseline', () => {
  it('hands on what is finite, and refuses a tensor that is not', async () => {
    const x = images();
    const fill = tensor4d([1, 2, 3, 4, 5, 6], [1, 1, 2, 3]);
    const broken = tensor4d([1, 2, 3, 4, Infinity, 6], [1, 1, 2, 3]);
    await expectNoLeak(async () => {
      const baseline = await finiteBaseline('test', fill, x);
      expectClose(await baseline.data(), [1, 2, 3, 4, 5, 6], {});
      baseline.dispose();
      expect(fill.isDisposed).toBe(false);
      await expect(finiteBaseline('test', broken, x)).rejects.toThrow(/^test: fill must be finite, but hold NaN or infinite values/);
      expect(broken.isDisposed).toBe(false);
    });
  });
});
