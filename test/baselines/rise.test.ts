import {
  fill,
  mean,
  mul,
  reshape,
  sigmoid,
  slice,
  stack,
  sum,
  tensor2d,
  tensor3d,
  tidy,
  zeros,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {layers, sequential, type LayersModel, type Sequential} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {drawMaskGrids} from '../../src/baselines/rise/masks.js';
import {rise, riseExplainer, type RiseMap} from '../../src/baselines/rise/rise.js';
import type {RiseOptions, RiseVariant} from '../../src/baselines/rise/options.js';
import type {Progress, ScoreFn} from '../../src/core/types.js';
import {teacherFromLayersModel} from '../../src/models/teacher-from-layers-model.js';
import {correlation} from '../helpers/correlation.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {hashWeights} from '../helpers/hash.js';
import {HEIGHT, onPatch, patchImage, patchTeacher, WIDTH} from '../helpers/patch-world.js';

// One column: the mean of a patch at rows 2–5, columns 9–13 of images of 12×18, in all channels.
const patchMean: ScoreFn = (batch) => tidy(() => reshape(mean(slice(batch, [0, 2, 9, 0], [-1, 4, 5, -1]), [1, 2, 3]), [-1, 1]) as Tensor2D);
const onMeanPatch = (pixel: number): boolean => {
  const [y, x] = [Math.floor(pixel / 18), pixel % 18];
  return y >= 2 && y < 6 && x >= 9 && x < 14;
};
const white = (channels = 1): Tensor3D => fill([12, 18, channels], 1) as Tensor3D;
const averageOf = ({data}: RiseMap, inside: (pixel: number) => boolean): number => {
  const chosen = data.filter((_, pixel) => inside(pixel));
  return chosen.reduce((total, value) => total + value, 0) / chosen.length;
};
const smallOptions: RiseOptions = {numMasks: 60, gridSize: 4};
describe('rise', () => {
  let teacher: Sequential;
  let image: Tensor3D;
  const truth = patchImage(0);
  beforeAll(() => {
    teacher = patchTeacher();
    image = tensor3d(truth.data, [HEIGHT, WIDTH, 3]);
  });
  afterAll(() => {
    teacher.dispose();
    image.dispose();
  });

  it('puts its mass on the patch that a model looks at, in images of any number of channels', async () => {
    for (const channels of [1, 3, 5]) {
      const [map] = await rise(white(channels), patchMean, {numMasks: 1500, gridSize: 5, target: 1});
      const [inside, outside] = [averageOf(map!, onMeanPatch), averageOf(map!, (pixel) => !onMeanPatch(pixel))];
      expect(inside).toBeGreaterThan(1.2 * outside);
      expect(onMeanPatch(map!.data.indexOf(Math.max(...map!.data)))).toBe(true);
      expect(map).toMatchObject({height: 12, width: 18, target: 1, method: 'rise', seed: 0, empty: false, masksUsed: 1500});
      expect(map!.score).toBeCloseTo(1, 5);
    }
  });

  it('finds the patch of an image that a network classifies', async () => {
    const [map] = await rise(image, teacher, {numMasks: 1000, gridSize: 6});
    expect(map!.target).toBe(truth.label);
    expect(onPatch(truth, map!.data.indexOf(Math.max(...map!.data)))).toBe(true);
    const [debiased] = await rise(image, teacher, {numMasks: 1000, gridSize: 6, variant: 'debiased'});
    const inside = averageOf(debiased!, (pixel) => onPatch(truth, pixel));
    expect(inside).toBeGreaterThan(4 * Math.abs(averageOf(debiased!, (pixel) => !onPatch(truth, pixel))));
    expect(map!.data.every((value) => Number.isFinite(value) && value >= 0)).toBe(true);
    expect(map!.data).toBeInstanceOf(Float32Array);
  });

  it('scales by variant: the mean score where shown, and around 0 where nothing matters', async () => {
    const maps = await Promise.all(
      (['official', 'normalized', 'debiased'] as RiseVariant[]).map(
        async (variant) => (await rise(white(), patchMean, {numMasks: 2000, gridSize: 3, target: 1, variant}))[0]!,
      ),
    );
    const [official, normalised, debiased] = maps as [RiseMap, RiseMap, RiseMap];
    // E[f] = 0.5; where the patch is not, f and M are independent.
    const far = (pixel: number): boolean => pixel % 18 === 0 || pixel >= 11 * 18;
    for (const map of [official, normalised]) expect(averageOf(map, far)).toBeCloseTo(0.5, 1);
    expect(Math.abs(averageOf(debiased, far))).toBeLessThan(0.05);
    expect(Math.max(...normalised.data)).toBeLessThan(1);
    for (const map of maps) expect(averageOf(map, onMeanPatch)).toBeGreaterThan(averageOf(map, far) + 0.1);
    expectClose(
      debiased.data,
      official.data.map((value) => value - 0.5),
      {abs: 0.02},
    );
    expect(correlation(official.data, normalised.data)).toBeGreaterThan(0.98);
  });

  it('explains all classes that are asked for in one pass', async () => {
    let calls = 0;
    const counting: ScoreFn = (batch) => (calls++, teacher.predict(batch) as Tensor2D);
    const all = await rise(image, counting, {...smallOptions, batchSize: 20, target: [2, 0, 1]});
    expect(calls).toBe(4);
    expect(all.map(({target}) => target)).toEqual([2, 0, 1]);
    for (const map of all) {
      const [alone] = await rise(image, counting, {...smallOptions, batchSize: 20, target: map.target});
      expect(map).toEqual({...alone, options: {...alone!.options, target: [2, 0, 1]}});
    }
  });

  it('explains either side of a single sigmoid', async () => {
    const model = sequential({layers: [layers.flatten({inputShape: [6, 8, 1]}), layers.dense({units: 1, activation: 'sigmoid'})]});
    // The left half speaks for the class, the right half against it.
    const weights = tensor2d(
      Float32Array.from({length: 48}, (_, pixel) => (pixel % 8 < 4 ? 0.15 : -0.15)),
      [48, 1],
    );
    model.setWeights([weights, zeros([1])]);
    const left = (pixel: number): boolean => pixel % 8 < 4;
    const run = async (positive: boolean): Promise<RiseMap> =>
      (await rise(fill([6, 8, 1], 1) as Tensor3D, model, {numMasks: 1000, gridSize: [2, 4], target: {kind: 'binary', positive}}))[0]!;
    const [positive, negative] = [await run(true), await run(false)];
    expect([positive.target, negative.target]).toEqual([1, 0]);
    expect(positive.score + negative.score).toBeCloseTo(1, 6);
    expect(averageOf(positive, left)).toBeGreaterThan(averageOf(positive, (pixel) => !left(pixel)) + 0.05);
    expect(averageOf(negative, left)).toBeLessThan(averageOf(negative, (pixel) => !left(pixel)) - 0.05);
    const column: ScoreFn = (batch) =>
      tidy(() => sigmoid(mul(0.15, reshape(sum(mul(batch, reshape(weights, [1, 6, 8, 1])), [1, 2, 3]), [-1, 1])))) as Tensor2D;
    expect(
      (await rise(fill([6, 8, 1], 1) as Tensor3D, column, {numMasks: 40, gridSize: 2, target: [0, 1]})).map(({target}) => target),
    ).toEqual([0, 1]);
    await expect(rise(fill([6, 8, 1], 1) as Tensor3D, model, {gridSize: 2, target: 2})).rejects.toThrow(
      'rise: target must be a whole number from 0 to 1, but is 2',
    );
  });

  it('gives the same for a model, its teacher, a nested model, a GraphModel and functions of either kind', async () => {
    const nested = sequential({layers: [sequential({layers: [teacher]})]});
    const predict = (batch: Tensor): Tensor => teacher.predict(batch) as Tensor;
    const asynchronous: ScoreFn = async (batch) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      const scores = (await tidy(() => predict(batch)).array()) as number[][];
      return scores.map((row) => Float32Array.from(row));
    };
    const [expected] = await rise(image, teacher, smallOptions);
    for (const model of [
      teacherFromLayersModel(teacher, {preprocessing: 'none'}),
      nested,
      {predict},
      (batch: Tensor4D) => predict(batch) as Tensor2D,
      asynchronous,
    ]) {
      const [map] = await rise(image, model, smallOptions);
      expectClose(map!.data, expected!.data, {abs: 1e-6});
      expect(map!.target).toBe(expected!.target);
    }
  });

  it('is the same for batches of 1, 7 and 100, for one seed, and for an image alone or among others', async () => {
    const [one] = await rise(image, teacher, {...smallOptions, batchSize: 1});
    for (const batchSize of [7, 100]) {
      const [map] = await rise(image, teacher, {...smallOptions, batchSize});
      // Exactly, as far as the model's scores do not depend on the batch.
      expectClose(map!.data, one!.data, {rel: 1e-6});
    }
    const [again] = await rise(image, teacher, {...smallOptions, batchSize: 1});
    expect(again!.data).toEqual(one!.data);
    const other = tensor3d(patchImage(1).data, [HEIGHT, WIDTH, 3]);
    const both = await rise([other, image], teacher, {...smallOptions, batchSize: 1});
    expect(both[1]!.data).toEqual(one!.data);
    const stacked = await rise(
      tidy(() => stack([other, image]) as Tensor4D),
      teacher,
      {...smallOptions, batchSize: 1},
    );
    expect(stacked[1]!.data).toEqual(one!.data);
    const [different] = await rise(image, teacher, {...smallOptions, seed: 1});
    expect(different!.data).not.toEqual(one!.data);
    expect(different!.seed).toBe(1);
  });

  it('does not depend on the batch at all where scores do not', async () => {
    // Scores that are whole pixels of the mask: no arithmetic that could round by batch.
    const pixel: ScoreFn = async (batch) =>
      Array.from(await tidy(() => slice(batch, [0, 4, 7, 0], [-1, 1, 1, 1])).data(), (value) => [Math.min(value, 1)]);
    const run = async (batchSize: number): Promise<Float32Array> =>
      (await rise(white(), pixel, {numMasks: 300, gridSize: 5, batchSize, target: 1}))[0]!.data;
    const expected = await run(1);
    for (const batchSize of [13, 100, 1000]) expect(await run(batchSize)).toEqual(expected);
  });

  it('takes the masks of another program', async () => {
    const size = [HEIGHT, WIDTH] as const;
    const [drawn] = await rise(image, teacher, {...smallOptions, seed: 5});
    const {gridSize, bits, shifts} = drawMaskGrids(size, {numMasks: 60, gridSize: 4, seed: 5});
    for (const masks of [
      {gridSize, bits, shifts},
      {gridSize: 4, bits: [...(bits as Uint8Array)], shifts: [...(shifts as Int32Array)]},
    ]) {
      const [given] = await rise(image, teacher, {masks});
      expect(given!.data).toEqual(drawn!.data);
      expect(given).toMatchObject({seed: null, masksUsed: 60, options: {masks: 'given', numMasks: 60, gridSize: [4, 4]}});
    }
    await expect(rise(image, teacher, {masks: {gridSize: 4, bits: bits, shifts: [99, 0]}})).rejects.toThrow(
      /there must be 16 bits and 2 shifts per mask/,
    );
    await expect(rise(image, teacher, {masks: {gridSize, bits, shifts}, numMasks: 3, seed: 0})).rejects.toThrow(
      'masks cannot be combined with numMasks, seed',
    );
  });

  it('stops when stable, at the same mask for every batch size, close to the whole map', async () => {
    const options: RiseOptions = {numMasks: 3000, gridSize: 4, stopWhenStable: {every: 100, tolerance: 0.05}};
    const records: Progress[] = [];
    const [early] = await rise(image, teacher, {...options, onProgress: (record) => records.push(record)});
    const [whole] = await rise(image, teacher, {...options, stopWhenStable: false});
    expect(early!.masksUsed).toBeLessThan(2000);
    expect(early!.masksUsed % 100).toBe(0);
    expect(correlation(early!.data, whole!.data)).toBeGreaterThan(0.93);
    expect(records.at(-1)).toEqual({stage: 'rise', done: 3000, total: 3000});
    const [other] = await rise(image, teacher, {...options, batchSize: 77});
    expect(other!.masksUsed).toBe(early!.masksUsed);
    expectClose(other!.data, early!.data, {rel: 1e-6});
    // The halves are sums of the same masks: their sum is the map of as many masks without stopping.
    const [same] = await rise(image, teacher, {numMasks: early!.masksUsed, gridSize: 4});
    expectClose(early!.data, same!.data, {rel: 1e-6});
    expect(early!.options['stopWhenStable']).toEqual({every: 100, tolerance: 0.05});
    expect(whole!.masksUsed).toBe(3000);
  });

  it('uses all masks where there is nothing to find', async () => {
    const constant: ScoreFn = (batch) => Array.from({length: batch.shape[0]}, () => [0.25, 0.75]);
    for (const variant of ['official', 'normalized', 'debiased'] as const) {
      const [map] = await rise(white(), constant, {numMasks: 400, gridSize: 4, variant, stopWhenStable: {every: 50}});
      expect(map!.masksUsed).toBe(400);
    }
    const [nothing] = await rise(white(), constant, {numMasks: 40, stopWhenStable: {every: 10}, target: 0, variant: 'normalized'});
    expect(nothing!.score).toBe(0.25);
    const silent: ScoreFn = (batch) => zeros([batch.shape[0], 2]) as Tensor2D;
    const [flat] = await rise(white(), silent, {numMasks: 40, stopWhenStable: {every: 10}});
    expect(flat).toMatchObject({empty: true, score: 0, masksUsed: 40});
    expect(flat!.data).toEqual(new Float32Array(12 * 18));
  });

  it('leaves its inputs as they are and leaks nothing', async () => {
    const before = [...(await image.data())];
    const weights = await hashWeights(teacher);
    await expectNoLeak(async () => {
      await rise([image, image], teacher, {...smallOptions, batchSize: 7, target: [0, 1], stopWhenStable: true, variant: 'normalized'});
    });
    expect([...(await image.data())]).toEqual(before);
    expect(await hashWeights(teacher)).toBe(weights);
  });

  it('stops when aborted in the middle, with the reason, leaking nothing', async () => {
    const reason = new Error('enough');
    for (const start of ['at once', 'after a batch', 'by a timer']) {
      const controller = new AbortController();
      let batches = 0;
      const onProgress = (): void => {
        batches += 1;
        if (start === 'after a batch' && batches === 2) controller.abort(reason);
      };
      if (start === 'at once') controller.abort(reason);
      if (start === 'by a timer') setTimeout(() => controller.abort(reason), 1);
      await expectNoLeak(async () => {
        await expect(rise(image, teacher, {numMasks: 5000, batchSize: 2, signal: controller.signal, onProgress})).rejects.toBe(reason);
      });
      expect(batches).toBeLessThan(2500);
      if (start === 'after a batch') expect(batches).toBe(2);
    }
  });

  it('leaks nothing when the model throws or changes its mind', async () => {
    let calls = 0;
    const failing: ScoreFn = (batch) => {
      calls += 1;
      if (calls === 3) throw new Error('out of order');
      return zeros([batch.shape[0], 2]) as Tensor2D;
    };
    const growing: ScoreFn = (batch) => zeros([batch.shape[0], batch.shape[0] + 1]) as Tensor2D;
    await expectNoLeak(async () => {
      await expect(rise(image, failing, smallOptions)).rejects.toThrow('out of order');
      await expect(rise(image, growing, smallOptions)).rejects.toThrow('as many scores for every batch, but gave 17 after 2');
    });
  });

  it('reports progress over all images', async () => {
    const records: Progress[] = [];
    await rise([image, image], teacher, {numMasks: 10, gridSize: 4, batchSize: 6, onProgress: (progress) => records.push(progress)});
    expect(records).toEqual([6, 10, 16, 20].map((done) => ({stage: 'rise', done, total: 20})));
  });

  it('records the options in force, with the documented defaults', async () => {
    const [map] = await rise(fill([16, 16, 1], 1) as Tensor3D, (batch) => Array.from({length: batch.shape[0]}, () => [1, 0]));
    expect(map).toMatchObject({
      seed: 0,
      masksUsed: 4000,
      options: {
        numMasks: 4000,
        gridSize: [8, 8],
        keepProbability: 0.5,
        batchSize: 16,
        variant: 'official',
        target: 'argmax',
        fill: 'zeros',
        seed: 0,
        workers: 0,
        stopWhenStable: false,
        masks: 'drawn',
      },
    });
    const [stopping] = await rise(fill([16, 16, 1], 1) as Tensor3D, (batch) => Array.from({length: batch.shape[0]}, () => [1, 0]), {
      numMasks: 2,
      stopWhenStable: true,
    });
    expect(stopping!.options['stopWhenStable']).toEqual({every: 256, tolerance: 0.02});
    expect(JSON.parse(JSON.stringify(stopping!.options))).toEqual(stopping!.options);
  });

  it('refuses no images, and takes images of several sizes where the model does', async () => {
    await expect(rise([], teacher)).rejects.toThrow(new RangeError('rise: images must hold at least one image, but is [].'));
    const maps = await rise([white(), fill([10, 20, 1], 1) as Tensor3D], patchMean, smallOptions);
    expect(maps.map(({height, width, data}) => [height, width, data.length])).toEqual([
      [12, 18, 216],
      [10, 20, 200],
    ]);
  });

  it('takes a decoded picture through the preprocessing of a teacher, and only of a teacher', async () => {
    const picture = {data: Uint8Array.from({length: HEIGHT * WIDTH * 3}, (_, index) => (index * 37) % 256), height: HEIGHT, width: WIDTH};
    const tensor = tensor3d(
      Float32Array.from(picture.data, (value) => value / 255),
      [HEIGHT, WIDTH, 3],
    );
    const [map] = await rise(picture, teacherFromLayersModel(teacher, {preprocessing: 'unit'}), smallOptions);
    expectClose(map!.data, (await rise(tensor, teacher, smallOptions))[0]!.data, {abs: 1e-6});
    await expect(rise(picture, teacher, smallOptions)).rejects.toThrow(TypeError);
  });

  it.each<[string, RiseOptions, RegExp]>([
    ['no masks', {numMasks: 0}, /rise: numMasks must be a whole number of at least 1/],
    ['more cells than rows', {gridSize: 17}, /rise: gridSize \(rows\) must be a whole number from 1 to 16/],
    ['a probability above 1', {keepProbability: 1.5}, /rise: keepProbability/],
    ['masks that hide nothing', {keepProbability: 1}, /rise: keepProbability must be a number above 0 and below 1, but is 1/],
    ['an empty batch', {batchSize: 0}, /rise: batchSize must be a whole number of at least 1/],
    ['a seed below 0', {seed: -1}, /rise: seed/],
    ['an unknown variant', {variant: 'mean' as never}, /variant must be one of 'official', 'normalized', 'debiased'/],
    ['to look at every mask', {stopWhenStable: {every: 1}}, /stopWhenStable.every must be a whole number of at least 2/],
    ['a tolerance of 0', {stopWhenStable: {tolerance: 0}}, /stopWhenStable.tolerance/],
    ['a class that does not exist', {target: [0, 3]}, /rise: target\[1\] must be a whole number from 0 to 2/],
    ['no class', {target: []}, /rise: target must be/],
  ])('refuses %s', async (_, options, message) => {
    await expectNoLeak(async () => {
      const result = rise(image, teacher, options);
      await expect(result).rejects.toThrow(message);
      await expect(result).rejects.toThrow(RangeError);
    });
  });

  it('refuses what is no model and no rule', async () => {
    await expect(rise(image, 'model' as never)).rejects.toThrow(TypeError);
    await expect(rise(image, teacher, {stopWhenStable: 3 as never})).rejects.toThrow(TypeError);
  });
});

describe('riseExplainer', () => {
  it('draws the maps of rise; options of the call go first', async () => {
    const model: LayersModel = patchTeacher();
    const image = tensor3d(patchImage(2).data, [HEIGHT, WIDTH, 3]);
    const explainer = riseExplainer(model, {...smallOptions, seed: 3, target: 0});
    expect(explainer.method).toBe('rise');
    expect(await explainer.explain(image)).toEqual(await rise(image, model, {...smallOptions, seed: 3, target: 0}));
    expect(await explainer.explain(image, {seed: 4, target: undefined})).toEqual(
      await rise(image, model, {...smallOptions, seed: 4, target: 0}),
    );
    model.dispose();
    image.dispose();
  });
});
