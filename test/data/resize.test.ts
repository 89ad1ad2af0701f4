import {
  concat,
  dot,
  grad,
  mul,
  ones,
  randomUniform,
  reshape,
  slice,
  sum,
  tensor4d,
  tidy,
  type Scalar,
  type Tensor,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {resizeBilinear, resizeWeights} from '../../src/data/resize.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {golden, type GoldenArray} from '../helpers/golden.js';
import {expectGradient} from '../helpers/gradient-check.js';
import {read, readAll} from '../helpers/read.js';

interface Case {
  name: string;
  out_size: [number, number];
  x: GoldenArray;
  y: GoldenArray;
  upstream: GoldenArray;
  grad_x: GoldenArray;
  centre_of_mass_in?: [number, number];
}

const {cases, tolerance} = await golden<{cases: Case[]; tolerance: Record<'y' | 'grad_x', {abs: number}>}>('resize');
const from = ({shape, values}: GoldenArray): Tensor4D => tensor4d(values as Float32Array, shape as [number, number, number, number]);

/** `[row, column]` of the mean position of the values, in units where the image is [0,1]. */
function centreOfMass(values: ArrayLike<number>, height: number, width: number): [number, number] {
  let [total, down, across] = [0, 0, 0];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const value = values[row * width + column]!;
      total += value;
      down += value * (row + 0.5);
      across += value * (column + 0.5);
    }
  }
  return [down / total / height, across / total / width];
}

describe('resizeBilinear', () => {
  it.each(cases)(
    'agrees with the expected numbers, forward and backward: $name',
    async ({out_size, x, y, upstream, grad_x, centre_of_mass_in}) => {
      await expectNoLeak(async () => {
        const [images, towards] = [from(x), from(upstream)];
        const result = resizeBilinear(images, out_size);
        expect(result.shape).toEqual(y.shape);
        expectClose(await result.data(), y.values, tolerance.y, 'y');
        const loss = (input: Tensor): Scalar => sum(mul(resizeBilinear(input as Tensor4D, out_size), towards));
        const gradient = tidy(() => grad(loss)(images));
        expectClose(await gradient.data(), grad_x.values, tolerance.grad_x, 'grad_x');
        if (centre_of_mass_in)
          expectClose(centreOfMass(await result.data(), ...out_size), centre_of_mass_in, {abs: 1e-6}, 'centre of mass');
        [images, towards, result, gradient].forEach((tensor) => tensor.dispose());
      });
    },
  );

  it('keeps an inner blob where it is, enlarging by different factors', async () => {
    const blob = new Float32Array(35);
    blob[3 * 5 + 2] = 1;
    blob[2 * 5 + 3] = 2;
    const result = await read(() => resizeBilinear(tensor4d(blob, [1, 7, 5, 1]), [224, 80]));
    expectClose(centreOfMass(result, 224, 80), centreOfMass(blob, 7, 5), {abs: 1e-5});
  });

  it('leaves images of the same size and constant images unchanged, and the argument too', async () => {
    await expectNoLeak(async () => {
      const images = randomUniform([2, 3, 4, 2], 0, 1, 'float32', 1) as Tensor4D;
      const before = (await images.data()).slice();
      expectClose(await read(() => resizeBilinear(images, [3, 4])), before, {});
      expectClose(await images.data(), before, {});
      images.dispose();
      for (const antialias of [false, true]) {
        expectClose(await read(() => resizeBilinear(ones([1, 5, 7, 2]) as Tensor4D, [3, 11], {antialias})), new Float32Array(66).fill(1), {
          abs: 1e-6,
        });
      }
    });
  });

  it('gives for a batch what it gives for each image', async () => {
    const {together, each} = await readAll(() => {
      const batch = randomUniform([3, 5, 4, 2], -1, 1, 'float32', 7) as Tensor4D;
      const alone = [0, 1, 2].map((index) =>
        resizeBilinear(slice(batch, [index, 0, 0, 0], [1, 5, 4, 2]) as Tensor4D, [8, 3], {antialias: true}),
      );
      return {together: resizeBilinear(batch, [8, 3], {antialias: true}), each: concat(alone)};
    });
    expectClose(together, each, {abs: 1e-6});
  });

  it('has the gradient of its antialiased form, not square', async () => {
    const towards = randomUniform([1 * 2 * 3 * 2], -1, 1, 'float32', 3);
    const images = randomUniform([1, 7, 5, 2], -1, 1, 'float32', 4);
    const loss = (x: Tensor): Scalar => dot(reshape(resizeBilinear(x as Tensor4D, [2, 3], {antialias: true}), [-1]), towards) as Scalar;
    await expectGradient(loss, images);
    for (const each of [towards, images]) each.dispose();
  });

  it('refuses another rank or a size of 0', () => {
    expect(() => resizeBilinear(tensor4d([1], [1, 1, 1, 1]), [0, 2])).toThrow(/size: (height|width)/);
    expect(() => resizeBilinear(ones([2, 2, 1]) as never, [1, 1])).toThrow(/\[\?, \?, \?, \?\], but has \[2, 2, 1\]/);
  });
});

describe('resizeWeights', () => {
  const size = fc.integer({min: 1, max: 60});

  it('has rows that sum to 1 and are not negative', () => {
    fc.assert(
      fc.property(size, size, fc.boolean(), (inSize, outSize, antialias) => {
        const weights = resizeWeights(inSize, outSize, {antialias});
        const sums = Array.from({length: outSize}, (_, row) =>
          weights.slice(row * inSize, (row + 1) * inSize).reduce((total, weight) => total + weight, 0),
        );
        expectClose(sums, new Array(outSize).fill(1), {abs: 1e-5});
        expect(weights.every((weight) => weight >= 0)).toBe(true);
      }),
    );
  });

  it('gives every source pixel a say when antialiased, and skips some when not', () => {
    const columns = (antialias: boolean): number[] => {
      const weights = resizeWeights(64, 8, {antialias});
      return Array.from({length: 64}, (_, column) =>
        Array.from({length: 8}, (__, row) => weights[row * 64 + column]!).reduce((total, weight) => total + weight, 0),
      );
    };
    expect(Math.min(...columns(true))).toBeGreaterThan(0);
    expect(columns(false).filter((weight) => weight === 0).length).toBe(48);
    // Out of reach of the border kernels all pixels weigh the same, 8/64, so that the mean is kept.
    expectClose(columns(true).slice(12, 52), new Array(40).fill(1 / 8), {abs: 1e-5});
  });

  it('is a triangle of twice the ratio when antialiased: halving, known by hand', () => {
    expectClose(resizeWeights(4, 2, {antialias: true}), [3 / 7, 3 / 7, 1 / 7, 0, 0, 1 / 7, 3 / 7, 3 / 7], {abs: 1e-6});
  });
});
