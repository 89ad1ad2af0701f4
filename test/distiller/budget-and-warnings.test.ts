/** Training by steps or minutes, what it says where something is not as it should be, and the forms of the objective. */
import '../helpers/use-wasm.js';
import {abs, mul, neg, tensor1d, tidy, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {createNetworks} from '../../src/distiller/create.js';
import type {Networks} from '../../src/distiller/networks.js';
import {fitSchema, fitSettings} from '../../src/distiller/options.js';
import {mapWarnings} from '../../src/distiller/train/map-verdict.js';
import {trainNetworks} from '../../src/distiller/train/train.js';
import {
  AttentiveDistiller,
  batchesOf,
  paperMethod,
  residualStudent,
  studentFromTeacher,
  teacherFromLayersModel,
  type StudentBuilder,
  type TrainingProgress,
} from '../../src/index.js';
import {readOptions} from '../../src/core/options.js';
import {disposeModel} from '../../src/tfjs/model-variables.js';
import {patience} from '../helpers/environment.js';
import {expectNoLeak} from '../helpers/expect.js';
import {patchBatch, patchTeacher} from '../helpers/patch-world.js';

let teacher: LayersModel;
let images: Tensor4D;
beforeAll(() => {
  teacher = patchTeacher();
  ({images} = patchBatch(0, 8));
});
afterAll(() => {
  teacher.dispose();
  images.dispose();
});

const stepsOf = (records: readonly TrainingProgress[]): readonly TrainingProgress[] => records.filter(({kind}) => kind === 'step');

describe('a budget', () => {
  it('of steps ends the training within an epoch, along the whole schedule', () =>
    expectNoLeak(async () => {
      const distiller = await AttentiveDistiller.create({teacher});
      const records: TrainingProgress[] = [];
      const {steps} = await distiller.train([{images}, {images}, {images}], {
        budget: {steps: 7},
        onProgress: (record) => records.push(record),
      });
      const rates = stepsOf(records).map(({learningRate}) => learningRate);
      expect([steps, rates.length, records[0]!.total, records[0]!.epochs]).toEqual([7, 7, 7, 3]);
      // The middle of the first and of the last of seven steps, on half a cosine.
      expect(rates[0]).toBeCloseTo((2e-3 * (1 + Math.cos(Math.PI / 14))) / 2, 8);
      expect(rates[6]).toBeCloseTo((2e-3 * (1 + Math.cos((13 * Math.PI) / 14))) / 2, 8);
      expect(stepsOf(records).at(-1)!.secondsLeft).toBe(0);
      distiller.dispose();
    }));

  it('of minutes ends it after a step at least, and epochs end it before', () =>
    expectNoLeak(async () => {
      const distiller = await AttentiveDistiller.create({teacher});
      expect((await distiller.train([{images}], {budget: {minutes: 1e-9}})).steps).toBe(1);
      expect((await distiller.train([{images}], {budget: {minutes: 60}, epochs: 2})).steps).toBe(2);
      distiller.dispose();
    }));

  it('is refused where it is none', async () => {
    const distiller = await AttentiveDistiller.create({teacher});
    await expect(distiller.train([{images}], {budget: {steps: 0}})).rejects.toThrow(/^train: budget\.steps must be a whole number/);
    await expect(distiller.train([{images}], {budget: {minutes: 0}})).rejects.toThrow(/^train: budget\.minutes must be a/);
    distiller.dispose();
  });
});

describe('what training does by itself', () => {
  const settingsOf = (options: object, networks: Networks): ReturnType<typeof fitSettings> =>
    fitSettings(readOptions(fitSchema, options), networks);
  const paper = paperMethod();
  const elsewhere: StudentBuilder = async (_, options) => {
    const other = patchTeacher();
    const student = await studentFromTeacher()(teacherFromLayersModel(other), options);
    other.dispose();
    return student;
  };

  it.each([
    ['guided copies', {}, {}, [0, undefined], [0.25, 0.25, 0.98]],
    ['guided copies, epochs for all', {epochs: 4}, {}, [0, 4], [0.25, 0.25, 0.98]],
    ['guided copies, epochs for each', {epochs: {student: 2}}, {}, [2, undefined], [0.25, 0.25, 0.98]],
    ['the paper', {epochs: 4}, paper, [4, 4], [1, 0, 0]],
    ['no guidance', {epochs: 4}, {guidance: 'none'}, [4, 4], [0.25, 0, 0.98]],
    ['fresh students', {}, {student: residualStudent({depth: 18, width: 2})}, [6, undefined], [0.25, 0.25, 0.98]],
    // They have not learnt yet what this teacher says.
    ['copies of another network', {}, {student: elsewhere}, [6, undefined], [0.25, 0.25, 0.98]],
  ] as const)('%s: stages, crops, composites and averages', async (_, options, form, epochs, drawn) => {
    const networks = await createNetworks({teacher, ...form});
    const settings = settingsOf(options, networks);
    for (const each of [networks.student.model, networks.decoder]) disposeModel(each);
    expect(settings.stages.map(({limits}) => limits.epochs)).toEqual(epochs);
    expect([settings.leastCrop, settings.composites, settings.averaging]).toEqual(drawn);
  });

  it('puts images together for the explanation network alone', () =>
    expectNoLeak(async () => {
      const lossOf = async (composites: number, stage: 'student' | 'explanation'): Promise<number> => {
        const distiller = await AttentiveDistiller.create({teacher, seed: 4});
        const epochs = {student: 0, explanation: 0, [stage]: 1};
        const records: TrainingProgress[] = [];
        await distiller.train([{images}], {epochs, leastCrop: 1, composites, onProgress: (record) => records.push(record)});
        distiller.dispose();
        return stepsOf(records)[0]!.losses['total']!;
      };
      expect(await lossOf(0.5, 'explanation')).not.toBe(await lossOf(0, 'explanation'));
      expect(await lossOf(0.5, 'student')).toBe(await lossOf(0, 'student'));
    }));

  it('knows from batchesOf how many steps there are, few photographs being seen often', async () => {
    const picture = {data: new Uint8ClampedArray(16 * 24 * 3).fill(90), width: 24, height: 16, channels: 3} as const;
    const distiller = await AttentiveDistiller.create({teacher, preprocessing: 'tf'});
    const totals: number[] = [];
    for await (const {total} of distiller.fit(batchesOf([picture, picture, picture], {batchSize: 2}), {epochs: 2})) totals.push(total);
    expect(totals[0]).toBe(4);
    for await (const {total, epochs} of distiller.fit(batchesOf([picture, picture, picture], {batchSize: 2}))) {
      expect([total, epochs]).toEqual([300, 150]);
      break;
    }
    distiller.dispose();
  });
});

describe('a copied student', () => {
  it('that a short training makes worse is the copy again, and a record says so', () =>
    expectNoLeak(async () => {
      const distiller = await AttentiveDistiller.create({teacher, seed: 3});
      const before = await distiller.evaluate([{images}], {causal: false});
      const {warnings} = await distiller.train([{images}], {epochs: {student: 1, explanation: 0}, learningRate: {student: 0.5}});
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toMatch(/^The student is worse after its training than the copy of 'patch_teacher'.*It is that copy again/);
      expect(await distiller.evaluate([{images}], {causal: false})).toEqual(before);
      distiller.dispose();
    }));

  it('that gets better stays so', () =>
    expectNoLeak(async () => {
      const paper = {...paperMethod(), teacher, seed: 3};
      const distiller = await AttentiveDistiller.create(paper);
      const before = await distiller.evaluate([{images}], {causal: false});
      const {warnings} = await distiller.train(
        Array.from({length: 12}, () => ({images})),
        {epochs: {student: 3, explanation: 0}, learningRate: {student: 1e-3}},
      );
      expect(warnings).toEqual([]);
      expect((await distiller.evaluate([{images}], {causal: false})).meanKL).toBeLessThan(before.meanKL);
      distiller.dispose();
    }));

  it('is guarded only as a copy: a student that starts from nothing keeps what it learns', () =>
    expectNoLeak(async () => {
      const distiller = await AttentiveDistiller.create({teacher, student: residualStudent({depth: 18, width: 2}), seed: 3});
      const {warnings} = await distiller.train([{images}], {epochs: {student: 1, explanation: 0}, learningRate: {student: 0.5}});
      expect(warnings).toEqual([]);
      distiller.dispose();
    }));
});

describe('the verdict on maps', () => {
  /** Sets the last convolution of the decoder: H is sigmoid(Σ kernel · features + bias). */
  function setHead({decoder}: Networks, change: (kernel: Tensor, bias: Tensor) => [Tensor, Tensor]): void {
    const layer = decoder.getLayer('saliency');
    tidy(() => {
      const [kernel, bias] = layer.getWeights() as [Tensor, Tensor];
      layer.setWeights(change(kernel, bias));
    });
  }
  const asked = {seed: 1, signal: undefined};
  let networks: Networks;
  beforeAll(async () => {
    networks = await createNetworks({teacher, ...paperMethod(), seed: 7});
    const settings = fitSettings(
      readOptions(fitSchema, {epochs: {student: 0, explanation: 12}, learningRate: {explanation: 3e-3}}),
      networks,
    );
    const batches = Array.from({length: 6}, (_, index) => patchBatch(16 * index, 16));
    for await (const record of trainNetworks({where: 'train', networks, batches, settings, seed: 7, history: []}))
      expect(record.warning).toBeNull();
    for (const batch of batches) batch.images.dispose();
  }, patience);
  afterAll(() => {
    disposeModel(networks.student.model);
    disposeModel(networks.decoder);
  });

  it('has nothing to say of maps that find the evidence', () =>
    expectNoLeak(async () => expect(await mapWarnings(networks, images, asked)).toEqual([])));

  it('says that maps turned upside down are no better than random', async () => {
    setHead(networks, (kernel, bias) => [neg(kernel), neg(bias)]);
    const warnings = await mapWarnings(networks, images, asked);
    expect(warnings.join(' ')).toMatch(/no better than random ones: insertion 0\.\d+, random 0\.\d+; deletion 0\.\d+, random 0\.\d+/);
    setHead(networks, (kernel, bias) => [neg(kernel), neg(bias)]);
  });

  it.each([
    [9, /^The maps are saturated: their mean is 0\.9\d\. .*larger lambda/],
    [-9, /^The maps are dim: their mean is 0\.00\d\. .*smaller lambda/],
  ])('says so where the head is shifted by %d', async (shift, message) => {
    setHead(networks, (kernel) => [mul(kernel, 0.3), tensor1d([shift])]);
    expect((await mapWarnings(networks, images, asked))[0]).toMatch(message);
    setHead(networks, (kernel) => [mul(kernel, 1 / 0.3), tensor1d([0])]);
  });

  it('names a frame, which zeros beyond the border draw', async () => {
    setHead(networks, (kernel) => [tidy(() => neg(abs(kernel))), tensor1d([0])]);
    expect((await mapWarnings(networks, images, asked)).some((warning) => warning.includes('have a frame'))).toBe(true);
  });
});

it("the objective 'both' trains on rankings and fidelity at once, and draws maps like any", () =>
  expectNoLeak(async () => {
    const distiller = await AttentiveDistiller.create({teacher, objective: 'both', seed: 3});
    const records: TrainingProgress[] = [];
    await distiller.train([{images}], {epochs: 3, onProgress: (record) => records.push(record)});
    expect(Object.keys(records[0]!.losses).sort()).toEqual(['area', 'fidelity', 'ranking', 'total']);
    const {ranking, fidelity, area, total} = records[0]!.losses as Record<string, number>;
    expect(total).toBeCloseTo(ranking! + fidelity! + area!, 5);
    expect(records[0]!.meanIntensity).toBeGreaterThan(0);
    const [map] = await distiller.explain(images);
    const mean = map!.data.reduce((sum, value) => sum + value, 0) / map!.data.length;
    expect(mean > 0.005 && mean < 0.22).toBe(true);
    distiller.dispose();
  }));
