import {
  randomUniform,
  reshape,
  softmax,
  stack,
  sum,
  tensor3d,
  tensor4d,
  tidy,
  zeros,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import {Random} from '../../src/core/random.js';
import type {Progress, ScoreFn} from '../../src/core/types.js';
import {deletionScore} from '../../src/metrics/of-model/deletion-score.js';
import {symmetricRelevanceGain} from '../../src/metrics/of-model/symmetric-relevance-gain.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';

const sumModel: ScoreFn = (batch) => tidy(() => reshape(sum(batch, [1, 2, 3]), [-1, 1]) as Tensor2D);
const classes: ScoreFn = (batch) => tidy(() => softmax(sum(batch, [1, 2])) as Tensor2D);
const photo = (seed: number): Tensor3D => randomUniform([8, 6, 3], -1, 1, 'float32', seed) as Tensor3D;
const mapOf = (values: ArrayLike<number>): {data: Float32Array; height: number; width: number} => ({
  data: Float32Array.from(values),
  height: 8,
  width: 6,
});
const byLot = (random: Random): ReturnType<typeof mapOf> => mapOf(random.permutation(48));

describe('symmetricRelevanceGain', () => {
  it('is the area between the two orders of a model that sums', async () => {
    const x = tensor3d([0.4, 0.3, 0.2, 0.1], [2, 2, 1]);
    const map = [
      [4, 3],
      [2, 1],
    ];
    const found = await symmetricRelevanceGain(x, map, sumModel, {stepSize: 1});
    expectClose(found.mostFirst.curve, [1, 0.6, 0.3, 0.1, 0], {abs: 1e-6});
    expectClose(found.leastFirst.curve, [1, 0.9, 0.7, 0.4, 0], {abs: 1e-6});
    expectClose([found.mostFirst.auc, found.leastFirst.auc, found.gain], [0.375, 0.625, 0.25], {abs: 1e-6});
    expect(found).toMatchObject({fractions: [0, 0.25, 0.5, 0.75, 1], target: 1, options: {stepSize: 1, fill: 'zeros', ties: 'index-asc'}});
    // Every pixel of the baseline adds .05, at the same time in both orders.
    const grey = await symmetricRelevanceGain(x, map, sumModel, {stepSize: 1, fill: 0.05});
    expectClose(grey.mostFirst.curve, [1, 0.65, 0.4, 0.25, 0.2], {abs: 1e-6});
    expectClose([grey.gain], [0.25], {abs: 1e-6});
  });

  it('removes the most salient first as deletion does', async () => {
    const [x, map] = [photo(1), byLot(new Random(4))];
    for (const options of [{}, {stepSize: 7, fill: 'blur', auc: 'true-fraction', ties: 'index-desc'}] as const) {
      const {mostFirst, options: record} = await symmetricRelevanceGain(x, map, classes, options);
      const {auc, curve, options: ofDeletion} = await deletionScore(x, map, classes, options);
      expectClose([mostFirst.auc, ...mostFirst.curve], [auc, ...curve], {abs: 1e-6});
      expect(record).toEqual(ofDeletion);
    }
  });

  it('is minus the gain for the reversed map, and near 0 for orders by lot', async () => {
    const random = new Random(3);
    const x = tensor3d(
      Array.from({length: 144}, (_, at) => at / 144 / 72),
      [8, 6, 3],
    );
    const best = mapOf(Array.from({length: 48}, (_, at) => at));
    const most = await symmetricRelevanceGain(x, best, sumModel);
    const reversed = await symmetricRelevanceGain(x, mapOf(best.data.map((value) => -value)), sumModel);
    expectClose([reversed.gain], [-most.gain], {abs: 1e-6});
    expectClose(reversed.leastFirst.curve, most.mostFirst.curve, {abs: 1e-6});
    const maps = Array.from({length: 40}, () => byLot(random));
    const gains = (await symmetricRelevanceGain(stack(maps.map(() => x)) as Tensor4D, maps, sumModel)).map(({gain}) => gain);
    const mean = gains.reduce((total, gain) => total + gain, 0) / gains.length;
    expect(Math.abs(mean)).toBeLessThan(most.gain / 10);
    expect(Math.max(...gains)).toBeLessThan(most.gain / 2);
    // Equal values go in one order or exactly its reverse.
    const flat = mapOf(new Float32Array(48));
    const [asc, desc] = await Promise.all(
      (['index-asc', 'index-desc'] as const).map((ties) => symmetricRelevanceGain(x, flat, sumModel, {ties})),
    );
    expectClose([asc!.gain], [-desc!.gain], {abs: 1e-6});
  });

  it('is the same for every batch size, alone and together, reports all steps and leaks nothing', async () => {
    const images = [photo(1), photo(2), photo(3)];
    const maps = [1, 2, 3].map((seed) => byLot(new Random(seed)));
    const alone = await Promise.all(
      images.map((x, index) => symmetricRelevanceGain(x, maps[index]!, classes, {stepSize: 10, fill: 'mean'})),
    );
    for (const batchSize of [1, 2, 100]) {
      const reports: Progress[] = [];
      const onProgress = (progress: Progress): number => reports.push(progress);
      await expectNoLeak(async () => {
        const together = await symmetricRelevanceGain(images, maps, classes, {stepSize: 10, fill: 'mean', batchSize, onProgress});
        expectClose(
          together.map(({gain}) => gain),
          alone.map(({gain}) => gain),
          {abs: 1e-6},
        );
      });
      // Two orders of six points for three images.
      expect(reports.at(-1)).toEqual({stage: 'symmetricRelevanceGain', done: 36, total: 36});
      const counts = reports.map(({done}) => done);
      expect(counts).toEqual([...counts].sort((a, b) => a - b));
    }
  });

  it('refuses what is wrong by its own name', async () => {
    const x = photo(1);
    await expect(symmetricRelevanceGain(x, mapOf(new Float32Array(48)), classes, {stepSize: 0})).rejects.toThrow(
      'symmetricRelevanceGain: stepSize must be a whole number of at least 1, but is 0.',
    );
    await expect(symmetricRelevanceGain(zeros([2, 8, 6, 3]) as Tensor4D, mapOf(new Float32Array(48)), classes)).rejects.toThrow(
      /^symmetricRelevanceGain: maps must be one for each image/,
    );
    await expect(symmetricRelevanceGain(x, mapOf(new Float32Array(48)), classes, {fill: tensor4d([1], [1, 1, 1, 1])})).rejects.toThrow(
      /^symmetricRelevanceGain: fill must have shape \[1, 8, 6, 3\]/,
    );
  });
});
