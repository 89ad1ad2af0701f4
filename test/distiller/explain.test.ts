/** explain(): what its maps say besides their values, and which target is reported. */
import '../helpers/use-wasm.js';
import {mul, tensor4d, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {contrast} from '../../src/core/contrast.js';
import {mapsOf} from '../../src/distiller/explain/draw-maps.js';
import {AttentiveDistiller, residualStudent, type Progress, paperMethod} from '../../src/index.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {patchBatch, patchTeacher} from '../helpers/patch-world.js';

let model: LayersModel;
let images: Tensor4D;
let distiller: AttentiveDistiller;

beforeAll(async () => {
  model = patchTeacher();
  images = patchBatch(0, 3).images;
  distiller = await AttentiveDistiller.create({...paperMethod(), teacher: model, seed: 3});
  await distiller.explain(images); // What is compiled once stays.
});

afterAll(() => {
  for (const each of [model, images, distiller]) each.dispose();
});

describe('the options of a map', () => {
  it('are all those in force', async () => {
    const [map] = await distiller.explain(images);
    expect(map!.options).toEqual({target: 'argmax', batchSize: 16, compile: true, score: true, workers: 0});
    const [other] = await distiller.explain(images, {target: [2, 1], batchSize: 2, compile: false});
    expect(other!.options).toEqual({target: [2, 1], batchSize: 2, compile: false, score: true, workers: 0});
  });

  it('hold no target where none is reported', async () => {
    const [map] = await distiller.explain(images, {score: false});
    expect(map!.options).toEqual({batchSize: 16, compile: true, score: false, workers: 0});
  });

  it('hold no seed: nothing is random, so the one of a comparison is not looked at', async () => {
    const [[plain], [seeded]] = [await distiller.explain(images), await distiller.explain(images, {seed: 5})];
    expect(seeded).toEqual(plain);
    expect(seeded!.seed).toBe(3);
  });
});

describe('the target of explain()', () => {
  it('may be a class for each image, whatever the batch size', async () => {
    const classes = await distiller.explain(images, {target: [0, 1, 2]});
    const scores = [2, 0, 1].map((each, image) => classes[3 * image + each]!.score);
    for (const batchSize of [1, 2, 16]) {
      const maps = await distiller.explain(images, {target: {perImage: [2, 0, 1]}, batchSize});
      expect(maps.map(({target}) => target)).toEqual([2, 0, 1]);
      expectClose(
        maps.map(({score}) => score),
        scores,
        {abs: 1e-6},
      );
    }
  });

  it('may be a function of the logits, whose value is then the score', () =>
    expectNoLeak(async () => {
      const classes = await distiller.explain(images, {target: [0, 1]});
      // z₀ − z₁ is log p₀ − log p₁.
      const expected = [0, 2, 4].map((at) => Math.log(classes[at]!.score / classes[at + 1]!.score));
      for (const options of [{}, {compile: false}, {batchSize: 2}]) {
        const maps = await distiller.explain(images, {target: contrast(0, 1), ...options});
        expect(maps.map(({target}) => target)).toEqual([-1, -1, -1]);
        expect(maps[0]!.options).toMatchObject({target: 'function'});
        expectClose(
          maps.map(({score}) => score),
          expected,
          {abs: 1e-4},
        );
        expectClose(maps[1]!.data, classes[2]!.data, {abs: 1e-4});
      }
    }));

  it('may be a side of a teacher with one output', async () => {
    const teacher = {name: 'one', inputShape: [16, 24, 3] as const, numClasses: 1, logits: () => Promise.reject(new Error()) as never};
    const made = await AttentiveDistiller.create({...paperMethod(), teacher, student: residualStudent({depth: 18, width: 4}), seed: 1});
    const [no] = await made.explain(images, {target: {kind: 'binary', positive: false}});
    const [yes] = await made.explain(images, {target: {kind: 'binary', positive: true}});
    expect([no!.target, yes!.target]).toEqual([0, 1]);
    expect(no!.score + yes!.score).toBeCloseTo(1, 6);
    made.dispose();
  });

  it.each<[string, unknown, RegExp]>([
    ['a class too many', 3, /^explain: target must be a whole number from 0 to 2, but is 3/],
    ['a text', 'argmin', /^explain: target must be 'argmax', .*, but is "argmin"/],
    ['no class at all', [], /^explain: target must be .*, but is \[\]/],
    ['classes for other images', {perImage: [1]}, /^explain: target.perImage must be one class for each image, but there are 1 for 3/],
    ['a side of three classes', {kind: 'binary', positive: true}, /^explain: target must be a class from 0 to 2/],
    ['a function that gives no tensor', () => 1, /^explain: target must return a tensor \[N\].*returned 1/],
    ['a function that gives too many values', (logits: Tensor4D) => logits, /^explain: target must return a tensor \[N\].*\[3, 3\]/],
  ])('is refused if it is %s', (_, target, message) =>
    expectNoLeak(async () => {
      await expect(distiller.explain(images, {target: target as never})).rejects.toThrow(message);
    }),
  );
});

describe('explain()', () => {
  it('refuses images that are not finite', () =>
    expectNoLeak(async () => {
      for (const factor of [NaN, Infinity]) {
        const poisoned = mul<Tensor4D>(images, factor);
        await expect(distiller.explain(poisoned)).rejects.toThrow(RangeError);
        await expect(distiller.explain(poisoned, {score: false})).rejects.toThrow(/^explain: images must be finite/);
        poisoned.dispose();
      }
    }));

  it('says how far it is', async () => {
    const seen: Progress[] = [];
    await distiller.explain(images, {batchSize: 2, onProgress: (progress) => seen.push(progress)});
    expect(seen).toEqual([
      {stage: 'explain', done: 2, total: 3},
      {stage: 'explain', done: 3, total: 3},
    ]);
  });

  it('lets timers run between batches, and stops when told to', async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const many = tensor4d(new Float32Array(40 * 16 * 24 * 3), [40, 16, 24, 3]);
    await distiller.explain(many, {batchSize: 1});
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(2);
    await expect(distiller.explain(many, {batchSize: 1, signal: AbortSignal.timeout(5)})).rejects.toThrow(/timeout/);
    many.dispose();
  });
});

describe('the map of a drawn image', () => {
  const drawn = (pixels: number[]): Parameters<typeof mapsOf>[0] => ({
    height: 1,
    width: 4,
    pixels: [Float32Array.from(pixels)],
    scores: undefined,
  });
  const settings = {seed: 0, target: undefined, options: {}};

  it('is empty, and zeros, where all values are equal to rounding', async () => {
    const half = 0.5 + 2 ** -24;
    const [flat, faint] = await mapsOf({...drawn([0.5, half, 0.5, half, 1e-8, 3e-8, 2e-8, 1e-8]), width: 4}, settings, 0);
    expect(flat).toMatchObject({empty: true, data: new Float32Array(4)});
    // Faint is not flat.
    expect(faint).toMatchObject({empty: false, data: Float32Array.from([1e-8, 3e-8, 2e-8, 1e-8])});
  });

  it('is refused where a value is not finite', async () => {
    await expect(mapsOf(drawn([0, NaN, 0, 0]), settings, 0)).rejects.toThrow(/^explain: the map must have finite values, but has NaN/);
  });
});
