/** What stands where RISE and LIME hide pixels: each fill with an answer that plain loops give. */
import {tensor3d, tensor4d, zeros, type Tensor2D, type Tensor3D, type Tensor4D} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import {gridSegments, lime, masksFromGrids, rise, type LimeOptions, type RiseOptions} from '../../src/baselines/index.js';
import {Random} from '../../src/core/random.js';
import type {Preprocessing, ScoreFn, Teacher} from '../../src/core/types.js';
import {blurWeights} from '../../src/queries/blur.js';
import type {Fill} from '../../src/queries/fill.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {limeRows} from '../helpers/lime-rows.js';

const [HEIGHT, WIDTH, CHANNELS] = [5, 7, 3];
const SIZE = HEIGHT * WIDTH * CHANNELS;
const random = new Random(12);
const image = Float32Array.from({length: SIZE}, () => random.uniform(-1, 1));
const other = Float32Array.from({length: SIZE}, () => random.uniform(-1, 1));
const toTensor = (values: Float32Array): Tensor3D => tensor3d(values, [HEIGHT, WIDTH, CHANNELS]);

/** A score function that keeps what it is shown. */
function witness(): {score: ScoreFn; seen: Float32Array[]} {
  const seen: Float32Array[] = [];
  const score: ScoreFn = async (batch) => {
    seen.push(Float32Array.from(await batch.data()));
    return Array.from({length: batch.shape[0]}, () => [0.25, 0.75]);
  };
  return {score, seen};
}

/** The image blurred channel by channel, zeros around it. */
function blurred(kernel: ArrayLike<number>): Float32Array {
  const radius = (kernel.length - 1) / 2;
  return image.map((_, at) => {
    const [y, x, channel] = [Math.floor(at / CHANNELS / WIDTH), Math.floor(at / CHANNELS) % WIDTH, at % CHANNELS];
    let total = 0;
    for (let dy = -radius; dy <= radius; dy++) {
      for (let dx = -radius; dx <= radius; dx++) {
        if (y + dy < 0 || y + dy >= HEIGHT || x + dx < 0 || x + dx >= WIDTH) continue;
        total += kernel[dy + radius]! * kernel[dx + radius]! * image[((y + dy) * WIDTH + x + dx) * CHANNELS + channel]!;
      }
    }
    return total;
  });
}

const means = [0, 1, 2].map(
  (channel) => image.filter((_, at) => at % 3 === channel).reduce((sum, value) => sum + value, 0) / (HEIGHT * WIDTH),
);
const fills: [string, () => Fill, Float32Array, unknown][] = [
  ["'zeros'", () => 'zeros', new Float32Array(SIZE), 'zeros'],
  ["'mean'", () => 'mean', image.map((_, at) => means[at % 3]!), 'mean'],
  ["'blur'", () => 'blur', blurred(blurWeights()), {kernel: 'official', length: 11, sigma: 5}],
  [
    'a blur of one’s own',
    () => ({kernel: 'gaussian', length: 3, sigma: 1}),
    blurred(blurWeights({kernel: 'gaussian', length: 3, sigma: 1})),
    {kernel: 'gaussian', length: 3, sigma: 1},
  ],
  ['a number', () => 0.4, new Float32Array(SIZE).fill(0.4), 0.4],
  ['a colour', () => [0.1, -0.2, 0.9], image.map((_, at) => [0.1, -0.2, 0.9][at % 3]!), [0.1, -0.2, 0.9]],
  ['a tensor [H,W,C]', () => toTensor(other), other, 'tensor'],
  ['a tensor [1,H,W,C]', () => tensor4d(other, [1, HEIGHT, WIDTH, CHANNELS]), other, 'tensor'],
];

describe.each(fills)('the fill %s', (_, make, baseline, recorded) => {
  it('stands behind the masks of rise: M·x + (1 − M)·b', async () => {
    const grids = {gridSize: 2, bits: [1, 0, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0], shifts: [0, 1, 2, 3, 1, 0]};
    const made = masksFromGrids(grids, [HEIGHT, WIDTH]);
    const masks = Float32Array.from(await made.data());
    made.dispose();
    const x = toTensor(image);
    const fill = make();
    await expectNoLeak(async () => {
      const {score, seen} = witness();
      const [map] = await rise(x, score, {masks: grids, fill, batchSize: 3});
      const [whole, batch] = seen as [Float32Array, Float32Array];
      expectClose(whole, image, {}, 'the image alone');
      const expected = Float32Array.from({length: 3 * SIZE}, (_value, at) => {
        const [mask, inside] = [Math.floor(at / SIZE), at % SIZE];
        const kept = masks[mask * HEIGHT * WIDTH + Math.floor(inside / CHANNELS)]!;
        return kept * image[inside]! + (1 - kept) * baseline[inside]!;
      });
      expectClose(batch, expected, {abs: 1e-5}, 'the masked images');
      expect(map!.options['fill']).toEqual(recorded);
    });
    if (typeof fill === 'object' && 'dispose' in fill) {
      expectClose(await fill.data(), other, {}, 'the tensor, unchanged');
      fill.dispose();
    }
    x.dispose();
  });

  it('stands behind the segments of lime', async () => {
    const segmenter = gridSegments(HEIGHT, WIDTH, {rows: 2, columns: 3});
    const rows = limeRows(8, 6);
    const x = toTensor(image);
    const fill = make();
    await expectNoLeak(async () => {
      const {score, seen} = witness();
      const [map] = await lime(x, score, {segmenter, numSamples: 8, fill, batchSize: 8});
      const expected = Float32Array.from({length: 8 * SIZE}, (_value, at) => {
        const [row, inside] = [Math.floor(at / SIZE), at % SIZE];
        return (rows[row]![segmenter.labels[Math.floor(inside / CHANNELS)]!] === 1 ? image : baseline)[inside]!;
      });
      expectClose(seen[0]!, expected, {abs: 1e-5}, 'the copies');
      expect(map!.options['fill']).toEqual(recorded);
    });
    if (typeof fill === 'object' && 'dispose' in fill) fill.dispose();
    x.dispose();
  });
});

