/** A guided distiller that is trained on rankings: a map of its own for every class, in a world whose truth is known. */
import '../helpers/use-wasm.js';
import {dispose, tensor4d, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {contrast} from '../../src/core/contrast.js';
import {AttentiveDistiller, insertionScore, randomMap, type SaliencyMap, type TrainingProgress} from '../../src/index.js';
import {evidenceShare} from '../../src/metrics/index.js';
import {patience} from '../helpers/environment.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {HEIGHT, WIDTH, onPatch, patchBatch, patchImage, patchTeacher, type PatchImage} from '../helpers/patch-world.js';
import {temporaryStore} from '../helpers/temporary-store.js';

const form = {guidance: 'attended', objective: 'ranking'} as const;
const batches = function* (): Generator<{images: Tensor4D}> {
  for (let from = 0; from < 96; from += 16) {
    const {images} = patchBatch(from, 16);
    yield {images};
    images.dispose();
  }
};
const training = {epochs: {student: 0, explanation: 10}, learningRate: {explanation: 3e-3}};

/** Pairs of images laid over each other: two patches of two classes, apart from each other. */
function composites(): {images: Tensor4D; pairs: [PatchImage, PatchImage][]} {
  const all = Array.from({length: 60}, (_, index) => patchImage(2000 + index));
  const pairs: [PatchImage, PatchImage][] = [];
  for (let index = 0; index + 1 < all.length; index += 2) {
    const [a, b] = [all[index]!, all[index + 1]!];
    const apart = Math.abs(a.left - b.left) > 6 || Math.abs(a.top - b.top) > 6;
    if (a.label !== b.label && apart) pairs.push([a, b]);
  }
  const values = pairs.flatMap(([a, b]) =>
    Array.from(a.data, (value, place) => (onPatch(b, Math.floor(place / 3)) ? b.data[place]! : value)),
  );
  return {images: tensor4d(values, [pairs.length, HEIGHT, WIDTH, 3]), pairs};
}

/** How many times more of a map than chance lies on the patch of an image. */
function share(map: Pick<SaliencyMap, 'data' | 'height' | 'width'>, image: PatchImage): number {
  return evidenceShare(
    map,
    Uint8Array.from(map.data, (_, pixel) => Number(onPatch(image, pixel))),
  ).ratio;
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

let teacher: LayersModel;
let distiller: AttentiveDistiller;
const records: TrainingProgress[] = [];

beforeAll(async () => {
  teacher = patchTeacher();
  distiller = await AttentiveDistiller.create({teacher, ...form, seed: 7});
  await distiller.train(batches, {...training, onProgress: (record) => records.push(record)});
}, patience);
afterAll(() => {
  distiller.dispose();
  teacher.dispose();
});

describe('a guided distiller', () => {
  it('lies on the patch that decides, and ranks better than noise', async () => {
    const {images} = patchBatch(1000, 12);
    const maps = await distiller.explain(images);
    expect(meanOf(maps.map((map, index) => share(map, patchImage(1000 + index))))).toBeGreaterThan(4);
    expect(maps.every(({data}) => data.every((value) => value >= 0 && value <= 1))).toBe(true);
    expect(meanOf(maps.map(({data}) => meanOf([...data])))).toBeLessThan(0.3);
    const random = maps.map((_, index) => randomMap({height: HEIGHT, width: WIDTH, seed: index}));
    const score = async (of: readonly SaliencyMap[]): Promise<number> =>
      meanOf((await insertionScore(images, of, teacher, {stepSize: 16})).map(({auc}) => auc));
    expect(await score(maps)).toBeGreaterThan((await score(random)) + 0.1);
    images.dispose();
  });

  it('explains the class that is asked for: each of two on its own patch, and one rather than the other', async () => {
    const {images, pairs} = composites();
    expect(pairs.length).toBeGreaterThan(8);
    const ofFirst = await distiller.explain(images, {target: {perImage: pairs.map(([a]) => a.label)}});
    const ofSecond = await distiller.explain(images, {target: {perImage: pairs.map(([, b]) => b.label)}});
    const right = pairs.filter(
      ([a, b], index) => share(ofFirst[index]!, a) > share(ofFirst[index]!, b) && share(ofSecond[index]!, b) > share(ofSecond[index]!, a),
    );
    expect(right.length / pairs.length).toBeGreaterThan(0.8);
    const [[a, b]] = pairs as [[PatchImage, PatchImage]];
    const [rather] = await distiller.explain(images, {target: contrast(a.label, b.label)});
    expect(share(rather!, a)).toBeGreaterThan(share(rather!, b));
    expect(rather!.target).toBe(-1);
    images.dispose();
  });

  it('gives the same map for a class alone, in a list, per image, and for any batch size', async () => {
    const {images} = patchBatch(1000, 5);
    await expectNoLeak(async () => {
      const list = await distiller.explain(images, {target: [2, 0], batchSize: 2});
      expect(list.map(({target}) => target)).toEqual([2, 0, 2, 0, 2, 0, 2, 0, 2, 0]);
      // Two classes that are not there have the same evidence against them.
      expect(list.some(({data}, index) => index % 2 === 0 && Math.abs(data[0]! - list[index + 1]!.data[0]!) > 1e-3)).toBe(true);
      const zero = await distiller.explain(images, {target: 0, batchSize: 5});
      const each = await distiller.explain(images, {target: {perImage: [2, 0, 2, 0, 2]}, batchSize: 1});
      for (let image = 0; image < 5; image++) {
        expectClose(zero[image]!.data, list[2 * image + 1]!.data, {abs: 1e-3}, 'alone');
        expectClose(each[image]!.data, list[2 * image + (image % 2)]!.data, {abs: 1e-3}, 'per image');
      }
      const decided = await distiller.explain(images);
      const asked = await distiller.explain(images, {target: {perImage: decided.map(({target}) => target)}});
      decided.forEach(({data, score}, image) => {
        expectClose(asked[image]!.data, data, {abs: 1e-3}, 'the decision');
        expect(asked[image]!.score).toBeCloseTo(score, 5);
      });
      expect((await distiller.explain(images, {score: false})).map(({data}) => data)).toEqual(decided.map(({data}) => data));
    });
    images.dispose();
  });

  it('reports what it was trained on, with the same numbers for the same seed', async () => {
    expect(Object.keys(records[0]!.losses).sort()).toEqual(['ranking', 'total']);
    const losses = records.map((record) => record.losses['ranking']!);
    // Six steps are one pass over the images.
    expect(meanOf(losses.slice(-12))).toBeLessThan(meanOf(losses.slice(0, 6)) - 0.05);
    const again = await AttentiveDistiller.create({teacher, ...form, seed: 7});
    const some: number[] = [];
    await again.train(batches, {
      ...training,
      epochs: {student: 0, explanation: 1},
      schedule: () => 1,
      onProgress: ({losses: {ranking = NaN}}) => some.push(ranking),
    });
    expect(some[0]).toBe(losses[0]);
    again.dispose();
  });

  it('can be trained on the probabilities as they are, both halves alike', {timeout: patience}, async () => {
    const plain = await AttentiveDistiller.create({teacher, ...form, seed: 7});
    const losses: number[] = [];
    await plain.train(batches, {
      ...training,
      rankingTemperature: 1,
      deletionWeight: 1,
      onProgress: ({losses: {ranking = NaN}}) => losses.push(ranking),
    });
    plain.dispose();
    expect(meanOf(losses.slice(-12))).toBeLessThan(meanOf(losses.slice(0, 6)) - 0.1);
    expect(meanOf(losses.slice(-12))).toBeLessThan(-0.4);
  });

  it('is saved and loaded with its form, and evaluated', async () => {
    const store = await temporaryStore();
    const {images} = patchBatch(1000, 3);
    try {
      await distiller.save(store.url('guided'));
      const loaded = await AttentiveDistiller.load(store.url('guided'), {teacher});
      expect((await loaded.explain(images, {target: [0, 1]})).map(({data}) => data)).toEqual(
        (await distiller.explain(images, {target: [0, 1]})).map(({data}) => data),
      );
      const {agreement, insertion, meanIntensity} = await loaded.evaluate([{images}]);
      expect([agreement, meanIntensity < 0.3]).toEqual([1, true]);
      expect(insertion).toBeGreaterThan(0.5);
      loaded.dispose();
    } finally {
      await store.remove();
      images.dispose();
    }
  });

  it('refuses what guidance cannot do', async () => {
    const {images} = patchBatch(1000, 2);
    await expectNoLeak(async () => {
      await expect(distiller.explain(images, {compile: false})).rejects.toThrow('explain: compile must be true with guidance');
      await expect(distiller.explain(images, {workers: 1, target: contrast(0, 1)})).rejects.toThrow(
        'explain: with guidance, target must be the same classes',
      );
      await expect(distiller.explain(images, {target: 3})).rejects.toThrow(/^explain: target must be a whole number from 0 to 2, but is 3/);
      await expect(distiller.train([{images}], {mode: 'joint'})).rejects.toThrow("train: mode must be 'staged' with guidance");
    });
    dispose(images);
  });
});

it.each([
  {guidance: 'delta', objective: 'ranking', plainTaps: 1},
  {guidance: 'delta', objective: 'fidelity', plainTaps: 0},
  {guidance: 'none', objective: 'ranking', plainTaps: 0},
] as const)('%o can be trained, and leaks nothing', (method) =>
  expectNoLeak(async () => {
    const made = await AttentiveDistiller.create({teacher, ...method, seed: 3});
    const {images} = patchBatch(0, 8);
    await made.train([{images}, {images}], {epochs: {student: 1, explanation: 2}});
    const maps = await made.explain(images, {target: [0, 1]});
    expect(maps).toHaveLength(16);
    expect(maps[0]!.data.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(maps.some(({empty}) => empty)).toBe(false);
    made.dispose();
    images.dispose();
  }),
);
