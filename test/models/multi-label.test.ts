/** Classes that do not exclude each other: per-class probabilities everywhere. */
import '../helpers/use-wasm.js';
import {
  memory,
  sigmoid,
  slice,
  sum,
  tensor,
  tensor2d,
  tidy,
  type Scalar,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {layers, sequential, type LayersModel} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {
  AttentiveDistiller,
  gradCam,
  insertionScore,
  integratedGradients,
  lime,
  loadTeacher,
  meaningfulPerturbation,
  rise,
  studentFromTeacher,
  teacherFromLayersModel,
  type LoadedTeacher,
} from '../../src/index.js';
import {binaryDivergence, rankingLoss} from '../../src/losses/index.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {dataFolder, readBytes} from '../helpers/files.js';
import {expectGradient} from '../helpers/gradient-check.js';
import {patchBatch, HEIGHT, WIDTH} from '../helpers/patch-world.js';
import {temporaryStore} from '../helpers/temporary-store.js';

const folder = `${dataFolder}/keras-teachers/multi`;
const isThere = (await readBytes(`${folder}/model.json`)) !== undefined;

describe('binaryDivergence', () => {
  it('is the sum of the divergences of each class, and 0 for certain classes that agree', () =>
    expectNoLeak(async () => {
      const target = tensor2d([0.4, -2, Infinity, -Infinity], [1, 4]);
      const logits = tensor2d([-1, 0.5, Infinity, -Infinity], [1, 4]);
      const kl = binaryDivergence(target, logits);
      const p = (z: number): number => 1 / (1 + Math.exp(-z));
      const one = (a: number, b: number): number => a * Math.log(a / b) + (1 - a) * Math.log((1 - a) / (1 - b));
      expect((await kl.data())[0]).toBeCloseTo(one(p(0.4), p(-1)) + one(p(-2), p(0.5)), 5);
      [target, logits, kl].forEach((each) => each.dispose());
    }));

  it('has the right gradient', async () => {
    const target = tensor2d([0.4, -2, 1], [1, 3]);
    await expectGradient((x) => sum<Scalar>(binaryDivergence(target, x as Tensor2D)), tensor2d([1, 0.3, -1], [1, 3]), {step: 1e-2});
    target.dispose();
  });

  it('rankingLoss takes the probability of the class alone', async () => {
    const logits = tensor2d([2, 2, -1], [1, 3]);
    const {inserted} = rankingLoss(logits, logits, [1], {classes: 'independent'});
    expect((await inserted.data())[0]).toBeCloseTo(1 / (1 + Math.exp(-2)), 5);
  });
});

describe.skipIf(!isThere)('a teacher with four sigmoids', () => {
  let teacher: LoadedTeacher;
  let images: Tensor4D;
  let expected: number[][];

  beforeAll(async () => {
    const {x, y} = JSON.parse(new TextDecoder().decode((await readBytes(`${folder}/expected.json`))!)) as {
      x: [number, number, number, number];
      y: number[][];
    };
    images = tensor(new Float32Array((await readBytes(`${folder}/input.f32`))!), x) as Tensor4D;
    expected = y;
    teacher = await loadTeacher(folder, {labels: ['red', 'green', 'blue', 'yellow']});
  });
  afterAll(() => {
    teacher.dispose();
    images.dispose();
  });

  it('has independent classes, whose logits are in front of the sigmoids', async () => {
    expect(teacher.classes).toBe('independent');
    const scores = tidy(() => sigmoid(teacher.logits(images)) as Tensor);
    expectClose(await scores.data(), expected.flat(), {abs: 1e-4});
    scores.dispose();
  });

  it('is scored class by class: rows do not sum to 1', () =>
    expectNoLeak(async () => {
      const target = [0, 1, 2, 3];
      const model = teacher.model!;
      const all = [
        await rise(images, teacher, {target, numMasks: 8, seed: 1}),
        await rise(images, model, {target, numMasks: 8, seed: 1}),
        await gradCam(images, teacher, {target}),
        await integratedGradients(images, teacher, {target, numSteps: 3}),
      ];
      for (const maps of all)
        expectClose(
          Float32Array.from(maps, ({score}) => score),
          expected.flat(),
          {abs: 1e-4},
        );
      const [best] = await gradCam(images, teacher);
      expect(best!.target).toBe(expected[0]!.indexOf(Math.max(...expected[0]!)));
      const first = slice(images, 0, 1);
      const {curve} = await insertionScore(first, best!, teacher, {stepSize: 1024});
      expect(curve.at(-1)).toBeCloseTo(Math.max(...expected[0]!), 4);
      const [limed] = await lime(images, teacher, {numSamples: 20, segmenter: 'grid', seed: 1});
      expect(limed!.score).toBeCloseTo(Math.max(...expected[0]!), 4);
      const [perturbed] = await meaningfulPerturbation(images, teacher, {target: 1, numSteps: 2});
      expect(perturbed!.score).toBeCloseTo(expected[0]![1]!, 4);
      first.dispose();
    }));

  it.each([{}, {objective: 'fidelity', guidance: 'none'} as const])('is distilled: %s', {timeout: 120_000}, async (method) => {
    const store = await temporaryStore();
    const before = memory().numTensors;
    const distiller = await AttentiveDistiller.create({teacher, seed: 2, student: studentFromTeacher({initialGate: 0.98}), ...method});
    const {stages} = await distiller.train([{images}], {epochs: {student: 2, explanation: 2}});
    expect(stages[0]!.losses['soft']).toBeGreaterThan(0);
    const {agreement, meanKL} = await distiller.evaluate([{images}], {causal: false});
    expect(agreement).toBeGreaterThan(0.7);
    expect(meanKL).toBeGreaterThanOrEqual(-1e-6);
    const maps = await distiller.explain(images, {target: [0, 1, 2, 3]});
    expect(maps).toHaveLength(8);
    expectClose(
      Float32Array.from(maps, ({score}) => score),
      expected.flat(),
      {abs: 0.1},
    );
    if (!('guidance' in method)) expect(maps[0]!.data).not.toEqual(maps[1]!.data);
    const [refined] = 'guidance' in method ? [] : await distiller.explain(images, {refine: 1});
    if (refined !== undefined) expect(refined.empty).toBe(false);
    await distiller.save(store.url('multi'));
    const loaded = await AttentiveDistiller.load(store.url('multi'), {teacher});
    expect((await loaded.explain(images, {target: 2})).map(({data}) => data)).toEqual(
      (await distiller.explain(images, {target: 2})).map(({data}) => data),
    );
    loaded.dispose();
    await expect(distiller.train([{images, labels: [0, 1]}])).rejects.toThrow(
      /labels must be left out, since the classes of .* do not exclude each other/,
    );
    distiller.dispose();
    expect(memory().numTensors).toBe(before);
    await store.remove();
  });
});

describe('the kind of classes', () => {
  const make = (activation: 'linear' | 'softmax' | 'sigmoid', units: number): LayersModel =>
    sequential({layers: [layers.flatten({inputShape: [HEIGHT, WIDTH, 3]}), layers.dense({units, activation})]});

  it('is told by the model, or said where that says nothing', async () => {
    for (const [activation, units, said, found] of [
      ['sigmoid', 3, undefined, 'independent'],
      ['sigmoid', 1, undefined, 'exclusive'],
      ['softmax', 3, undefined, 'exclusive'],
      ['linear', 3, undefined, 'exclusive'],
      ['linear', 3, 'independent', 'independent'],
    ] as const) {
      const model = make(activation, units);
      expect(teacherFromLayersModel(model, {classes: said}).classes, `${activation} ${units}`).toBe(found);
      model.dispose();
    }
  });

  it('must fit the model', () => {
    const [softmax, one] = [make('softmax', 3), make('linear', 1)];
    expect(() => teacherFromLayersModel(softmax, {classes: 'independent'})).toThrow(
      /classes must be 'exclusive', since the model closes with a softmax/,
    );
    expect(() => teacherFromLayersModel(one, {classes: 'independent'})).toThrow(/classes must be 'exclusive' for a model with one output/);
    softmax.dispose();
    one.dispose();
  });

  it('that was said cannot be sent to worker threads', async () => {
    const model = make('linear', 3);
    const teacher = teacherFromLayersModel(model, {classes: 'independent'});
    const {images} = patchBatch(0, 2);
    await expect(rise(images, teacher, {numMasks: 4, workers: 2})).rejects.toThrow(/whose classes are said to be independent/);
    images.dispose();
    model.dispose();
  });
});
