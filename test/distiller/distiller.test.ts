import '../helpers/use-wasm.js';
import {memory, mul, squeeze, tidy, zeros, type Tensor3D, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import type {Sequential} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {
  AttentiveDistiller,
  AttentiveError,
  DisposedError,
  FlatMapError,
  NonFiniteLossError,
  constantSchedule,
  cosineSchedule,
  insertionScore,
  paperTraining,
  randomMap,
  residualStudent,
  teacherFromLayersModel,
  type SaliencyMap,
  type TrainingProgress,
  paperMethod,
} from '../../src/index.js';
import {evidenceShare} from '../../src/metrics/of-map/evidence-share.js';
import {checkNotFlat} from '../../src/distiller/train/map-statistics.js';
import {patience} from '../helpers/environment.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {hashWeights} from '../helpers/hash.js';
import {HEIGHT, WIDTH, onPatch, patchBatch, patchImage, patchTeacher} from '../helpers/patch-world.js';
import {temporaryStore} from '../helpers/temporary-store.js';

const TRAIN = 96;
const BATCH = 16;
const batches = function* (): Generator<{images: Tensor4D; labels: number[]}> {
  for (let from = 0; from < TRAIN; from += BATCH) {
    const batch = patchBatch(from, BATCH);
    yield batch;
    batch.images.dispose();
  }
};
const settings = {epochs: {student: 1, explanation: 12}, lambda: 1e-5, learningRate: {explanation: 2e-3}};

let model: Sequential;
let distiller: AttentiveDistiller;
let hashBefore: string;
const records: TrainingProgress[] = [];

beforeAll(async () => {
  model = patchTeacher();
  hashBefore = await hashWeights(model);
  distiller = await AttentiveDistiller.create({...paperMethod(), teacher: model, seed: 7});
  await distiller.train(batches, {...settings, onProgress: (record) => records.push(record)});
}, patience);

afterAll(() => {
  distiller.dispose();
  model.dispose();
});

const unseen = Array.from({length: 12}, (_, index) => patchImage(1000 + index));
const explainUnseen = async (options = {}): Promise<SaliencyMap[]> => {
  const {images} = patchBatch(1000, unseen.length);
  const maps = await distiller.explain(images, options);
  images.dispose();
  return maps;
};

describe('a trained distiller', () => {
  it('puts its maps on the patch that decides, many times more than chance', async () => {
    const maps = await explainUnseen();
    const shares = maps.map((map, index) =>
      evidenceShare(
        map,
        Uint8Array.from(map.data, (_, pixel) => Number(onPatch(unseen[index]!, pixel))),
      ),
    );
    const mean = shares.reduce((sum, {ratio}) => sum + ratio, 0) / shares.length;
    expect(mean).toBeGreaterThan(4);
    expect(maps.every(({data}) => data.every((value) => value >= 0 && value <= 1))).toBe(true);
  });

  it('names the class, its score, the method and the seed', async () => {
    const maps = await explainUnseen();
    expect(maps.map(({target}) => target)).toEqual(unseen.map(({label}) => label));
    expect(maps[0]).toMatchObject({height: HEIGHT, width: WIDTH, method: 'attentive-distiller', seed: 7, empty: false});
    expect(maps[0]!.score).toBeGreaterThan(0.5);
  });

  it('reports any class that is asked for, with the same map', async () => {
    const {images} = patchBatch(1000, 2);
    const maps = await distiller.explain(images, {target: [2, 0]});
    expect(maps.map(({target}) => target)).toEqual([2, 0, 2, 0]);
    expect(maps[1]!.data).toEqual(maps[0]!.data);
    await expect(distiller.explain(images, {target: 3})).rejects.toThrow(/from 0 to 2/);
    images.dispose();
  });

  it('beats a random map on insertion', async () => {
    const maps = await explainUnseen();
    const {images} = patchBatch(1000, unseen.length);
    const random = unseen.map((_, index) => randomMap({height: HEIGHT, width: WIDTH, seed: index}));
    const score = async (of: readonly SaliencyMap[]): Promise<number> =>
      (await insertionScore(images, of, model, {stepSize: 16})).reduce((sum, {auc}) => sum + auc, 0) / of.length;
    expect(await score(maps)).toBeGreaterThan((await score(random)) + 0.1);
    images.dispose();
  });

  it('gives the same maps for any batch size, one image or many', async () => {
    const all = await explainUnseen();
    for (const batchSize of [1, 5]) {
      const again = await explainUnseen({batchSize});
      again.forEach((map, index) => {
        expectClose(map.data, all[index]!.data, {abs: 1e-5});
      });
    }
    const single = patchBatch(1003, 1);
    const single3d = squeeze<Tensor3D>(single.images, [0]);
    const [map] = await distiller.explain(single3d);
    single3d.dispose();
    expectClose(map!.data, all[3]!.data, {abs: 1e-5});
    single.images.dispose();
  });

  it('left the teacher as it was', async () => {
    expect(await hashWeights(model)).toBe(hashBefore);
    expect(model.layers.every((layer) => layer.trainable)).toBe(true);
  });

  it('reported every loss part, the maps, the speed, and how far it was', () => {
    const first = records.find(({stage}) => stage === 'explanation')!;
    expect(Object.keys(first.losses).sort()).toEqual(['area', 'fidelity', 'total']);
    expect(Object.keys(records[0]!.losses).sort()).toEqual(['hard', 'soft', 'total']);
    expect(records[0]!.meanIntensity).toBeNull();
    expect(first.meanIntensity).toBeGreaterThan(0.2);
    expect(first.meanIntensity).toBeLessThan(0.8);
    expect(first.spatialVariance).toBeGreaterThan(1e-5);
    expect(first.imagesPerSecond).toBeGreaterThan(0);
    expect(records.map(({done}) => done)).toEqual(records.map((_, index) => index + 1));
    expect(records.at(-1)!.total).toBe(records.length);
    expect(records.at(-1)!.losses['total']).toBeLessThan(first.losses['total']!);
  });

  it('evaluates: agreement, accuracy, KL, insertion above deletion', async () => {
    const evaluation = await distiller.evaluate(batches, {stepSize: 32});
    expect(evaluation.images).toBe(TRAIN);
    expect(evaluation.agreement).toBeGreaterThan(0.95);
    expect(evaluation.teacherAccuracy).toBe(1);
    expect(evaluation.studentAccuracy).toBeGreaterThan(0.95);
    expect(evaluation.meanKL).toBeLessThan(0.2);
    expect(evaluation.insertion!).toBeGreaterThan(evaluation.deletion!);
    expect(evaluation.emptyMaps).toBe(0);
  });

  it('leaves no tensor behind: explain, evaluate, fit, also when aborted or left', () =>
    expectNoLeak(async () => {
      await explainUnseen();
      const one = patchBatch(0, 8);
      await distiller.evaluate([one], {causal: false});
      for await (const record of distiller.fit([one, one], {...settings, epochs: 1})) if (record.done === 3) break;
      const controller = new AbortController();
      const stopped = distiller.train([one, one], {
        ...settings,
        epochs: 1,
        signal: controller.signal,
        onProgress: () => controller.abort(new Error('enough')),
      });
      await expect(stopped).rejects.toThrow('enough');
      await expect(distiller.explain(one.images, {signal: controller.signal})).rejects.toThrow('enough');
      one.images.dispose();
      await explainUnseen(); // Training frees the compiled networks, which were there before.
    }));
});

describe('saving and loading', async () => {
  const store = await temporaryStore();
  afterAll(store.remove);

  it('gives maps that are equal bit for bit', () =>
    expectNoLeak(async () => {
      const url = store.url('explainer');
      await distiller.save(url);
      const again = await AttentiveDistiller.load(url, {teacher: model});
      const {images} = patchBatch(1000, 4);
      const [expected, actual] = [await distiller.explain(images), await again.explain(images)];
      expect(actual).toEqual(expected);
      images.dispose();
      again.dispose();
      again.dispose();
    }));

  it('with a student of its own, refuses a teacher whose logits differ by a tenth, and takes one that differs by the rounding of a backend', () =>
    expectNoLeak(async () => {
      const url = store.url('residual');
      const residual = await AttentiveDistiller.create({teacher: model, student: residualStudent({depth: 18, width: 2})});
      await residual.save(url);
      residual.dispose();
      const louder = async (factor: number, hidden = false): Promise<AttentiveDistiller> => {
        const other = patchTeacher();
        const head = other.layers.at(-1)!;
        const weights = tidy(() => head.getWeights().map((weight) => mul(weight, factor)));
        head.setWeights(weights);
        weights.forEach((weight) => weight.dispose());
        const {name, inputShape, numClasses, logits} = teacherFromLayersModel(other);
        return AttentiveDistiller.load(url, {teacher: hidden ? {name, inputShape, numClasses, logits} : other}).finally(() =>
          other.dispose(),
        );
      };
      await expect(louder(1.1)).rejects.toThrow(AttentiveError);
      await expect(louder(1.1)).rejects.toThrow(
        /^AttentiveDistiller.load: the saved explainer belongs to teacher 'patch_teacher', whose logits/,
      );
      // A teacher whose weights can be read is told apart by them, any other by what it answers.
      await expect(louder(1.000001)).rejects.toThrow(/whose weights are not those of 'patch_teacher', though both answer alike/);
      (await louder(1.005, true)).dispose();
      await expect(louder(1.1, true)).rejects.toThrow(/whose logits/);
    }));

  it('names the preprocessing when that is what differs', () =>
    expectNoLeak(async () => {
      const url = store.url('preprocessed');
      const distilled = await AttentiveDistiller.create({teacher: model, preprocessing: 'tf'});
      await distilled.save(url);
      distilled.dispose();
      await expect(AttentiveDistiller.load(url, {teacher: model, preprocessing: 'unit'})).rejects.toThrow(
        /belongs to teacher 'patch_teacher' with the preprocessing {"scale":0.00784.*,"mean":1,"std":1}, but the same network came with {"scale":0.0039.*Pass the preprocessing that it was distilled with/,
      );
      await expect(AttentiveDistiller.load(url, {teacher: model, preprocessing: {...TF, channelOrder: 'bgr'}})).rejects.toThrow(/bgr/);
      // The same by value, and no pictures at all.
      (await AttentiveDistiller.load(url, {teacher: model, preprocessing: {...TF, mean: [1, 1, 1], fit: 'crop'}})).dispose();
      (await AttentiveDistiller.load(url, {teacher: model})).dispose();
    }));

  it('refuses another teacher and a folder that holds no explainer', () =>
    expectNoLeak(async () => {
      const url = store.url('explainer');
      const other = patchTeacher();
      const weights = other.getWeights();
      const doubled = tidy(() => weights.map((weight) => mul(weight, 2)));
      other.setWeights(doubled);
      doubled.forEach((weight) => weight.dispose());
      await expect(AttentiveDistiller.load(url, {teacher: other})).rejects.toThrow(/another teacher|belongs to teacher 'patch_teacher'/);
      await expect(AttentiveDistiller.load(store.url('nothing'), {teacher: model})).rejects.toThrow(/nothing/);
      expect(await store.has('nothing')).toBe(false);
      other.dispose();
    }));
});

const TF = {scale: 1 / 127.5, mean: 1, std: 1};

describe('the same seed', () => {
  const short = async (seed: number): Promise<Float32Array> => {
    const made = await AttentiveDistiller.create({...paperMethod(), teacher: model, seed});
    const batch = patchBatch(0, 8);
    await made.train([batch], {epochs: 1, lambda: 1e-4});
    const [map] = await made.explain(batch.images);
    batch.images.dispose();
    made.dispose();
    return map!.data;
  };
  it('gives the same map, another one another', async () => {
    const [a, b, c] = [await short(1), await short(1), await short(2)];
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
  });
});

describe('other ways to train', () => {
  it('jointly, with SGD, a residual student and the student as scorer', () =>
    expectNoLeak(async () => {
      const made = await AttentiveDistiller.create({
        ...paperMethod(),
        teacher: model,
        student: residualStudent({depth: 18, width: 4}),
        seed: 3,
      });
      const batch = patchBatch(0, 8);
      const losses: number[] = [];
      const options = {mode: 'joint', optimizer: 'sgd', scorer: 'student', epochs: 12, learningRate: 0.02, lambda: 1e-5} as const;
      await made.train([batch], {
        ...options,
        onProgress: ({losses: {total}, stage}) => {
          expect(stage).toBe('joint');
          losses.push(total!);
        },
      });
      expect(losses.at(-1)).toBeLessThan(losses[0]! * 0.8);
      batch.images.dispose();
      made.dispose();
    }));

  it('with validation after every epoch, on images that are not trained on', async () => {
    const made = await AttentiveDistiller.create({...paperMethod(), teacher: model, seed: 3});
    const [train, validation] = [patchBatch(0, 8), patchBatch(500, 8)];
    const kinds: string[] = [];
    await made.train([train], {epochs: 1, validation: [validation], onProgress: ({stage, kind}) => kinds.push(`${stage} ${kind}`)});
    expect(kinds).toEqual(['student step', 'student validation', 'explanation step', 'explanation validation']);
    for (const {images} of [train, validation]) images.dispose();
    made.dispose();
  });

  it('with a blurred image where nothing is shown, which keeps more than zeros', async () => {
    const batch = patchBatch(0, 8);
    const fidelity = async (fill: 'zeros' | 'blur'): Promise<number> => {
      const made = await AttentiveDistiller.create({...paperMethod(), teacher: model, seed: 3});
      const {stages} = await made.train([batch], {epochs: {student: 0, explanation: 1}, fill});
      made.dispose();
      return stages[0]!.losses['fidelity']!;
    };
    // Blurring spreads the patch but keeps its colour, so less is lost than with zeros.
    expect(await fidelity('blur')).toBeLessThan(0.8 * (await fidelity('zeros')));
    batch.images.dispose();
  });

  it('at a rate that rises, then falls to 0', () => {
    expectClose(
      [0.05, 0.1, 1, 2].map((epoch) => cosineSchedule(epoch, 2)),
      [(0.5 * (1 + Math.cos(Math.PI / 40))) / 2, (1 + Math.cos(Math.PI / 20)) / 2, 0.5, 0],
      {abs: 1e-9},
    );
    expect(constantSchedule(1, 3)).toBe(1);
  });

  it("by the paper's schedule", () => {
    const {schedule, epochs, optimizer} = paperTraining();
    const {student, explanation} = schedule as {
      student: (epoch: number, epochs: number) => number;
      explanation: (epoch: number, epochs: number) => number;
    };
    expect(optimizer).toBe('sgd');
    expect(epochs).toEqual({student: 190, explanation: 16});
    expectClose(
      [0, 99, 100, 130, 160, 189].map((epoch) => student(epoch, 190)),
      [1, 1, 0.1, 0.01, 0.001, 0.001],
      {rel: 1e-9},
    );
    expectClose(
      [0, 9, 10, 12, 14, 15].map((epoch) => explanation(epoch, 16)),
      [1, 1, 0.1, 0.01, 0.001, 0.001],
      {rel: 1e-9},
    );
  });
});

describe('what a distiller refuses', () => {
  it('maps that collapse: far too large a λ ends with advice', () =>
    expectNoLeak(async () => {
      const made = await AttentiveDistiller.create({...paperMethod(), teacher: model, seed: 1});
      const batch = patchBatch(0, 8);
      const run = made.train(
        Array.from({length: 30}, () => batch),
        {epochs: {student: 0, explanation: 3}, lambda: 1, learningRate: 0.03},
      );
      await expect(run).rejects.toThrow(FlatMapError);
      await expect(run).rejects.toThrow(/smaller lambda/);
      batch.images.dispose();
      made.dispose();
    }));

  it('maps that are flat, saying on which side they fell', () => {
    const flat = (meanIntensity: number): {meanIntensity: number; spatialVariance: number} => ({meanIntensity, spatialVariance: 1e-7});
    expect(() => {
      checkNotFlat([flat(0.98), flat(1)], 1e-5);
    }).toThrow(/mean 0.990.*larger lambda/);
    expect(() => {
      checkNotFlat([flat(0.01)], 1e-5);
    }).toThrow(/smaller lambda/);
    checkNotFlat([flat(0.98), {meanIntensity: 0.9, spatialVariance: 1e-3}], 1e-5);
  });

  it('images and losses that are not finite', () =>
    expectNoLeak(async () => {
      const made = await AttentiveDistiller.create({...paperMethod(), teacher: model, seed: 1});
      const batch = patchBatch(0, 8);
      const poisoned = mul<Tensor4D>(batch.images, NaN);
      await expect(made.train([{images: poisoned}], {epochs: 1})).rejects.toThrow(/must be finite.*normalised/);
      const diverging = made.train([batch, batch, batch], {epochs: 1, learningRate: 1e37});
      await expect(diverging).rejects.toThrow(NonFiniteLossError);
      await expect(diverging).rejects.toThrow(/student network diverged at .*epoch 1.*learningRate/);
      poisoned.dispose();
      batch.images.dispose();
      made.dispose();
    }));

  it('a second run at once, use after dispose', async () => {
    const made = await AttentiveDistiller.create({...paperMethod(), teacher: model, seed: 1});
    const batch = patchBatch(0, 4);
    const run = made.fit([batch], {epochs: 1});
    await run.next();
    await expect(made.fit([batch]).next()).rejects.toThrow(/training run is active/);
    await run.return({steps: 0, seconds: 0, stages: [], warnings: []});
    made.dispose();
    made.dispose();
    await expect(made.explain(batch.images)).rejects.toThrow(DisposedError);
    await expect(made.evaluate([batch])).rejects.toThrow('AttentiveDistiller.evaluate was called after dispose()');
    batch.images.dispose();
  });

  it('dispose() while something is under way: that stops with a DisposedError, and everything is freed', async () => {
    const {images, labels} = patchBatch(0, 24);
    const batches = Array.from({length: 20}, () => ({images, labels}));
    const works: Readonly<Record<string, (made: AttentiveDistiller, onProgress: () => void) => Promise<unknown>>> = {
      explain: (made, onProgress) => made.explain(images, {batchSize: 1, onProgress}),
      refine: (made, onProgress) => made.explain(images, {batchSize: 2, refine: 3, onProgress}),
      evaluate: (made, onProgress) => made.evaluate(batches, {causal: false, onProgress}),
      train: (made, onProgress) => made.train(batches, {epochs: 1, onProgress}),
      fit: async (made, onProgress) => {
        const run = made.fit(batches, {epochs: 1});
        while ((await run.next()).done !== true) onProgress();
      },
    };
    for (const [name, work] of Object.entries(works)) {
      await expectNoLeak(async () => {
        const made = await AttentiveDistiller.create({teacher: model, seed: 1});
        let reports = 0;
        const onProgress = (): void => {
          if (++reports === 2) made.dispose();
        };
        await expect(work(made, onProgress), name).rejects.toThrow(DisposedError);
        expect(reports, name).toBe(2);
        await expect(made.explain(images), name).rejects.toThrow(/explain was called after dispose/);
      });
    }
    await expectNoLeak(async () => {
      // A save is brought to its end.
      const store = await temporaryStore();
      const made = await AttentiveDistiller.create({teacher: model, seed: 1});
      const saving = made.save(store.url('last'));
      made.dispose();
      await saving;
      (await AttentiveDistiller.load(store.url('last'), {teacher: model})).dispose();
      await store.remove();
    });
    images.dispose();
  });

  it('images of another size, naming both', async () => {
    const made = await AttentiveDistiller.create({...paperMethod(), teacher: model});
    const wrong = zeros([1, 8, 8, 3]) as Tensor4D;
    await expect(made.explain(wrong)).rejects.toThrow(/\[1, 8, 8, 3\]/);
    wrong.dispose();
    made.dispose();
  });

  it('a generator that is used up after one epoch', async () => {
    const made = await AttentiveDistiller.create({...paperMethod(), teacher: model, seed: 1});
    await expect(made.train(batches(), {epochs: 2})).rejects.toThrow(/Pass a function/);
    made.dispose();
  });

  it('a teacher without a copyable graph, unless another student is chosen', () =>
    expectNoLeak(async () => {
      const wrapped = {
        ...teacherFromLayersModel(model),
        model: undefined,
        logits: (images: Tensor4D): Tensor2D => teacherFromLayersModel(model).logits(images),
      };
      await expect(AttentiveDistiller.create({...paperMethod(), teacher: wrapped})).rejects.toThrow(/residualStudent/);
      const made = await AttentiveDistiller.create({...paperMethod(), teacher: wrapped, student: residualStudent({depth: 18, width: 4})});
      made.dispose();
    }));
});

it('nothing of all this is left once everything is disposed', () => {
  const others = memory().numTensors - distillerTensors();
  expect(others).toBe(model.weights.length);
});

function distillerTensors(): number {
  const before = memory().numTensors;
  distiller.dispose();
  const held = before - memory().numTensors;
  return held > 0 ? held : 0;
}
