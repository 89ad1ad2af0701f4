/** The option `workers` of training: the same result with any number of threads, and what interrupts it loses nothing. */
import '../helpers/use-thread-backend.js';
import '../helpers/use-wasm.js';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {getBackend, randomUniform, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {layers, sequential, type LayersModel} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {
  AttentiveDistiller,
  disposeWorkers,
  NonFiniteLossError,
  paperMethod,
  residualStudent,
  teacherFromLayersModel,
  teacherFromScores,
  UnsupportedModelError,
  WorkerError,
  type DistillerOptions,
  type FitOptions,
  type Teacher,
  type TrainingProgress,
} from '../../src/index.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {dataFolder, loadDataModel} from '../helpers/files.js';
import {HEIGHT, patchBatch, patchTeacher, WIDTH} from '../helpers/patch-world.js';
import {FatefulLayer, type Fate} from '../helpers/thread-layers.js';
import {withOwnLayers} from '../helpers/with-own-layers.js';

type Create = Omit<DistillerOptions, 'teacher'>;

let model: LayersModel;
let batches: {images: Tensor4D; labels: number[]}[];

beforeAll(() => {
  model = patchTeacher();
  // Neither parts of 4 nor of 8 come out even.
  batches = [19, 7].map((count, index) => patchBatch(30 * index, count));
});
afterAll(async () => {
  model.dispose();
  batches.forEach(({images}) => images.dispose());
  await disposeWorkers();
});

const fresh = residualStudent({depth: 18, width: 2});

const cases: readonly [string, Create, FitOptions][] = [
  ['the defaults', {}, {epochs: 2}],
  ['both stages with a guard', {guidance: 'delta', objective: 'both'}, {epochs: {student: 2, explanation: 1}, learningRate: 1e-3}],
  ['joint, SGD, batch statistics', {...paperMethod(), student: fresh}, {mode: 'joint', epochs: 2, optimizer: 'sgd'}],
  ['a fresh student that scores', {student: fresh}, {epochs: {student: 2, explanation: 1}, scorer: 'student', fill: 'blur'}],
];

interface Outcome {
  readonly losses: Record<string, number>[];
  readonly kinds: string[];
  readonly weights: Float32Array;
}

/** What a training comes to: the losses of its records, and a map, which all weights have a say in. */
async function outcome(teacher: LayersModel | Teacher, create: Create, options: FitOptions): Promise<Outcome> {
  const distiller = await AttentiveDistiller.create({teacher, seed: 5, ...create});
  try {
    await distiller.train(batches, options);
    const [map] = await distiller.explain(batches[0]!.images);
    const losses = distiller.history.map((record) => ({...record.losses, rate: record.learningRate}));
    const kinds = distiller.history.map(({kind}) => kind);
    return {losses, kinds, weights: Float32Array.from([...map!.data, map!.score])};
  } finally {
    distiller.dispose();
  }
}

describe.each(cases)('training with %s', (_, create, fit) => {
  it('comes to the same with any number of threads, bit for bit', {timeout: 180_000}, async () => {
    const options = {...fit, validation: batches.slice(1), keepBest: true};
    await expectNoLeak(async () => {
      const one = await outcome(model, create, {...options, workers: 1});
      for (const workers of [2, 3]) expect(await outcome(model, create, {...options, workers})).toEqual(one);
      const alone = await outcome(model, create, options);
      // Batch norms see a part of the images at a time, and so other maps may be worth a warning.
      if (create.student === fresh) {
        const steps = (of: Outcome): string[] => of.kinds.filter((kind) => kind !== 'warning');
        expect(steps(alone)).toEqual(steps(one));
        return expect(alone.weights).not.toEqual(one.weights);
      }
      expect(alone.kinds).toEqual(one.kinds);
      for (const [index, losses] of alone.losses.entries())
        expectClose(Object.values(one.losses[index]!), Object.values(losses), {abs: 2e-4, rel: 2e-3}, `losses of record ${index}`);
      expectClose(one.weights, alone.weights, {abs: 2e-2}, 'map');
      return undefined;
    });
  });
});

describe('training in threads', () => {
  it('learns a batch of one part as it would without, batch statistics too', async () => {
    const [few] = [batches[1]!];
    const create = {...paperMethod(), student: fresh};
    const options = {epochs: {student: 3, explanation: 0}};
    const trained = async (workers: number): Promise<AttentiveDistiller> => {
      const distiller = await AttentiveDistiller.create({teacher: model, seed: 5, ...create});
      await distiller.train([few], {...options, workers});
      return distiller;
    };
    const [here, there] = [await trained(0), await trained(2)];
    expect(there.history.map(({losses}) => losses)).toEqual(here.history.map(({losses}) => losses));
    const maps = await Promise.all([here, there].map(async (each) => (await each.explain(few.images))[0]!.data));
    expect(maps[0]).toEqual(maps[1]);
    for (const each of [here, there]) each.dispose();
  });

  it('asks a black box here', {timeout: 120_000}, async () => {
    const asked: number[] = [];
    const score = async (batch: Tensor4D): Promise<Float32Array> => {
      asked.push(batch.shape[0]);
      const scores = model.predict(batch) as Tensor;
      return (await scores.data<'float32'>().finally(() => scores.dispose())).slice();
    };
    const teacher = teacherFromScores(score, {inputShape: [HEIGHT, WIDTH, 3], numClasses: 3});
    const options = {epochs: {student: 1, explanation: 1}};
    await expectNoLeak(async () => {
      const one = await outcome(teacher, {student: fresh}, {...options, workers: 1});
      expect(asked.slice(0, 2)).toEqual([19, 7]);
      expect(await outcome(teacher, {student: fresh}, {...options, workers: 2})).toEqual(one);
    });
  });

  it('is refused where a teacher’s gradient would be needed that cannot be sent', async () => {
    const wrapped = teacherFromLayersModel(model);
    const own: Teacher = {...wrapped, logits: (images) => wrapped.logits(images)};
    const distiller = await AttentiveDistiller.create({teacher: own, seed: 5});
    await expectNoLeak(async () => {
      const refused = distiller.train(batches, {workers: 2});
      await expect(refused).rejects.toThrow(/^train: the teacher 'patch_teacher' cannot be sent to worker threads.*scorer: 'student'/);
      await expect(refused).rejects.toThrow(UnsupportedModelError);
      await expect(distiller.train(batches, {workers: 257})).rejects.toThrow(/^train: workers must be a whole number from 0 to 256/);
    });
    const summary = await distiller.train(batches, {epochs: 1, scorer: 'student', workers: 2});
    expect(summary.steps).toBeGreaterThan(0);
    distiller.dispose();
  });

  it('tells of losses that are not finite, and leaves the networks as they were', async () => {
    await expectNoLeak(async () => {
      const distiller = await AttentiveDistiller.create({...paperMethod(), student: fresh, teacher: model, seed: 5});
      const [before] = await distiller.explain(batches[1]!.images);
      // Logits over so low a temperature are infinite.
      const failing = distiller.train(batches, {epochs: 1, workers: 2, temperature: 1e-40});
      await expect(failing).rejects.toThrow(NonFiniteLossError);
      await expect(failing).rejects.toThrow(/student network diverged at epoch 1, step 1: /);
      expect((await distiller.explain(batches[1]!.images))[0]!.data).toEqual(before!.data);
      distiller.dispose();
    });
  });

  it('takes a step of a real network, bit for bit', {timeout: 400_000}, async ({skip}) => {
    if (getBackend() !== 'wasm') skip('cpu takes minutes.');
    const real = (await loadDataModel('mobilenet_v2_100_224')) ?? skip(`There is no mobilenet_v2_100_224 in ${dataFolder} (AKD_DATA).`);
    const images = randomUniform([8, 224, 224, 3], -1, 1, 'float32', 1) as Tensor4D;
    const losses = async (workers: number): Promise<unknown> => {
      const distiller = await AttentiveDistiller.create({teacher: real, seed: 5});
      const loop = distiller.fit([{images}, {images}], {epochs: 1, workers});
      await loop.next(); // Whose weights the losses of the second step depend on.
      const {value} = await loop.next();
      await loop.return(undefined as never);
      distiller.dispose();
      return (value as TrainingProgress).losses;
    };
    await expectNoLeak(async () => expect(await losses(2)).toEqual(await losses(1)));
    for (const each of [real, images]) each.dispose();
  });
});

describe('a training in threads that is interrupted', () => {
  it('by its signal stops, and keeps what whole steps have learned', async () => {
    await expectNoLeak(async () => {
      const distiller = await AttentiveDistiller.create({teacher: model, seed: 5});
      const controller = new AbortController();
      const onProgress = ({done}: TrainingProgress): void => {
        if (done === 2) setTimeout(() => controller.abort(new Error('enough')), 1);
      };
      await expect(distiller.train(batches, {workers: 2, signal: controller.signal, onProgress})).rejects.toThrow('enough');
      const steps = distiller.history.length;
      expect(steps).toBeGreaterThanOrEqual(2);
      const [map] = await distiller.explain(batches[1]!.images);
      const other = await AttentiveDistiller.create({teacher: model, seed: 5});
      const loop = other.fit(batches, {workers: 1});
      for (let step = 0; step < steps; step++) await loop.next();
      await loop.return(undefined as never);
      expect((await other.explain(batches[1]!.images))[0]!.data).toEqual(map!.data);
      for (const each of [other, distiller]) each.dispose();
    });
  });

  it('by the end of all threads, or of its distiller, rejects, and another one works', async () => {
    await expectNoLeak(async () => {
      const distiller = await AttentiveDistiller.create({teacher: model, seed: 5});
      const ending =
        (work: () => unknown): ((progress: TrainingProgress) => void) =>
        ({done}) =>
          void (done === 2 && setTimeout(work, 1));
      const lost = distiller.train(batches, {workers: 2, onProgress: ending(() => disposeWorkers())});
      await expect(lost).rejects.toThrow(WorkerError);
      await expect(lost).rejects.toThrow(/^train: a worker thread was lost/);
      expect((await distiller.train(batches, {epochs: 1, workers: 2})).steps).toBe(2);
      const disposed = distiller.train(batches, {workers: 2, onProgress: ending(() => distiller.dispose())});
      await expect(disposed).rejects.toThrow('dispose() was called');
    });
  });

  it.each<[Fate, RegExp]>([
    ['exit', /^train: a worker thread was lost \(.*exited with code: 3/],
    ['own error', /^of our own$/],
  ])('by a thread with the fate %s rejects, and loses nothing', async (fate, message) => {
    const doomed = sequential({
      layers: [
        layers.globalAveragePooling2d({inputShape: [HEIGHT, WIDTH, 3]}),
        new FatefulLayer({fate}),
        layers.dense({units: 3, activation: 'softmax'}),
      ],
    });
    const distiller = await AttentiveDistiller.create({teacher: doomed, student: fresh, seed: 5});
    const options = {epochs: {student: 1, explanation: 1}};
    await withOwnLayers(async () => {
      await expectNoLeak(() => expect(distiller.train(batches, {...options, workers: 2})).rejects.toThrow(message));
    });
    await expect(distiller.train(batches, {...options, workers: 2})).rejects.toThrow(/Unknown layer: FatefulLayer.*--import/s);
    expect((await distiller.train(batches, options)).steps).toBe(4);
    distiller.dispose();
    doomed.dispose();
  });

  it('is resumed with another number of threads, bit for bit, and not without any', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'threads-'));
    const to = `file://${folder}/state`;
    const options = {epochs: {student: 2, explanation: 2}};
    const create = {...paperMethod(), student: fresh};
    const whole = await outcome(model, create, {...options, workers: 1});
    const first = await AttentiveDistiller.create({teacher: model, seed: 5, ...create});
    const stop = ({done}: TrainingProgress): void => {
      if (done === 3) throw new Error('power cut');
    };
    await expect(first.train(batches, {...options, workers: 2, checkpoint: {to, everySteps: 1}, onProgress: stop})).rejects.toThrow(
      'power cut',
    );
    first.dispose();
    const next = await AttentiveDistiller.resume(to, {teacher: model});
    await expect(next.train(batches, options)).rejects.toThrow(/workers: "any number from 1", but was given workers: 0/);
    await next.train(batches, {...options, workers: 3});
    expect(next.history.map((record) => ({...record.losses, rate: record.learningRate}))).toEqual(whole.losses);
    const [map] = await next.explain(batches[0]!.images);
    expect(Float32Array.from([...map!.data, map!.score])).toEqual(whole.weights);
    next.dispose();
    await rm(folder, {recursive: true});
  });
});
