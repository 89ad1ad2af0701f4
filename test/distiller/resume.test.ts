/** A training that is interrupted and resumed comes to the same end, bit for bit, as if it had not been. */
import '../helpers/use-wasm.js';
import {mkdtemp, readdir, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {memory, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {
  AttentiveDistiller,
  ModelFileError,
  paperMethod,
  residualStudent,
  studentFromTeacher,
  type DistillerOptions,
  type FitOptions,
  type TrainingProgress,
  type TrainingSummary,
} from '../../src/index.js';
import {expectNoLeak} from '../helpers/expect.js';
import {patchBatch, patchTeacher} from '../helpers/patch-world.js';

let model: LayersModel;
let batches: {images: Tensor4D; labels: number[]}[];
const folder = await mkdtemp(join(tmpdir(), 'resume-'));
const root = `file://${folder}`;

beforeAll(() => {
  model = patchTeacher();
  batches = Array.from({length: 3}, (_, index) => patchBatch(4 * index, 4));
});
afterAll(async () => {
  model.dispose();
  batches.forEach(({images}) => images.dispose());
  await rm(folder, {recursive: true});
});

type Create = Omit<DistillerOptions, 'teacher'>;

const cases: readonly [string, Create, FitOptions][] = [
  ['the defaults', {}, {budget: {steps: 8}}],
  ['both stages with a guard', {}, {epochs: {student: 2, explanation: 2}}],
  [
    'SGD, joint, a fresh student',
    {...paperMethod(), student: residualStudent({depth: 18, width: 2})},
    {mode: 'joint', epochs: 2, optimizer: 'sgd'},
  ],
  ['the paper with validation', {...paperMethod()}, {epochs: {student: 1, explanation: 2}, lambdaWarmup: 0.5}],
  [
    'early stopping by validation',
    {...paperMethod(), student: residualStudent({depth: 18, width: 2})},
    {epochs: {student: 2, explanation: 3}, patience: 1, schedule: (epoch) => (epoch < 1 ? 1 : 30)},
  ],
];

/** What a training comes to: records without times, the summary, and a map. */
async function outcome(distiller: AttentiveDistiller, summary: TrainingSummary): Promise<unknown> {
  const plain = ({imagesPerSecond: _rate, secondsLeft: _left, ...record}: TrainingProgress): unknown => record;
  const [map] = await distiller.explain(batches[0]!.images);
  const bits = (values: Float32Array): string => Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex');
  const {steps, stages, warnings} = summary;
  return {history: distiller.history.map(plain), stages: stages.map(plain), steps, warnings, map: bits(map!.data), score: map!.score};
}

describe.each(cases)('a resumed training with %s', (name, create, fit) => {
  const options = (): FitOptions => (name.includes('validation') ? {...fit, validation: batches.slice(0, 1)} : fit);
  const made = (): Promise<AttentiveDistiller> => AttentiveDistiller.create({teacher: model, seed: 5, ...create});

  it('ends as if it had not been interrupted, wherever that was', {timeout: 120_000}, async () => {
    await expectNoLeak(async () => {
      const whole = await made();
      const expected = await outcome(whole, await whole.train(batches, options()));
      const steps = whole.history.filter(({kind}) => kind === 'step').length;
      whole.dispose();
      expect(steps).toBeGreaterThanOrEqual(6);
      for (let last = 1; last <= steps; last++) {
        const to = `${root}/${cases.findIndex(([each]) => each === name)}-${last}`;
        const interrupted = await made();
        const onProgress = ({kind, done}: TrainingProgress): void => {
          if (kind === 'step' && done === last) throw new Error('interrupted');
        };
        await expect(interrupted.train(batches, {...options(), checkpoint: {to, everySteps: 1}, onProgress})).rejects.toThrow(
          'interrupted',
        );
        interrupted.dispose();
        const resumed = await AttentiveDistiller.resume(to, {teacher: model});
        expect(resumed.history.filter(({kind}) => kind === 'step')).toHaveLength(last);
        const checkpoint = {to, everySteps: 3};
        expect(await outcome(resumed, await resumed.train(batches, {...options(), checkpoint})), `after step ${last}`).toEqual(expected);
        resumed.dispose();
      }
    });
  });
});

describe('checkpoints', () => {
  const settings: FitOptions = {budget: {steps: 7}};
  const made = (): Promise<AttentiveDistiller> => AttentiveDistiller.create({teacher: model, seed: 5});

  it('are the last two, of which the older one serves when the newer one is damaged', async () => {
    const to = `${root}/two`;
    const distiller = await made();
    await distiller.train(batches, {...settings, checkpoint: {to, everySteps: 2}});
    distiller.dispose();
    const folder = fileURLToPath(to);
    expect((await readdir(folder)).sort()).toEqual(['state-0', 'state-1']);
    const newest = await AttentiveDistiller.resume(to, {teacher: model});
    expect(newest.history).toHaveLength(6);
    newest.dispose();
    await rm(`${folder}/state-0/model.json`); // The third of three.
    const older = await AttentiveDistiller.resume(to, {teacher: model});
    expect(older.history).toHaveLength(4);
    older.dispose();
    // The next run of its own goes on counting, so that its states are the newest.
    const next = await made();
    await next.train(batches, {budget: {steps: 1}, checkpoint: {to, everySteps: 1}});
    next.dispose();
    const resumed = await AttentiveDistiller.resume(to, {teacher: model});
    expect(resumed.history).toHaveLength(1);
    resumed.dispose();
  });

  it('come by time, too, and by default not within the first minute', async () => {
    for (const [options, count] of [
      [{everySeconds: 0}, 2],
      [{}, 0],
    ] as const) {
      const to = `${root}/time-${count}`;
      const distiller = await made();
      await distiller.train(batches, {...settings, checkpoint: {to, ...options}});
      distiller.dispose();
      expect(await readdir(fileURLToPath(to)).catch(() => [])).toHaveLength(count);
    }
  });

  it('are written when the signal stops the training, at any step, so that none is lost', async () => {
    const whole = await made();
    await whole.train(batches, settings);
    const [expected] = await whole.explain(batches[0]!.images);
    whole.dispose();
    // Three batches per epoch: in the middle of one, at its end, and after its end.
    for (const last of [1, 2, 3, 4]) {
      const to = `${root}/stopped-${last}`;
      const distiller = await made();
      const controller = new AbortController();
      const onProgress = ({done}: TrainingProgress): void => {
        if (done === last) controller.abort(new Error('enough'));
      };
      await expect(distiller.train(batches, {...settings, checkpoint: {to}, signal: controller.signal, onProgress})).rejects.toThrow(
        'enough',
      );
      distiller.dispose();
      const resumed = await AttentiveDistiller.resume(to, {teacher: model});
      expect(resumed.history).toHaveLength(last);
      await resumed.train(batches, settings);
      expect((await resumed.explain(batches[0]!.images))[0]!.data).toEqual(expected!.data);
      resumed.dispose();
    }
  });

  it('can be loaded as the explainer that the training would have come to', async () => {
    const to = `${root}/loaded`;
    const distiller = await made();
    for await (const {done} of distiller.fit(batches, {...settings, checkpoint: {to, everySteps: 4}})) if (done === 4) break;
    const loaded = await AttentiveDistiller.load(`${to}/state-0`, {teacher: model});
    const [expected] = await distiller.explain(batches[1]!.images);
    const [map] = await loaded.explain(batches[1]!.images);
    expect(map!.data).toEqual(expected!.data);
    distiller.dispose();
    loaded.dispose();
  });

  it('need the same options, and say which differ', async () => {
    const to = `${root}/options`;
    const distiller = await made();
    await distiller.train(batches, {...settings, checkpoint: {to, everySteps: 5}});
    distiller.dispose();
    const resumed = await AttentiveDistiller.resume(to, {teacher: model});
    await expect(resumed.train(batches, {budget: {steps: 9}, softness: 0.2})).rejects.toThrow(
      /needs the options that it began with, softness: 0.35; stages: .*"steps":7.*, but was given softness: 0.2; stages: .*"steps":9/,
    );
    await expect(resumed.train(batches.slice(0, 1), settings)).rejects.toThrow(
      /epoch 2 has 1 batches, but the training was interrupted after/,
    );
    resumed.dispose();
  });

  it('that do not exist, or are saves of another kind, are told', async () => {
    await expect(AttentiveDistiller.resume(`${root}/nothing`, {teacher: model})).rejects.toThrow(ModelFileError);
    const distiller = await made();
    await distiller.save(`${root}/plain/state-0`);
    distiller.dispose();
    await expect(AttentiveDistiller.resume(`${root}/plain`, {teacher: model})).rejects.toThrow(/no training under way/);
  });

  it('that cannot be written end the training with that error', async () => {
    const distiller = await made();
    await expect(distiller.train(batches, {...settings, checkpoint: {to: 'out/x'}})).rejects.toThrow(
      /checkpoint.to: url must begin with a scheme/,
    );
    const file = `file://${fileURLToPath(import.meta.url)}`;
    await expect(distiller.train(batches, {...settings, checkpoint: {to: file, everySteps: 1}})).rejects.toThrow(ModelFileError);
    expect(await distiller.explain(batches[0]!.images)).toHaveLength(4);
    distiller.dispose();
  });
});

describe('save() while a training is under way', () => {
  it('holds what the training would have come to if it had been stopped there', async () => {
    const distiller = await AttentiveDistiller.create({teacher: model, seed: 5, student: studentFromTeacher()});
    const url = `${root}/under-way`;
    for await (const {done} of distiller.fit(batches, {budget: {steps: 7}})) {
      if (done === 3) await distiller.save(url);
      if (done === 3) break;
    }
    const before = memory().numTensors;
    const loaded = await AttentiveDistiller.load(url, {teacher: model});
    const [expected, map] = [await distiller.explain(batches[1]!.images), await loaded.explain(batches[1]!.images)];
    expect(map.map(({data}) => data)).toEqual(expected.map(({data}) => data));
    loaded.dispose();
    expect(memory().numTensors).toBeGreaterThanOrEqual(before);
    distiller.dispose();
  });
});
