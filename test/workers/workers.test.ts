/** The option `workers`: the same results as without it, and nothing that hangs, lingers or goes unsaid. */
import '../helpers/use-thread-backend.js';
import {execFile} from 'node:child_process';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {
  engine,
  getBackend,
  memory,
  mul,
  registerBackend,
  reshape,
  setBackend,
  slice,
  tensor,
  tensor3d,
  tidy,
  zeros,
  type serialization,
  type Tensor,
  type Tensor3D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {input, layers, model as functional, sequential, type LayersModel} from '@tensorflow/tfjs-layers';
import * as fc from 'fast-check';
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest';
import {
  AttentiveError,
  BackendError,
  UnsupportedModelError,
  WorkerError,
  compare,
  confidenceChange,
  deletionScore,
  disposeWorkers,
  insertionScore,
  lime,
  muFidelity,
  randomExplainer,
  randomMap,
  rise,
  riseExplainer,
  teacherFromLayersModel,
  type ComparisonRow,
  type RiseOptions,
  type Teacher,
} from '../../src/index.js';
import {Random} from '../../src/core/random.js';
import {expectNoLeak} from '../helpers/expect.js';
import {dataFolder, loadDataModel} from '../helpers/files.js';
import {HEIGHT, patchBatch, patchTeacher, WIDTH} from '../helpers/patch-world.js';
import {withoutWorkers} from '../helpers/without-workers.js';
import {withOwnLayers} from '../helpers/with-own-layers.js';
import {Census, FatefulLayer, type Fate} from '../helpers/thread-layers.js';

const root = join(import.meta.dirname, '../..');

function fateful(fate: Fate): LayersModel {
  return sequential({
    layers: [
      layers.globalAveragePooling2d({inputShape: [HEIGHT, WIDTH, 3]}),
      new FatefulLayer({fate}),
      layers.dense({units: 3, activation: 'softmax'}),
    ],
  });
}

const quick: RiseOptions = {numMasks: 40, batchSize: 8, gridSize: 4};
let teacher: LayersModel;
let images: Tensor4D;
let image: Tensor3D;

beforeAll(() => {
  teacher = patchTeacher();
  images = patchBatch(0, 5).images;
  image = tidy(() => reshape(slice(images, 0, 1), [HEIGHT, WIDTH, 3]) as Tensor3D);
});
afterAll(async () => {
  for (const each of [teacher, images, image]) each.dispose();
  await disposeWorkers();
});

describe('with workers, results are those without', () => {
  it.each([1, 2, 3])('of rise, with %i', async (workers) => {
    for (const options of [quick, {...quick, variant: 'normalized'} as const, {...quick, target: [2, 0], batchSize: 64}]) {
      const alone = await rise(images, teacher, options);
      await expectNoLeak(async () =>
        expect(withoutWorkers(await rise(images, teacher, {...options, workers}))).toEqual(withoutWorkers(alone)),
      );
    }
  });

  it('of rise that stops when its map is stable, at the same mask', async () => {
    const options = {...quick, numMasks: 2000, stopWhenStable: {every: 20, tolerance: 0.1}};
    const alone = await rise(image, teacher, options);
    expect(alone[0]!.masksUsed).toBeLessThan(2000);
    await expectNoLeak(async () =>
      expect(withoutWorkers(await rise(image, teacher, {...options, workers: 2}))).toEqual(withoutWorkers(alone)),
    );
  });

  it('of lime', async () => {
    const options = {numSamples: 50, batchSize: 7, segmenter: 'grid', target: [0, 1]} as const;
    const alone = await lime(images, teacher, options);
    for (const workers of [1, 2, 3])
      await expectNoLeak(async () =>
        expect(withoutWorkers(await lime(images, teacher, {...options, workers}))).toEqual(withoutWorkers(alone)),
      );
  });

  it('of the metrics that ask the model, of one image and of several', async () => {
    const maps = [0, 1, 2, 3, 4].map((seed) => randomMap({height: HEIGHT, width: WIDTH, seed}));
    for (const [measure, own] of [
      [insertionScore, {}],
      [deletionScore, {}],
      [muFidelity, {numSamples: 40}],
      [confidenceChange, {}],
    ] as readonly (readonly [typeof insertionScore, object])[]) {
      for (const options of [
        {...own, batchSize: 8},
        {...own, target: 1},
      ]) {
        const [one, all] = [await measure(image, maps[0]!, teacher, options), await measure(images, maps, teacher, options)];
        for (const workers of [1, 2, 3]) {
          await expectNoLeak(async () => {
            expect(withoutWorkers([await measure(image, maps[0]!, teacher, {...options, workers})])).toEqual(withoutWorkers([one]));
            expect(withoutWorkers(await measure(images, maps, teacher, {...options, workers}))).toEqual(withoutWorkers(all));
          });
        }
      }
    }
  });

  it('of a comparison', async () => {
    const run = (workers?: number): Promise<ComparisonRow[]> =>
      compare({
        explainers: {random: randomExplainer(teacher), RISE: riseExplainer(teacher, {...quick, workers})},
        metrics: ['insertion', 'deletion', 'mu-fidelity', 'drop'],
        images,
        model: teacher,
        batchSize: 8,
        workers,
      });
    expect(await run(2)).toEqual(await run());
  });

  it('of decoded pictures, which go through the preprocessing of a teacher', async () => {
    const random = new Random(4);
    const picture = {data: Uint8Array.from({length: 40 * 50 * 3}, () => random.int(256)), height: 40, width: 50};
    const wrapped = teacherFromLayersModel(teacher, {preprocessing: 'tf'});
    const alone = await rise([picture, image], wrapped, quick);
    expect(withoutWorkers(await rise([picture, image], wrapped, {...quick, workers: 2}))).toEqual(withoutWorkers(alone));
  });

  it('of any small network, image size and batch size', async () => {
    const network = fc.record({
      seed: fc.integer({min: 0, max: 1000}),
      size: fc.tuple(fc.integer({min: 5, max: 14}), fc.integer({min: 5, max: 14}), fc.constantFrom(1, 3)),
      blocks: fc.array(fc.constantFrom<BlockName>('conv', 'depthwise', 'norm', 'nested', 'branch'), {maxLength: 3}),
      units: fc.constantFrom(1, 2, 5),
    });
    const run = fc.record({
      numMasks: fc.integer({min: 1, max: 30}),
      batchSize: fc.integer({min: 1, max: 12}),
      workers: fc.integer({min: 1, max: 3}),
    });
    await fc.assert(
      fc.asyncProperty(network, run, async ({seed, size, blocks, units}, {workers, ...options}) => {
        const model = smallNetwork(seed, size, blocks, units);
        const random = new Random(seed);
        const picture = tensor3d(
          Float32Array.from({length: size[0] * size[1] * size[2]}, () => random.uniform(-1, 1)),
          size,
        );
        try {
          const alone = await rise(picture, model, {...options, gridSize: 3, seed});
          await expectNoLeak(async () =>
            expect(withoutWorkers(await rise(picture, model, {...options, gridSize: 3, seed, workers}))).toEqual(withoutWorkers(alone)),
          );
        } finally {
          picture.dispose();
          model.dispose();
        }
      }),
      {numRuns: 25, seed: 11},
    );
  });

  it('of a real network', {timeout: 240_000}, async ({skip}) => {
    if (getBackend() !== 'wasm') skip('cpu takes minutes.');
    const model = (await loadDataModel('mobilenet_v2_100_224')) ?? skip(`There is no mobilenet_v2_100_224 in ${dataFolder} (AKD_DATA).`);
    const random = new Random(5);
    const picture = tensor3d(
      Float32Array.from({length: 224 * 224 * 3}, () => random.uniform(-1, 1)),
      [224, 224, 3],
    );
    const options = {numMasks: 20, batchSize: 8, target: [0, 500]};
    const alone = await rise(picture, model, options);
    const {auc} = await insertionScore(picture, alone[0]!, model, {stepSize: 224 * 28});
    await expectNoLeak(async () => {
      expect(withoutWorkers(await rise(picture, model, {...options, workers: 2}))).toEqual(withoutWorkers(alone));
      expect((await insertionScore(picture, alone[0]!, model, {stepSize: 224 * 28, workers: 2})).auc).toBe(auc);
    });
    picture.dispose();
    model.dispose();
  });
});

describe('models in threads', () => {
  it('have the weights that the model has now', async () => {
    const model = patchTeacher();
    const first = await rise(image, model, {...quick, workers: 2});
    const changed = tidy(() => model.getWeights().map((weight) => mul(weight, 0.5)));
    model.setWeights(changed);
    for (const each of changed) each.dispose();
    const alone = await rise(image, model, quick);
    expect(alone[0]!.score).not.toBe(first[0]!.score);
    expect(withoutWorkers(await rise(image, model, {...quick, workers: 2}))).toEqual(withoutWorkers(alone));
    model.dispose();
  });

  it('may hold layers of one’s own that are registered by a module that Node loads first', async () => {
    const model = fateful('nothing');
    const alone = await rise(image, model, quick);
    await withOwnLayers(async () =>
      expect(withoutWorkers(await rise(image, model, {...quick, workers: 2}))).toEqual(withoutWorkers(alone)),
    );
    await expect(rise(image, model, {...quick, workers: 2})).rejects.toThrow(/Unknown layer: FatefulLayer.*--import/s);
    await expect(rise(image, model, {...quick, workers: 2})).rejects.toThrow(UnsupportedModelError);
    model.dispose();
  });

  it('must be models that can be sent there', async () => {
    const wrapped = teacherFromLayersModel(teacher);
    const own: Teacher = {...wrapped, logits: (batch) => wrapped.logits(batch)};
    const graph = {predict: (batch: Tensor) => teacher.predict(batch as Tensor4D)};
    const score = (): Float32Array => new Float32Array(1);
    await expectNoLeak(async () => {
      for (const model of [own, graph, score]) {
        await expect(rise(image, model, {...quick, workers: 2})).rejects.toThrow(UnsupportedModelError);
        await expect(rise(image, model, {...quick, workers: 2})).rejects.toThrow(
          /rise: .*cannot be sent to worker threads.*leave the option workers out/s,
        );
      }
      await expect(lime(image, score, {workers: 1})).rejects.toThrow(/^lime: a score function/);
    });
  });

  it('need a configuration that makes the same layers again', async () => {
    class Forgetful extends layers.Layer {
      static readonly className: string = 'Forgetful';
      override getConfig(): serialization.ConfigDict {
        throw new Error('no configuration');
      }
    }
    const model = sequential({
      layers: [layers.globalAveragePooling2d({inputShape: [HEIGHT, WIDTH, 3]}), layers.dense({units: 2}), new Forgetful({})],
    });
    await expect(insertionScore(image, randomMap({height: HEIGHT, width: WIDTH}), model, {workers: 2})).rejects.toThrow(
      /getConfig|no configuration/,
    );
    model.dispose();
  });
});

describe('the option workers', () => {
  it('is a whole number from 0 to 256', async () => {
    for (const workers of [-1, 1.5, 257, NaN])
      await expect(rise(image, teacher, {...quick, workers})).rejects.toThrow(/^rise: workers must be a whole number from 0 to 256/);
    await expect(rise(image, teacher, {...quick, workers: '2' as never})).rejects.toThrow(TypeError);
    expect(await rise(image, teacher, {...quick, workers: 0})).toEqual(await rise(image, teacher, quick));
  });

  it('reports progress in order, to the end', async () => {
    const seen: number[] = [];
    await rise(image, teacher, {...quick, workers: 3, onProgress: ({done}) => seen.push(done)});
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(40);
  });
});

describe('errors in threads', () => {
  it('come out with class and message, and the next call works', async () => {
    const broken = patchTeacher();
    broken.setWeights(tidy(() => broken.getWeights().map((weight) => mul(weight, NaN))));
    const alone = await rise(image, broken, quick).catch((error: unknown) => error);
    await expectNoLeak(async () => {
      const thrown = await rise(image, broken, {...quick, workers: 2}).catch((error: unknown) => error);
      expect(thrown).toBeInstanceOf(RangeError);
      expect((thrown as Error).message).toBe((alone as Error).message);
      expect((thrown as Error).stack).toContain('worker-thread');
      expect(await rise(image, teacher, {...quick, workers: 2})).toHaveLength(1);
    });
    broken.dispose();
  });

  it('keep the classes of this library, and the names of others', async () => {
    const [own, other] = [fateful('own error'), fateful('other error')];
    await withOwnLayers(async () => {
      await expectNoLeak(async () => {
        const thrown = await rise(image, own, {...quick, workers: 2}).catch((error: unknown) => error);
        expect(thrown).toBeInstanceOf(UnsupportedModelError);
        expect((thrown as Error).message).toBe('of our own');
        expect(await rise(image, other, {...quick, workers: 2}).catch((error: unknown) => error)).toMatchObject({
          name: 'TheirError',
          message: 'of theirs',
        });
        expect(await rise(image, teacher, {...quick, workers: 2})).toHaveLength(1);
      });
    });
    own.dispose();
    other.dispose();
  });
});

describe('a thread that dies', () => {
  it('is an error and no end of waiting, and the next call works', async () => {
    const model = fateful('exit');
    const alone = await rise(image, teacher, quick);
    await withOwnLayers(async () => {
      await expectNoLeak(async () => {
        const thrown = await rise(images, model, {...quick, workers: 2}).catch((error: unknown) => error);
        expect(thrown).toBeInstanceOf(WorkerError);
        expect(thrown).toBeInstanceOf(AttentiveError);
        expect((thrown as Error).message).toMatch(/^rise: a worker thread was lost \(.*exited with code: 3/);
        expect(withoutWorkers(await rise(image, teacher, {...quick, workers: 2}))).toEqual(withoutWorkers(alone));
      });
    });
    model.dispose();
  });

  it('takes no other call of the same pool into eternity', async () => {
    const model = fateful('exit');
    await withOwnLayers(async () => {
      const calls = [
        rise(image, model, {...quick, workers: 2}),
        ...[1, 2, 3].map((seed) => rise(images, teacher, {...quick, seed, workers: 2})),
      ];
      const settled = await Promise.allSettled(calls);
      expect(settled[0]).toMatchObject({status: 'rejected'});
      for (const each of settled) if (each.status === 'rejected') expect(each.reason).toBeInstanceOf(WorkerError);
    });
    model.dispose();
  });
});

describe('a thread whose WebAssembly module was stopped in its middle', () => {
  it('is not used again', async () => {
    const model = fateful('trap');
    await withOwnLayers(async () => {
      for (let turn = 0; turn < 2; turn++)
        await expect(rise(image, model, {...quick, workers: 1})).rejects.toMatchObject({name: 'RuntimeError', message: 'unreachable'});
    });
    model.dispose();
  });
});

describe('an aborted run', () => {
  it('stops at once with the reason, leaves no tensor, and the next call works', async () => {
    await rise(image, teacher, {...quick, workers: 2});
    const alone = await rise(image, teacher, quick);
    await expectNoLeak(async () => {
      const controller = new AbortController();
      let done = 0;
      const before = memory().numTensors;
      const running = rise(images, teacher, {
        numMasks: 100_000,
        batchSize: 16,
        workers: 2,
        signal: controller.signal,
        onProgress: ({done: masks}) => {
          done = masks;
          if (masks >= 160) setTimeout(() => controller.abort(new Error('enough')), 5);
        },
      });
      await expect(running).rejects.toThrow('enough');
      expect(memory().numTensors).toBe(before);
      expect(done).toBeLessThan(100_000);
      expect(withoutWorkers(await rise(image, teacher, {...quick, workers: 2}))).toEqual(withoutWorkers(alone));
    });
  });

  it('stops before it has begun, and takes its listeners back', async () => {
    await expectNoLeak(async () => {
      await expect(lime(image, teacher, {segmenter: 'grid', workers: 2, signal: AbortSignal.abort(new Error('before'))})).rejects.toThrow(
        'before',
      );
      const {signal} = new AbortController();
      const counts = {add: 0, remove: 0};
      const counting = new Proxy(signal, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name, target);
          if (typeof value !== 'function') return value;
          return (...parameters: unknown[]): unknown => {
            if (name === 'addEventListener') counts.add++;
            if (name === 'removeEventListener') counts.remove++;
            return Reflect.apply(value, target, parameters);
          };
        },
      });
      await insertionScore(image, randomMap({height: HEIGHT, width: WIDTH}), teacher, {
        workers: 2,
        stepSize: 16,
        batchSize: 4,
        signal: counting,
      });
      expect(counts.add).toBeGreaterThan(3);
      expect(counts.remove).toBe(counts.add);
    });
  });
});

