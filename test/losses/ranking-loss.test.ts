import {
  add,
  div,
  grad,
  mean,
  mul,
  randomNormal,
  sigmoid,
  slice,
  sub,
  sum,
  tensor,
  tensor2d,
  tile,
  zeros,
  type Scalar,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import {rankingLoss, rankingMask, standardizeMap} from '../../src/losses/index.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {expectGradient} from '../helpers/gradient-check.js';
import {read, readAll} from '../helpers/read.js';

const map = (count: number, seed = 3): Tensor4D => randomNormal([count, 6, 5, 1], 2, 3, 'float32', seed);

describe('standardizeMap', () => {
  it('gives each image mean 0 and standard deviation 1, and a flat one zeros', async () => {
    const flat = tensor(new Float32Array(30).fill(7), [1, 6, 5, 1]) as Tensor4D;
    const given = map(1);
    const values = await read(() => standardizeMap(given));
    const average = values.reduce((sum, value) => sum + value, 0) / 30;
    const variance = values.reduce((sum, value) => sum + (value - average) ** 2, 0) / 30;
    expectClose([average, variance], [0, 1], {abs: 1e-4}, 'mean and variance');
    expectClose(await read(() => standardizeMap(flat)), Array<number>(30).fill(0), {abs: 0.02}, 'flat');
    expectClose(await read(() => standardizeMap(zeros([1, 6, 5, 1]))), Array<number>(30).fill(0), {abs: 0}, 'zeros');
    await expectGradient((x) => sum(mul(standardizeMap(x as Tensor4D), map(1, 8))), given);
  });
});

describe('rankingMask', () => {
  it('shows a share of the pixels that is uniform over the draws: those that rank highest', async () => {
    const given = map(1);
    const order = Float32Array.from(await given.data());
    const sorted = order.toSorted((a, b) => b - a);
    const masks = await read(() => rankingMask(tile(given, [1500, 1, 1, 1]) as Tensor4D, {softness: 1e-3}));
    const counts = new Map<number, number>();
    for (let image = 0; image < 1500; image++) {
      const mask = masks.subarray(image * 30, (image + 1) * 30);
      // The drawn pixel is at 1/2; so softly cut, all others are at 0 or 1.
      const shown = mask.filter((value) => value > 0.4).length;
      expect(mask.every((value, pixel) => value > 0.4 === order[pixel]! >= sorted[shown - 1]!)).toBe(true);
      counts.set(shown, (counts.get(shown) ?? 0) + 1);
    }
    // Each of 1 to 30 pixels in 50 of 1500 draws, give or take 7 (one standard deviation).
    expect(counts.size).toBe(30);
    expect(Math.min(...counts.values())).toBeGreaterThan(22);
    expect(Math.max(...counts.values())).toBeLessThan(78);
  });

  it('depends on the order and spacing of values only, and an image in a batch on itself alone', async () => {
    const given = map(3);
    const masks = await read(() => rankingMask(given, {seed: 5}));
    expectClose(await read(() => rankingMask(add(mul(given, 40), 7) as Tensor4D, {seed: 5})), masks, {abs: 1e-5}, 'stretched');
    const first = slice(given, [0, 0, 0, 0], [1, 6, 5, 1]);
    expectClose(await read(() => rankingMask(first, {seed: 5})), masks.slice(0, 30), {abs: 1e-6}, 'alone');
  });

  it('has the gradient of the cut at a fixed level', async () => {
    const given = map(1);
    const weights = map(1, 9);
    const [z, mask] = [await read(() => standardizeMap(given)), await read(() => rankingMask(given, {seed: 2}))];
    const level = z[[...mask].findIndex((value) => value === 0.5)]!;
    const fixed = (x: Tensor): Scalar => sum(mul(sigmoid(div(sub(standardizeMap(x as Tensor4D), level), 0.35)), weights));
    const actual = await read(() => grad((x: Tensor) => sum(mul(rankingMask(x as Tensor4D, {seed: 2}), weights)))(given));
    expectClose(actual, await read(() => grad(fixed)(given)), {abs: 1e-5, rel: 1e-4}, 'gradient');
    await expectGradient(fixed, given);
    await expectNoLeak(() => grad((x: Tensor) => sum(mul(rankingMask(x as Tensor4D), weights)))(given).dispose());
  });

  it.each<[string, () => unknown, string]>([
    ['no map', () => rankingMask(undefined as never), 'rankingMask: map must be a tensor'],
    ['a map of two channels', () => rankingMask(randomNormal([1, 2, 2, 2])), 'rankingMask: map must have shape'],
    ['a cut without softness', () => rankingMask(map(1), {softness: 0}), 'rankingMask: softness must be'],
    ['no seed', () => rankingMask(map(1), {seed: 0.5}), 'rankingMask: seed must be'],
    ['no map to standardise', () => standardizeMap(3 as never), 'standardizeMap: map must be a tensor'],
  ])('refuses %s', (_, run, message) => {
    expect(run).toThrow(message);
  });
});

describe('rankingLoss', () => {
  // Probabilities .5, .25, .25 and .1, .8, .1.
  const [inserted, deleted] = [tensor2d([[Math.log(2), 0, 0]]), tensor2d([[0, Math.log(8), 0]])];

  it('is the probability of the class in what is left, less that in what is shown', async () => {
    const parts = await readAll(() => ({...rankingLoss(inserted, deleted, [0])}));
    expectClose([parts.inserted![0]!, parts.deleted![0]!, parts.total![0]!], [0.5, 0.1, -0.4], {abs: 1e-6}, 'class 0');
    const other = await readAll(() => ({...rankingLoss(inserted, deleted, Int32Array.of(1))}));
    expectClose([other.total![0]!], [0.55], {abs: 1e-6}, 'class 1');
  });

  it('reads probabilities at a temperature, and weighs the halves', async () => {
    // At temperature 2: √2 of √2 + 2, and √8 of √8 + 2.
    const parts = await readAll(() => ({...rankingLoss(inserted, deleted, [0], {temperature: 2, deletionWeight: 1.5})}));
    const [shown, left] = [Math.SQRT2 / (Math.SQRT2 + 2), 1 / (Math.sqrt(8) + 2)];
    expectClose([parts.inserted![0]!, parts.deleted![0]!], [shown, left], {abs: 1e-6}, 'probabilities');
    expectClose([parts.total![0]!], [1.5 * left - 0.5 * shown], {abs: 1e-6}, 'total');
    const sure = tensor2d([[30, 0, 0]]);
    const slopeAt = (temperature: number): Promise<Float32Array> =>
      read(() => grad((x: Tensor) => mean(rankingLoss(inserted, x as Tensor2D, [0], {temperature}).total))(sure));
    // A sure answer teaches nothing as it is: p (1 − p) is 2e-13 there.
    expect((await slopeAt(1))[0]!).toBeLessThan(1e-6);
    expect((await slopeAt(10))[0]!).toBeGreaterThan(1e-3);
  });

  it('has the gradients that differences give, and none that is not finite', async () => {
    await expectGradient((x) => mean(rankingLoss(x as Tensor2D, deleted, [2]).total), inserted);
    await expectGradient((x) => mean(rankingLoss(x as Tensor2D, deleted, [2], {temperature: 3, deletionWeight: 0.4}).total), inserted);
    await expectGradient((x) => mean(rankingLoss(inserted, x as Tensor2D, [2]).total), deleted);
    const extreme = tensor2d([[300, -300, 0]]);
    const values = await read(() => grad((x: Tensor) => mean(rankingLoss(x as Tensor2D, x as Tensor2D, [1]).total))(extreme));
    expect([...values].every(Number.isFinite)).toBe(true);
  });

  it.each<[string, () => unknown, string]>([
    ['logits of two shapes', () => rankingLoss(inserted, tensor2d([[1, 2]]), [0]), 'rankingLoss: logits must have one shape'],
    ['no target', () => rankingLoss(inserted, deleted, undefined as never), 'rankingLoss: targets must be a list of classes'],
    ['too many targets', () => rankingLoss(inserted, deleted, [0, 1]), 'a target for each of the 1 images, but there are 2'],
    ['no temperature', () => rankingLoss(inserted, deleted, [0], {temperature: 0}), 'rankingLoss: temperature must be'],
    ['a weight above 2', () => rankingLoss(inserted, deleted, [0], {deletionWeight: 3}), 'rankingLoss: deletionWeight must be'],
    ['a target that is no class', () => rankingLoss(inserted, deleted, [3]), 'rankingLoss: targets[0] must be a whole number from 0 to 2'],
  ])('refuses %s', (_, run, message) => {
    expect(run).toThrow(message);
  });
});
