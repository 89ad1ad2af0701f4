/** How a run goes: the generator of fit(), events, what ends it, and teachers that rule classes out. */
import '../helpers/use-wasm.js';
import {greaterEqual, fill, logSoftmax, memory, mul, tidy, where, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {
  AttentiveDistiller,
  NonFiniteLossError,
  residualStudent,
  studentFromTeacher,
  teacherFromLayersModel,
  type Teacher,
  type TrainingProgress,
  type TrainingSummary,
  paperMethod,
} from '../../src/index.js';
import {expectNoLeak} from '../helpers/expect.js';
import {patchBatch, patchTeacher} from '../helpers/patch-world.js';
import {temporaryStore} from '../helpers/temporary-store.js';

const student = residualStudent({depth: 18, width: 2});
let model: LayersModel;
let batch: {images: Tensor4D; labels: number[]};
let distiller: AttentiveDistiller;

beforeAll(() => {
  model = patchTeacher();
  batch = patchBatch(0, 4);
});
afterAll(() => {
  model.dispose();
  batch.images.dispose();
});
beforeEach(async () => {
  distiller = await AttentiveDistiller.create({...paperMethod(), teacher: model, student, seed: 1});
});
afterEach(() => distiller.dispose());

describe('the learning rate, unless it is given', () => {
  const rateOf = async (made: AttentiveDistiller, optimizer: 'adam' | 'sgd'): Promise<number> => {
    const rates: number[] = [];
    const onProgress = ({learningRate}: TrainingProgress): void => void rates.push(learningRate);
    await made.train([batch], {epochs: {student: 1, explanation: 0}, schedule: () => 1, optimizer, onProgress});
    return rates[0]!;
  };

  it('is lower for a student that has the weights of its teacher', async () => {
    expect(await rateOf(distiller, 'adam')).toBe(1e-3);
    expect(await rateOf(distiller, 'sgd')).toBe(1e-2);
    const copied = await AttentiveDistiller.create({...paperMethod(), teacher: model, student: studentFromTeacher(), seed: 1});
    expect(await rateOf(copied, 'adam')).toBe(1e-4);
    copied.dispose();
  });
});

describe('the generator that fit() gives', () => {
  const once = {epochs: {student: 1, explanation: 0}};

  it('cannot be awaited, which would train nothing: it rejects and says what to do', async () => {
    const message = 'fit() gives a generator: loop over it with for await, or call train()';
    const awaited = (async () => await (distiller.fit([batch], once) as unknown as Promise<unknown>))();
    await expect(awaited).rejects.toThrow(TypeError);
    await expect(awaited).rejects.toThrow(message);
    await expect((async () => distiller.fit([batch], once))()).rejects.toThrow(message);
    await expect(Promise.all([distiller.fit([batch], once)])).rejects.toThrow(message);
    // Nothing has begun, so nothing stands in the way of a run.
    expect((await distiller.train([batch], once)).steps).toBe(1);
  });

  it('can be looped over, handed on, and taken step by step', async () => {
    const seen: number[] = [];
    for await (const {done} of distiller.fit([batch, batch], once)) seen.push(done);
    expect(seen).toEqual([1, 2]);
    const summaries: TrainingSummary[] = [];
    const wrapped = async function* (): AsyncGenerator<TrainingProgress> {
      summaries.push(yield* distiller.fit([batch, batch], once));
    };
    for await (const {done} of wrapped()) seen.push(done);
    expect(seen).toEqual([1, 2, 1, 2]);
    expect(summaries[0]).toMatchObject({steps: 2});
    const run = distiller.fit([batch, batch], once);
    expect(await run.next()).toMatchObject({done: false, value: {done: 1}});
    expect(await run.return({steps: 0, seconds: 0, stages: [], warnings: []})).toMatchObject({done: true, value: {steps: 0}});
    expect(await run.next()).toMatchObject({done: true});
    await distiller.explain(batch.images);
  });
});

describe('a run', () => {
  it('is over when onProgress throws, and the next one may begin', () =>
    expectNoLeak(async () => {
      const onProgress = (): void => {
        throw new Error('my own');
      };
      await expect(distiller.train([batch], {epochs: 1, onProgress})).rejects.toThrow('my own');
      const again = await distiller.train([batch], {epochs: {student: 1, explanation: 0}});
      expect(again.steps).toBe(1);
    }));

  it('lets timers run between its steps, and stops at the time that it is given', async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const batches = Array.from({length: 6}, () => batch);
    await distiller.train(batches, {epochs: {student: 1, explanation: 0}, validation: batches});
    const trained = ticks;
    await distiller.evaluate(batches, {causal: false});
    clearInterval(timer);
    expect(trained).toBeGreaterThan(3);
    expect(ticks).toBeGreaterThan(trained + 1);
    await expect(distiller.train(batches, {epochs: 1000, signal: AbortSignal.timeout(100)})).rejects.toThrow(/timeout/);
  });

  it('fails where its very last step leaves weights that are not finite', async () => {
    const run = distiller.train([batch], {epochs: {student: 1, explanation: 0}, learningRate: 1e39});
    await expect(run).rejects.toThrow(NonFiniteLossError);
    await expect(run).rejects.toThrow(/diverged at the last step of epoch 1: weights are not finite.*learningRate/);
  });

  it('fails where the schedule gives no factor', async () => {
    await expect(distiller.train([batch], {epochs: 1, schedule: () => NaN})).rejects.toThrow(
      'train: the factor of schedule must be a finite number of at least 0, but is NaN.',
    );
    await expect(distiller.fit([batch], {epochs: 1, schedule: () => -1}).next()).rejects.toThrow(/^fit: the factor of schedule.*-1/);
  });
});

