import {
  fill,
  mean,
  mul,
  neg,
  ones,
  randomUniform,
  reshape,
  round,
  slice,
  squeeze,
  stack,
  sub,
  sum,
  tensor3d,
  tensor4d,
  tidy,
  zeros,
  zerosLike,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {layers, sequential, type LayersModel} from '@tensorflow/tfjs-layers';
import {describe, expect, it} from 'vitest';
import {contrast} from '../../src/core/contrast.js';
import type {
  Explainer,
  ExplainerOptions,
  ImageInput,
  Progress,
  SaliencyMap,
  ScoreFn,
  SeedOptions,
  SingleTarget,
} from '../../src/core/types.js';
import {averageConfidenceChange, confidenceChange} from '../../src/metrics/of-model/confidence-change.js';
import {maxSensitivity} from '../../src/metrics/of-explainer/max-sensitivity.js';
import {muFidelity, type MuFidelity} from '../../src/metrics/of-model/mu-fidelity.js';
import {teacherFromLayersModel} from '../../src/models/teacher-from-layers-model.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';

/** Class 0 scores the values, class 1 nothing. */
const column = (values: Tensor): Tensor2D => stack([values, zerosLike(values)], 1) as Tensor2D;
const sumModel: ScoreFn = (batch) => tidy(() => column(sum(batch, [1, 2, 3])));
const negativeSum: ScoreFn = (batch) => tidy(() => column(neg(sum(batch, [1, 2, 3]))));

/** Whole numbers, so that sums are exact in any order. */
function whole(height: number, width: number, seed: number): Tensor3D {
  return tidy(() => round(randomUniform([height, width, 1], 0, 50, 'float32', seed)) as Tensor3D);
}

function classifier(): LayersModel {
  const model = sequential({layers: [layers.flatten({inputShape: [6, 4, 3]}), layers.dense({units: 3, activation: 'softmax'})]});
  model.setWeights(model.getWeights().map((weight, index) => randomUniform(weight.shape, -0.5, 0.5, 'float32', index + 1)));
  return model;
}

const photo = (seed: number): Tensor3D => randomUniform([6, 4, 3], -1, 1, 'float32', seed) as Tensor3D;
const saliency = (seed: number): Tensor2D => randomUniform([6, 4], -0.5, 1, 'float32', seed) as Tensor2D;

describe('confidenceChange', () => {
  it('gives the numbers worked out by hand', async () => {
    // The score is the first pixel; the map keeps 0 of the darkest and 1 of the brightest magnitude.
    const first: ScoreFn = async (batch) => [...(await batch.data())].filter((_, at) => at % 4 === 0).map((value) => [value, 0]);
    const x = tensor3d([0.8, 0.1, 0.2, 0.3], [2, 2, 1]);
    const run = async (map: number[][]): Promise<number[]> => {
      const {drop, increase, gain, base, after, target} = await confidenceChange(x, map, first);
      expect(target).toBe(0);
      return [drop, Number(increase), gain, base, after];
    };
    expectClose(
      await run([
        [-3, 1],
        [5, 2],
      ]),
      [0.5, 0, 0, 0.8, 0.4],
      {abs: 1e-6},
    ); // (3 − 1)/(5 − 1) = 0.5
    expectClose(
      await run([
        [9, 1],
        [2, 3],
      ]),
      [0, 0, 0, 0.8, 0.8],
      {abs: 1e-6},
    );
    expectClose(
      await run([
        [4, 4],
        [4, 4],
      ]),
      [1, 0, 0, 0.8, 0],
      {abs: 1e-6},
    );
    const less: ScoreFn = async (batch) => [...(await batch.data())].filter((_, at) => at % 4 === 1).map((value) => [1 - value, 0]);
    const gained = await confidenceChange(
      x,
      [
        [1, 0],
        [1, 1],
      ],
      less,
    );
    expectClose([gained.drop, Number(gained.increase), gained.gain, gained.base, gained.after], [0, 1, 1, 0.9, 1], {abs: 1e-6});
  });

  it('averages over images', () => {
    const change = {base: 0, after: 0, target: 0};
    const changes = [
      {...change, drop: 0.5, increase: false, gain: 0},
      {...change, drop: 0, increase: true, gain: 0.2},
    ];
    expect(averageConfidenceChange(changes)).toEqual({averageDrop: 0.25, averageIncrease: 0.5, averageGain: 0.1});
    expect(() => averageConfidenceChange([])).toThrow(RangeError);
  });

  it('is the same alone and together, for every batch size, by model, teacher and tensor', async () => {
    const model = classifier();
    const images = [photo(1), photo(2), photo(3)];
    const maps = [saliency(4), saliency(5), saliency(6)];
    const alone = await Promise.all(images.map((image, index) => confidenceChange(image, maps[index]!, model)));
    for (const batchSize of [1, 2, 5]) {
      for (const input of [images, stack(images) as Tensor4D]) {
        const together = await confidenceChange(input, maps, teacherFromLayersModel(model), {batchSize});
        together.forEach((change, index) => {
          expectClose(
            [change.base, change.after, change.drop, change.gain],
            [alone[index]!.base, alone[index]!.after, alone[index]!.drop, alone[index]!.gain],
            {abs: 1e-6},
          );
          expect(change.target).toBe(alone[index]!.target);
        });
      }
    }
  });

  it('watches a function of the scores, if that is a probability', async () => {
    const twoColumns: ScoreFn = (batch) => tidy(() => column(mean(batch, [1, 2, 3])));
    const x = fill([2, 2, 1], 0.75) as Tensor3D;
    const map = [
      [1, 0],
      [0, 0],
    ];
    const other = (scores: Tensor2D): Tensor1D => sub(1, squeeze(slice(scores, [0, 0], [-1, 1]), [1]));
    const {base, after, target} = await confidenceChange(x, map, twoColumns, {target: other});
    expectClose([base, after], [0.25, 1 - 0.75 / 4], {abs: 1e-6});
    expect(target).toBe(-1);
    await expect(confidenceChange(x, map, twoColumns, {target: (scores) => mul(other(scores), 4.04)})).rejects.toThrow(
      /^confidenceChange: scores must be probabilities in \[0,1\], but the model gave 1\.0/,
    );
    // Rounding is no reason to refuse.
    const rounded = await confidenceChange(x, map, twoColumns, {target: (scores) => mul(ones([scores.shape[0]]), 1.000005)});
    expect([rounded.drop, rounded.gain]).toEqual([0, 0]);
  });

  it('refuses scores that are no probabilities, and infinite maps', async () => {
    await expect(
      confidenceChange(
        whole(2, 2, 1),
        [
          [1, 2],
          [3, 4],
        ],
        sumModel,
      ),
    ).rejects.toThrow(/must be probabilities in \[0,1\]/);
    await expect(
      confidenceChange(photo(1), {data: new Float32Array(24).fill(Infinity), height: 6, width: 4}, classifier()),
    ).rejects.toThrow(/finite/);
  });
});

describe('muFidelity', () => {
  it.each([1, 7, 32, 500])('is 1 for the sum explained by its pixels, and −1 for the negative sum: batches of %i', async (batchSize) => {
    const x = whole(11, 14, 3);
    const map = reshape(x, [11, 14]);
    const options = {batchSize, numSamples: 60, seed: 5, target: 0};
    expect((await muFidelity(x, map, sumModel, options)).correlation).toBeCloseTo(1, 12);
    expect((await muFidelity(x, map, negativeSum, options)).correlation).toBeCloseTo(-1, 12);
    expect((await muFidelity(x, neg(map), sumModel, options)).correlation).toBeCloseTo(-1, 12);
  });

  it('takes every kind of fill into account', async () => {
    const x = whole(9, 9, 3);
    const other = whole(9, 9, 4);
    const map = tidy(() => reshape(sub(x, other), [9, 9]));
    const {correlation, options} = await muFidelity(x, map, sumModel, {fill: other, numSamples: 50, target: 0});
    expect(correlation).toBeCloseTo(1, 12);
    expect(options).toEqual({
      target: 0,
      gridSize: 9,
      subsetFraction: 0.2,
      numSamples: 50,
      fill: 'tensor',
      seed: 0,
      batchSize: 16,
      workers: 0,
    });
  });

  it('is 0 where nothing can be told: a flat map or a model that does not look', async () => {
    const blind: ScoreFn = (batch) => Array.from({length: batch.shape[0]}, () => [0.5, 0.5]);
    const x = whole(6, 6, 1);
    expect((await muFidelity(x, zeros([6, 6]), sumModel, {numSamples: 20, target: 0})).correlation).toBe(0);
    expect((await muFidelity(x, reshape(x, [6, 6]), blind, {numSamples: 20})).correlation).toBe(0);
  });

  it('takes cells away with the stated chance, all channels together', async () => {
    const kept: number[] = [];
    const spy: ScoreFn = async (batch) => {
      const values = await batch.data();
      for (let at = 0; at < values.length; at += 3) expect(values[at] === 0).toBe(values[at + 2] === 0);
      kept.push(
        ...Array.from(
          {length: batch.shape[0]},
          (_, row) => values.slice(row * 300, (row + 1) * 300).filter((value) => value !== 0).length / 300,
        ),
      );
      return Array.from({length: batch.shape[0]}, () => [1, 0]);
    };
    const x = tensor3d(new Float32Array(300).fill(2), [10, 10, 3]);
    await muFidelity(x, zeros([10, 10]), spy, {gridSize: 10, subsetFraction: 0.3, numSamples: 100, target: 0});
    expect(kept[0]).toBe(1);
    const mean = kept.slice(1).reduce((a, b) => a + b, 0) / 100;
    expect(Math.abs(mean - 0.7)).toBeLessThan(0.02); // 10000 draws: deviation 0.0046
  });

  it('gives the same for the same seed, alone and together, and another for another', async () => {
    const model = classifier();
    const images = [photo(1), photo(2)];
    const maps = [saliency(4), saliency(5)];
    const options = {numSamples: 30, seed: 9};
    const together = await muFidelity(images, maps, model, {...options, batchSize: 7});
    expect(await muFidelity(images[1]!, maps[1]!, model, {...options, batchSize: 7})).toEqual(together[1]);
    expect((await muFidelity(images[1]!, maps[1]!, model, {...options, seed: 10})).correlation).not.toBe(together[1]!.correlation);
  });

  it('takes a grid that is finer than the image as its pixels', async () => {
    const x = whole(6, 4, 3);
    const map = saliency(4);
    const run = async (gridSize: number): Promise<number> =>
      (await muFidelity(x, map, sumModel, {gridSize, numSamples: 40, seed: 2, target: 0})).correlation;
    expect(await run(4096)).toBe(await run(6));
    expect(await run(6)).not.toBe(await run(4));
    // Every pixel is a cell that can be hidden.
    const shown: Float32Array[] = [];
    const spy: ScoreFn = async (batch) => {
      const values = await batch.data<'float32'>();
      shown.push(...Array.from({length: batch.shape[0]}, (_, row) => values.slice(row * 24, (row + 1) * 24)));
      return Array.from({length: batch.shape[0]}, () => [1, 0]);
    };
    await muFidelity(fill([6, 4, 1], 2) as Tensor3D, map, spy, {gridSize: 50, numSamples: 40, target: 0});
    const hidden = Array.from({length: 24}, (_, pixel) => shown.filter((values) => values[pixel] === 0).length);
    expect(Math.min(...hidden)).toBeGreaterThan(0);
    expect(Math.max(...hidden)).toBeLessThan(20); // A fifth of 40, deviation 2.5.
  });

  it('watches a side, a class for each image, or a function of the scores', async () => {
    const x = whole(6, 4, 3);
    const map = reshape(x, [6, 4]);
    const run = (target: SingleTarget): Promise<MuFidelity[]> => muFidelity([x], [map], sumModel, {numSamples: 20, target});
    expect(await run({kind: 'binary', positive: false})).toMatchObject([{correlation: 1, target: 0}]);
    expect(await run({perImage: [1]})).toMatchObject([{correlation: 0, target: 1}]);
    expect(await run(contrast(1, 0))).toMatchObject([{correlation: -1, target: -1, options: {target: 'function'}}]);
  });

  it('refuses options out of range', async () => {
    for (const options of [{gridSize: 0}, {subsetFraction: 0}, {subsetFraction: 1}, {numSamples: 1}, {seed: -1}, {batchSize: 0}]) {
      await expect(muFidelity(photo(1), saliency(1), classifier(), options)).rejects.toThrow(RangeError);
    }
  });
});

/** Explains by a function of the pixels; remembers what it was asked. */
function explainerOf(
  draw: (values: Float32Array, options: ExplainerOptions) => number[],
  asked: (ExplainerOptions & SeedOptions)[] = [],
): Explainer {
  return {
    method: 'test',
    async explain(image, options = {}): Promise<SaliencyMap[]> {
      asked.push(options);
      const tensor = image as ImageInput & Tensor4D;
      const data = Float32Array.from(draw(Float32Array.from(await tensor.data()), options));
      return [{data, height: 1, width: data.length, target: 2, score: 1, method: 'test', seed: 0, options: {}, empty: false}];
    },
  };
}

describe('maxSensitivity', () => {
  const x = tensor4d([3, 4, 0, 0], [1, 2, 2, 1]);

  it('is 0 for an explainer that does not look', async () => {
    expect(
      (
        await maxSensitivity(
          x,
          explainerOf(() => [1, 2]),
        )
      ).sensitivity,
    ).toBe(0);
    expect(
      (
        await maxSensitivity(
          x,
          explainerOf(() => [0, 0]),
        )
      ).sensitivity,
    ).toBe(0);
  });

  it('is the largest relative change', async () => {
    const seen: Float32Array[] = [];
    const {sensitivity, target, options} = await maxSensitivity(
      x,
      explainerOf((values) => (seen.push(values), [...values])),
      {radius: 0.5, numSamples: 6, seed: 3},
    );
    expect(seen).toHaveLength(7);
    const changes = seen.slice(1).map((values) => Math.hypot(...values.map((value, index) => value - seen[0]![index]!)) / 5);
    expect(sensitivity).toBeCloseTo(Math.max(...changes), 12);
    for (const values of seen.slice(1))
      values.forEach((value, index) => expect(Math.abs(value - seen[0]![index]!)).toBeLessThanOrEqual(0.5 + 1e-6));
    expect(new Set(seen.slice(1).map((values) => values.join())).size).toBe(6);
    expect([target, options]).toEqual([2, {radius: 0.5, numSamples: 6, seed: 3, target: 'argmax', batchSize: 16, maps: 'drawn'}]);
  });

  it('moves every value by as much up as down, and as far as the radius', async () => {
    const seen: Float32Array[] = [];
    await maxSensitivity(
      zeros([10, 10, 3]) as Tensor3D,
      explainerOf((values) => (seen.push(values), [1, 2])),
      {radius: 0.5, numSamples: 10, seed: 1},
    );
    const moves = seen.slice(1).flatMap((values) => [...values]);
    expect(moves).toHaveLength(3000);
    const mean = moves.reduce((sum, value) => sum + value, 0) / 3000;
    expect(Math.abs(mean)).toBeLessThan(0.02); // Uniform in ±0.5: the deviation of the mean is 0.0053.
    expect(Math.min(...moves)).toBeLessThan(-0.49);
    expect(Math.max(...moves)).toBeGreaterThan(0.49);
  });

  it('starts from maps that are at hand, and refuses what is none', async () => {
    const map: SaliencyMap = {
      data: Float32Array.of(0, 0, 0, 0),
      height: 2,
      width: 2,
      target: 1,
      score: 1,
      method: 'm',
      seed: null,
      options: {},
      empty: true,
    };
    const asked: (ExplainerOptions & SeedOptions)[] = [];
    const given = explainerOf(() => [3, 4, 0, 0], asked);
    expect(await maxSensitivity(x, given, {maps: [map], numSamples: 3})).toMatchObject({
      sensitivity: 5,
      target: 1,
      options: {maps: 'given'},
    });
    expect(asked.map(({target}) => target)).toEqual([1, 1, 1]);
    for (const [wrong, message] of [
      [{}, /^maxSensitivity: maps\[0\] must be .*a saliency map \{data, height, width, target\}, but is Object/],
      [zeros([2, 2]), /^maxSensitivity: maps\[0\] must be .*a saliency map/],
      [{...map, data: Float32Array.of(1, NaN, 0, 0)}, /^maxSensitivity: maps\[0\] must have finite values, but is NaN at index 1/],
    ] as const) {
      await expect(maxSensitivity(x, given, {maps: [wrong as SaliencyMap]})).rejects.toThrow(message);
    }
    await expect(maxSensitivity(x, given, {maps: [map, map]})).rejects.toThrow('there are 2 maps for 1 images');
    expect(asked).toHaveLength(3);
  });

  it('does not divide by a map of zeros', async () => {
    let calls = 0;
    expect(
      (
        await maxSensitivity(
          x,
          explainerOf(() => (calls++ === 0 ? [0, 0] : [0, 2])),
        )
      ).sensitivity,
    ).toBe(2);
  });

  it('keeps class and seed, and takes several images', async () => {
    const asked: (ExplainerOptions & SeedOptions)[] = [];
    const results = await maxSensitivity(
      [x, x],
      explainerOf((values) => [...values], asked),
      {numSamples: 2, seed: 4},
    );
    expect(asked.map(({target}) => target)).toEqual(['argmax', 2, 2, 'argmax', 2, 2]);
    expect(asked.every(({seed}) => seed === 4)).toBe(true);
    expect(results[0]).toEqual(results[1]);
    asked.length = 0;
    const records: Progress[] = [];
    await maxSensitivity(
      [x, x],
      explainerOf((values) => [...values], asked),
      {numSamples: 1, target: {perImage: [0, 1]}, onProgress: (progress) => records.push(progress)},
    );
    expect(asked.map(({target}) => target)).toEqual([0, 0, 1, 1]);
    expect(records).toEqual([1, 2].map((done) => ({stage: 'maxSensitivity', done, total: 2})));
  });

  it('refuses pictures, several images in one tensor, other sizes and NaN', async () => {
    await expect(
      maxSensitivity(
        {data: new Uint8Array(12), height: 2, width: 2} as never,
        explainerOf(() => [1]),
      ),
    ).rejects.toThrow(TypeError);
    await expect(
      maxSensitivity(
        zeros([2, 2, 2, 1]) as Tensor4D,
        explainerOf(() => [1]),
      ),
    ).rejects.toThrow(/pass several as an array/);
    let size = 1;
    await expect(
      maxSensitivity(
        x,
        explainerOf(() => new Array<number>(size++).fill(1)),
      ),
    ).rejects.toThrow(/have 1 and 2 values/);
    await expect(
      maxSensitivity(
        x,
        explainerOf(() => [NaN]),
      ),
    ).rejects.toThrow(/'test' must give finite maps, but gave NaN at index 0/);
    const asked: ExplainerOptions[] = [];
    await expect(
      maxSensitivity(
        tensor4d([1, NaN, 0, 0], [1, 2, 2, 1]),
        explainerOf(() => [1], asked),
      ),
    ).rejects.toThrow('maxSensitivity: images must be finite, but hold NaN');
    expect(asked).toHaveLength(0);
    await expect(
      maxSensitivity(
        [x],
        explainerOf(() => [1]),
        {target: {perImage: [1, 2]}},
      ),
    ).rejects.toThrow(/there are 2 for 1 images/);
  });
});

describe('metrics that ask a model or an explainer', () => {
  const explainer = explainerOf((values) => [...values]);
  it.each<[string, (signal?: AbortSignal, model?: ScoreFn | LayersModel) => Promise<unknown>]>([
    ['confidenceChange', (signal, model = classifierOnce()) => confidenceChange([image, image], [map, map], model, {batchSize: 1, signal})],
    ['muFidelity', (signal, model = classifierOnce()) => muFidelity(image, map, model, {numSamples: 20, batchSize: 3, signal})],
    [
      'maxSensitivity',
      (signal, model) =>
        maxSensitivity(image, model === undefined ? explainer : {...explainer, explain: () => Promise.reject(new Error('out of order'))}, {
          signal,
        }),
    ],
  ])('%s changes no argument and leaks nothing, aborted and failing too', async (_, run) => {
    const kept = [[...(await image.data())], [...(await map.data())]];
    classifierOnce();
    await expectNoLeak(() => run());
    const failing: ScoreFn = () => {
      throw new Error('out of order');
    };
    await expectNoLeak(() => expect(run(undefined, failing)).rejects.toThrow('out of order'));
    const controller = new AbortController();
    const reason = new Error('enough');
    await expectNoLeak(async () => {
      const stopped = run(controller.signal);
      setTimeout(() => controller.abort(reason), 0);
      await stopped.then(
        () => controller.abort(reason),
        (error) => expect(error).toBe(reason),
      );
    });
    await expectNoLeak(() => expect(run(controller.signal)).rejects.toBe(reason));
    expect([[...(await image.data())], [...(await map.data())]]).toEqual(kept);
  });

  const image = photo(1);
  const map = tidy(() => mul(saliency(2), 3)) as Tensor2D;
  let known: LayersModel | undefined;
  function classifierOnce(): LayersModel {
    return (known ??= classifier());
  }
});