describe('threads', () => {
  afterEach(() => disposeWorkers());

  it('hold as many tensors after 500 calls as before, and none of models that are disposed of here', {timeout: 240_000}, async () => {
    await withOwnLayers(async () => {
      const model = sequential({
        layers: [
          layers.conv2d({inputShape: [8, 8, 1], filters: 2, kernelSize: 3}),
          layers.flatten(),
          layers.dense({units: 2, activation: 'softmax'}),
        ],
      });
      const counter = sequential({layers: [layers.flatten({inputShape: [8, 8, 1]}), new Census({})]});
      const black = zeros([8, 8, 1]) as Tensor3D;
      const options = {numMasks: 4, batchSize: 2, gridSize: 2, workers: 1};
      /** Tensors in the one thread while it scores, from the probabilities of its logits. */
      const tensors = async (): Promise<number> => {
        const [first, second] = await rise(black, counter, {...options, target: [0, 1]});
        return Math.round(1000 * Math.log(first!.score / second!.score));
      };
      await rise(black, model, options);
      const before = await tensors();
      expect(before).toBeGreaterThan(4);
      for (let call = 0; call < 500; call++) await rise(black, model, options);
      for (let turn = 0; turn < 10; turn++) {
        const passing = sequential({layers: [layers.flatten({inputShape: [8, 8, 1]}), layers.dense({units: 2, activation: 'softmax'})]});
        await rise(black, passing, options);
        passing.dispose();
      }
      expect(await tensors()).toBe(before);
      for (const each of [model, counter, black]) each.dispose();
    });
  });

  it('hold level memory over 500 calls', {timeout: 240_000}, async () => {
    const black = zeros([64, 64, 3]) as Tensor3D;
    const model = sequential({
      layers: [
        layers.conv2d({inputShape: [64, 64, 3], filters: 4, kernelSize: 3, strides: 4}),
        layers.flatten(),
        layers.dense({units: 4, activation: 'softmax'}),
      ],
    });
    const call = (): Promise<unknown> => rise(black, model, {numMasks: 16, batchSize: 8, gridSize: 4, workers: 2});
    for (let turn = 0; turn < 100; turn++) await call();
    const before = process.memoryUsage.rss();
    await expectNoLeak(async () => {
      for (let turn = 0; turn < 500; turn++) await call();
    });
    // The batches of a call take 0.8 MB, so 500 that were kept would take 400.
    expect((process.memoryUsage.rss() - before) / 2 ** 20).toBeLessThan(200);
    black.dispose();
    model.dispose();
  });

  it('end when they are told to: work that they have is given up, and a later call starts others', async () => {
    const alone = await rise(image, teacher, quick);
    const long = rise(image, teacher, {numMasks: 1_000_000, workers: 2});
    await Promise.all([
      expect(long).rejects.toThrow(/disposeWorkers\(\) was called/),
      new Promise((resolve) => setTimeout(resolve, 1500)).then(disposeWorkers),
    ]);
    expect(withoutWorkers(await rise(image, teacher, {...quick, workers: 2}))).toEqual(withoutWorkers(alone));
    await disposeWorkers();
    await disposeWorkers();
  });

  it('do not keep a program from ending', {timeout: 60_000}, async () => {
    const program = `
      import {zeros, setBackend} from '@tensorflow/tfjs-core';
      import '@tensorflow/tfjs-backend-${getBackend()}';
      import {layers, sequential} from '@tensorflow/tfjs-layers';
      import {rise} from './src/index.ts';
      await setBackend('${getBackend()}');
      const model = sequential({layers: [layers.flatten({inputShape: [8, 8, 1]}), layers.dense({units: 2, activation: 'softmax'})]});
      const [map] = await rise(zeros([8, 8, 1]), model, {numMasks: 10, batchSize: 2, gridSize: 2, workers: 2});
      console.log('maps of', map.data.length);
    `;
    const {stdout} = await promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
      cwd: root,
      timeout: 50_000,
    });
    expect(stdout).toContain('maps of 64');
  });
});

