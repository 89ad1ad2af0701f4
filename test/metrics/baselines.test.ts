/** Baselines that no training draws: another picture for each image, and imputed pixels. */
import {atOnce} from '../../src/core/in-turns.js';
import {mul, randomUniform, reverse, slice, softmax, sum, tidy, zeros, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import {occlusion} from '../../src/baselines/perturbation/occlusion.js';
import {Random} from '../../src/core/random.js';
import type {Explainer, ScoreFn} from '../../src/core/types.js';
import {compare} from '../../src/metrics/compare/compare.js';
import {deletionScore} from '../../src/metrics/of-model/deletion-score.js';
import {insertionScore} from '../../src/metrics/of-model/insertion-score.js';
import {muFidelity} from '../../src/metrics/of-model/mu-fidelity.js';
import {symmetricRelevanceGain} from '../../src/metrics/of-model/symmetric-relevance-gain.js';
import {imputePixels} from '../../src/queries/impute.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';

const [HEIGHT, WIDTH, CHANNELS] = [8, 6, 3];
const SIZE = HEIGHT * WIDTH * CHANNELS;
// Far from 0 and 1, where nothing but rounding would be left of a change.
const classes: ScoreFn = (batch) => tidy(() => softmax(mul(sum(batch, [1, 2]), 0.1)) as Tensor2D);
const photos = (count: number): Tensor4D => randomUniform([count, HEIGHT, WIDTH, CHANNELS], -1, 1, 'float32', 3) as Tensor4D;
const photo = (images: Tensor4D, index: number): Tensor4D => slice(images, [index, 0, 0, 0], [1, -1, -1, -1]);
const maps = (count: number): {data: Float32Array; height: number; width: number}[] =>
  Array.from({length: count}, (_, index) => ({
    data: Float32Array.from(new Random(index).permutation(HEIGHT * WIDTH)),
    height: HEIGHT,
    width: WIDTH,
  }));

describe('a baseline for each image', () => {
  it('is that of the image, for every metric and batch size', async () => {
    const images = photos(4); // An even number: none is its own baseline, from which only rounding would differ.
    const fill = reverse(images, 0);
    const all = maps(4);
    await expectNoLeak(async () => {
      for (const batchSize of [1, 2, 16]) {
        const options = {stepSize: 7, batchSize, numSamples: 10};
        const {numSamples, ...causal} = options;
        const together = [
          (await insertionScore(images, all, classes, {...causal, fill})).map(({auc}) => auc),
          (await deletionScore(images, all, classes, {...causal, fill})).map(({auc}) => auc),
          (await symmetricRelevanceGain(images, all, classes, {...causal, fill})).map(({gain}) => gain),
          (await muFidelity(images, all, classes, {batchSize, numSamples, fill})).map(({correlation}) => correlation),
        ];
        for (const index of [0, 1, 2, 3]) {
          const own = tidy(() => ({image: photo(images, index), fill: photo(fill as Tensor4D, index)}));
          const [image, map] = [own.image, all[index]!];
          const alone = [
            (await insertionScore(image, map, classes, {...causal, fill: own.fill})).auc,
            (await deletionScore(image, map, classes, {...causal, fill: own.fill})).auc,
            (await symmetricRelevanceGain(image, map, classes, {...causal, fill: own.fill})).gain,
            (await muFidelity(image, map, classes, {batchSize, numSamples, fill: own.fill})).correlation,
          ];
          expectClose(
            together.map((values) => values[index]!),
            alone,
            {abs: 1e-6},
          );
          own.image.dispose();
          own.fill.dispose();
        }
      }
    });
  });

  it('has to be one for each, and only metrics take it', async () => {
    const images = photos(3);
    const two = zeros([2, HEIGHT, WIDTH, CHANNELS]) as Tensor4D;
    await expect(deletionScore(images, maps(3), classes, {fill: two})).rejects.toThrow(
      'deletionScore: fill must have shape [3, 8, 6, 3], but has [2, 8, 6, 3].',
    );
    await expect(deletionScore(photo(images, 0), maps(1)[0]!, classes, {fill: two})).rejects.toThrow(
      /^deletionScore: fill must have shape \[1, 8/,
    );
    await expect(occlusion(images, classes, {fill: photos(3), windowSize: 3})).rejects.toThrow(/^occlusion: fill must have shape \[1, 8/);
  });
});

describe("fill: 'imputed'", () => {
  /** Scores with a model that keeps what it sees. */
  const watching = (seen: Float32Array[]): ScoreFn => {
    return async (batch) => {
      const values = (await batch.data()) as Float32Array;
      for (let row = 0; row < batch.shape[0]; row++) seen.push(values.slice(row * SIZE, (row + 1) * SIZE));
      return Array.from({length: batch.shape[0]}, () => [0.5, 0.5]);
    };
  };

  it.each([
    ['insertion', insertionScore],
    ['deletion', deletionScore],
  ] as const)('%s shows what is left and imputes the rest, with a little noise', async (kind, score) => {
    const image = photos(1);
    const [map] = maps(1);
    const values = (await image.data()) as Float32Array;
    const seen: Float32Array[] = [];
    const {options} = await score(image, map!, watching(seen), {stepSize: 10, fill: 'imputed', target: 0});
    expect(options).toMatchObject({fill: 'imputed', seed: 0});
    const errors: number[] = [];
    seen.forEach((shown, step) => {
      const count = Math.min(10 * step, HEIGHT * WIDTH);
      // The map is a permutation, so its highest `count` pixels have changed.
      const hidden = Uint8Array.from(map!.data, (value) => Number(value >= HEIGHT * WIDTH - count === (kind === 'deletion')));
      const clean = atOnce(imputePixels(values, hidden, [HEIGHT, WIDTH, CHANNELS]));
      shown.forEach((value, at) => {
        if (hidden[Math.floor(at / CHANNELS)] === 0) expect(value).toBe(values[at]);
        else errors.push(value - clean[at]!);
      });
    });
    const spread = Math.sqrt(errors.reduce((total, error) => total + error ** 2, 0) / errors.length);
    expect(spread / 0.02).toBeGreaterThan(0.85); // Values from −1 to 1.
    expect(spread / 0.02).toBeLessThan(1.15);
  });

  it('depends on the seed and the image alone', async () => {
    const images = photos(3);
    const run = async (seed: number, batchSize: number): Promise<number[][]> =>
      (await deletionScore(images, maps(3), classes, {fill: 'imputed', stepSize: 9, seed, batchSize})).map(({curve}) => [...curve]);
    const expected = await run(4, 16);
    for (const batchSize of [1, 2, 5]) {
      const found = await run(4, batchSize);
      found.forEach((curve, index) => {
        expectClose(curve, expected[index]!, {abs: 1e-6});
      });
    }
    const other = await run(5, 16);
    expect(other.flat()).not.toEqual(expected.flat());
    expectClose(other.flat(), expected.flat(), {abs: 0.2});
    await expectNoLeak(() => run(1, 2));
  });

  it('is there for srg, whose curves meet at both ends', async () => {
    const {leastFirst, mostFirst, gain} = await symmetricRelevanceGain(photos(1), maps(1)[0]!, classes, {fill: 'imputed', stepSize: 12});
    expectClose([mostFirst.curve[0]!, mostFirst.curve.at(-1)!], [leastFirst.curve[0]!, leastFirst.curve.at(-1)!], {abs: 1e-6});
    expect(gain).toBeCloseTo(leastFirst.auc - mostFirst.auc, 12);
  });

  it('is refused by name where it cannot be had', async () => {
    const image = photos(1);
    await expect(muFidelity(image, maps(1)[0]!, classes, {fill: 'imputed' as never})).rejects.toThrow(
      /^muFidelity: fill must be .*, but is "imputed"/,
    );
    await expect(occlusion(image, classes, {fill: 'imputed' as never})).rejects.toThrow(/^occlusion: fill must be .*, but is "imputed"/);
  });
});

describe('compare', () => {
  it('takes both', async () => {
    const images = photos(4);
    const others = reverse(images, 0) as Tensor4D;
    const all = maps(4);
    let calls = 0;
    const drawn: Explainer = {
      method: 'drawn',
      explain: async () => [{...all[calls++ % 4]!, target: 1, score: 1, method: 'drawn', seed: 0, options: {}, empty: false}],
    };
    const run = (): ReturnType<typeof compare> =>
      compare({
        explainers: {drawn},
        metrics: [
          {metric: 'insertion', name: 'other picture', fill: others},
          {metric: 'srg', name: 'imputed', fill: 'imputed'},
          'mu-fidelity',
        ],
        images,
        model: classes,
        target: 1,
        batchSize: 2,
        settings: {muFidelity: {fill: others, numSamples: 10}},
        seed: 2,
      });
    const [row] = await run();
    for (const [index, {values, seed}] of row!.perImage.entries()) {
      const [image, fill, map] = [photo(images, index), photo(others, index), all[index]!];
      const expected = [
        (await insertionScore(image, map, classes, {fill, target: 1})).auc,
        (await symmetricRelevanceGain(image, map, classes, {fill: 'imputed', target: 1, seed})).gain,
        (await muFidelity(image, map, classes, {fill, numSamples: 10, target: 1, seed})).correlation,
      ];
      expectClose(Object.values(values), expected, {abs: 1e-6});
    }
    expect((await run())[0]!.perImage).toEqual(row!.perImage);
    await expectNoLeak(run);
  });
});