describe('a fill', () => {
  it('is refused where it does not fit, by name, and nothing leaks', async () => {
    const x = toTensor(image);
    const [small, gone] = [zeros([2, 2, 3]) as Tensor3D, zeros([HEIGHT, WIDTH, CHANNELS]) as Tensor3D];
    gone.dispose();
    const {score} = witness();
    const wrong: [unknown, typeof TypeError | typeof RangeError, string][] = [
      [[0, 0], RangeError, 'fill must be one value or 3, one per channel of the network, but has 2'],
      [[], RangeError, 'fill must be'],
      [small, RangeError, 'fill must have shape \\[5, 7, 3\\], but has \\[2, 2, 3\\]'],
      [gone, TypeError, ''],
      ['black', RangeError, 'fill must be'],
      [NaN, RangeError, 'fill must be'],
      [[0, Infinity, 0], RangeError, 'fill\\[1\\] must be a finite number'],
      [{sigma: 0}, RangeError, 'fill.sigma must be'],
      [{sigma: 5, radius: 3}, TypeError, "there is no option 'fill.radius'"],
      [Promise.resolve('mean'), TypeError, 'fill must be'],
    ];
    await expectNoLeak(async () => {
      for (const [fill, type, message] of wrong) {
        for (const [name, run] of [
          ['rise', () => rise(x, score, {numMasks: 2, gridSize: 2, fill} as RiseOptions)],
          ['lime', () => lime(x, score, {numSamples: 2, segmenter: 'grid', fill} as LimeOptions)],
        ] as const) {
          const error = await run().then(
            () => new Error(`${name} took it`),
            (reason: unknown) => reason as Error,
          );
          expect(error.message).toMatch(new RegExp(`^${name}: ${message}`));
          expect(error).toBeInstanceOf(type);
        }
      }
    });
    x.dispose();
    small.dispose();
  });
});

describe('a network that wants blue first', () => {
  const preprocessing: Preprocessing = {scale: 1, mean: [103, 116, 123], std: [2, 4, 5], channelOrder: 'bgr'};
  const bytes = Uint8Array.from({length: SIZE}, () => random.int(256));
  const picture = {data: bytes, height: HEIGHT, width: WIDTH};
  const segmenter = gridSegments(HEIGHT, WIDTH, {rows: 1, columns: 1});
  const hiddenBy = async (fill: LimeOptions['fill']): Promise<Float32Array> => {
    const seen: Promise<Float32Array>[] = [];
    const logits = (batch: Tensor4D): Tensor2D => {
      seen.push(batch.data<'float32'>());
      return zeros([batch.shape[0], 2]) as Tensor2D;
    };
    const teacher: Teacher = {name: 'blue first', inputShape: [HEIGHT, WIDTH, CHANNELS], numClasses: 2, preprocessing, logits};
    await lime(picture, teacher, {segmenter, numSamples: 16, batchSize: 16, fill});
    const row = limeRows(16, 1).findIndex(([kept]) => kept === 0);
    return (await seen[0]!).slice(row * SIZE, (row + 1) * SIZE);
  };
  /** What the network sees of a colour given as red, green and blue. */
  const seenAs = ([red, green, blue]: readonly [number, number, number]): number[] => [
    (blue - 103) / 2,
    (green - 116) / 4,
    (red - 123) / 5,
  ];

  it('gets the colours of a picture in its own order', async () => {
    expectClose((await hiddenBy([255, 0, 51])).slice(0, 3), seenAs([255, 0, 51]), {abs: 1e-4}, 'a colour');
    expectClose((await hiddenBy(128)).slice(-3), seenAs([128, 128, 128]), {abs: 1e-4}, 'a grey');
  });

  it('gets the mean colour of a segment in its own order, cut to whole numbers', async () => {
    const cut = [0, 1, 2].map((colour) => {
      const values = bytes.filter((_, at) => at % 3 === colour);
      return Math.trunc(values.reduce((total, value) => total + value, 0) / values.length);
    }) as [number, number, number];
    expect(new Set(cut).size).toBe(3);
    expectClose((await hiddenBy('segment-mean')).slice(0, 3), seenAs(cut), {abs: 1e-4}, 'the mean');
  });
});