describe('where there are no threads', () => {
  it('a backend that is parallel in itself refuses them', async () => {
    const current = getBackend();
    const {backend} = engine();
    registerBackend('of-a-gpu', () => backend);
    try {
      await setBackend('of-a-gpu');
      await expect(rise(image, teacher, {...quick, workers: 2})).rejects.toThrow(BackendError);
      await expect(rise(image, teacher, {...quick, workers: 2})).rejects.toThrow(/cpu and wasm.*'of-a-gpu' is in use.*Leave it out/);
    } finally {
      await setBackend(current);
    }
  });
});

type BlockName = 'conv' | 'depthwise' | 'norm' | 'nested' | 'branch';

/** A classifier with random weights: some blocks, a pooled head, one sigmoid or several classes. */
function smallNetwork(
  seed: number,
  [height, width, channels]: [number, number, number],
  blocks: readonly BlockName[],
  units: number,
): LayersModel {
  const start = input({shape: [height, width, channels]});
  let x = start;
  for (const block of blocks) {
    if (block === 'conv') x = layers.conv2d({filters: 4, kernelSize: 3, padding: 'same', activation: 'relu'}).apply(x) as typeof x;
    if (block === 'depthwise') x = layers.depthwiseConv2d({kernelSize: 3, padding: 'same'}).apply(x) as typeof x;
    if (block === 'norm') x = layers.batchNormalization({scale: false}).apply(x) as typeof x;
    if (block === 'nested')
      x = sequential({
        layers: [layers.conv2d({inputShape: x.shape.slice(1) as number[], filters: 3, kernelSize: 1, activation: 'relu6' as never})],
      }).apply(x) as typeof x;
    if (block === 'branch')
      x = layers.concatenate().apply([x, layers.maxPooling2d({poolSize: 2, strides: 1, padding: 'same'}).apply(x) as typeof x]) as typeof x;
  }
  const pooled = layers.globalAveragePooling2d({}).apply(x) as typeof x;
  const outputs = layers.dense({units, activation: units === 1 ? 'sigmoid' : 'softmax'}).apply(pooled) as typeof x;
  const network = functional({inputs: start, outputs});
  const random = new Random(seed).split('weights');
  network.setWeights(
    tidy(() =>
      network.getWeights().map((weight) => {
        const values = Float32Array.from({length: weight.size}, () => random.uniform(0.01, 0.5));
        return tensor(values, weight.shape);
      }),
    ),
  );
  return network;
}