describe('a teacher of log-probabilities that rules classes out', () => {
  /** log p, and −∞ instead of less than −20. */
  const cut = (teacher: Teacher): Teacher => ({
    ...teacher,
    model: undefined,
    logits: (images) =>
      tidy(() => {
        const logs = logSoftmax(mul<Tensor2D>(teacher.logits(images), 20), -1);
        return where(greaterEqual(logs, -20), logs, fill(logs.shape, -Infinity));
      }),
  });

  it('can be distilled, with finite losses in every stage and measure', async () => {
    const store = await temporaryStore();
    const teacher = cut(teacherFromLayersModel(model));
    const answers = teacher.logits(batch.images);
    const ruledOut = (await answers.data()).filter((value) => value === -Infinity).length;
    answers.dispose();
    expect(ruledOut).toBeGreaterThan(4);
    const before = memory().numTensors;
    const made = await AttentiveDistiller.create({...paperMethod(), teacher, student, seed: 1});
    const records: TrainingProgress[] = [];
    await made.train([batch, batch], {epochs: 2, validation: [batch], onProgress: (record) => records.push(record)});
    expect(records).toHaveLength(12);
    expect(records.flatMap(({losses}) => Object.values(losses)).every(Number.isFinite)).toBe(true);
    expect(records[0]!.losses['soft']).toBeGreaterThan(0.1);
    expect((await made.evaluate([batch], {stepSize: 96})).meanKL).toBeGreaterThan(0);
    const url = store.url('ruled-out');
    await made.save(url);
    const again = await AttentiveDistiller.load(url, {teacher});
    expect(await again.explain(batch.images)).toEqual(await made.explain(batch.images));
    again.dispose();
    made.dispose();
    expect(memory().numTensors).toBe(before);
    await store.remove();
  });

  it('is trained jointly as well', async () => {
    const made = await AttentiveDistiller.create({...paperMethod(), teacher: cut(teacherFromLayersModel(model)), student, seed: 1});
    const {stages} = await made.train([batch], {mode: 'joint', epochs: 2});
    expect(Object.values(stages[0]!.losses).every(Number.isFinite)).toBe(true);
    made.dispose();
  });
});
