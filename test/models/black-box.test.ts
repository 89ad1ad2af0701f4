/** Teachers of which only scores can be asked: by ONNX Runtime, by a function, by lists of labels. */
import '../helpers/use-wasm.js';
import {memory, mul, randomUniform, softmax, tidy, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {layers, sequential, type Sequential} from '@tensorflow/tfjs-layers';
import * as ort from 'onnxruntime-web';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {
  AttentiveDistiller,
  gradCam,
  gradientSaliency,
  lime,
  residualStudent,
  rise,
  scoresFromLabels,
  scoresFromOnnx,
  teacherFromLayersModel,
  teacherFromScores,
  UnsupportedModelError,
  type ScoreFn,
  type Teacher,
} from '../../src/index.js';
import {onnxOfLayers} from '../../scripts/onnx/onnx-of-layers.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {HEIGHT, patchBatch, patchTeacher, WIDTH} from '../helpers/patch-world.js';
import {temporaryStore} from '../helpers/temporary-store.js';

const shape = {inputShape: [HEIGHT, WIDTH, 3], numClasses: 3} as const;
const student = residualStudent({depth: 18, width: 4});
let model: Sequential;
let open: Teacher;
let hidden: ScoreFn;
let batch: {images: Tensor4D};

beforeAll(() => {
  model = patchTeacher();
  open = teacherFromLayersModel(model);
  hidden = async (images) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return tidy(() => softmax<Tensor2D>(open.logits(images)));
  };
  batch = {images: patchBatch(0, 8).images};
});
afterAll(() => {
  model.dispose();
  batch.images.dispose();
});

describe('scoresFromOnnx', () => {
  const network = (activation: 'softmax' | 'linear'): Sequential =>
    sequential({
      layers: [
        layers.conv2d({inputShape: [10, 8, 3], filters: 4, kernelSize: 3, strides: 2, activation: 'relu'}),
        layers.averagePooling2d({poolSize: 2}),
        layers.globalAveragePooling2d({}),
        layers.dense({units: 5, activation}),
      ],
    });

  it.each(['softmax', 'linear'] as const)('gives what the same network of layers gives: %s', async (activation) => {
    const twin = network(activation);
    const session = await ort.InferenceSession.create(await onnxOfLayers(twin));
    const images: Tensor4D = randomUniform([3, 10, 8, 3], -1, 1, 'float32', 2);
    const score = scoresFromOnnx(session, {Tensor: ort.Tensor as never, activation: activation === 'linear' ? 'softmax' : 'none'});
    const target = [0, 1, 2, 3, 4];
    const [ours, theirs] = [
      await rise(images, score, {target, numMasks: 6, seed: 1}),
      await rise(images, twin, {target, numMasks: 6, seed: 1}),
    ];
    ours.forEach((map, index) => {
      expectClose(map.data, theirs[index]!.data, {abs: 1e-4});
      expect(map.score).toBeCloseTo(theirs[index]!.score, 5);
    });
    // One session, asked twice at once.
    const teacher = teacherFromScores(score, {inputShape: [10, 8, 3], numClasses: 5});
    const both = await Promise.all([
      rise(images, teacher, {numMasks: 4, seed: 1}),
      lime(images, teacher, {numSamples: 6, segmenter: 'grid'}),
    ]);
    expect(both.flat()).toHaveLength(6);
    images.dispose();
    twin.dispose();
  });

  it('names what is wrong', async () => {
    const twin = network('softmax');
    const session = await ort.InferenceSession.create(await onnxOfLayers(twin));
    twin.dispose();
    const Tensor = ort.Tensor as never;
    expect(() => scoresFromOnnx({} as never, {Tensor})).toThrow(/session must be a session of ONNX Runtime/);
    expect(() => scoresFromOnnx(session, {} as never)).toThrow(/Tensor must be/);
    expect(() => scoresFromOnnx(session, {Tensor, input: 'x'})).toThrow(/input must be one of 'image', but is "x"/);
  });
});

describe('scoresFromLabels', () => {
  it('spreads what is left evenly over the classes that are not named', async () => {
    const score = scoresFromLabels(['a', 'b', 'c', 'd'], () => Promise.resolve([[{label: 'c', score: 0.6}, {label: 'a', score: 0.2}]])); // prettier-ignore
    const [row] = (await score({shape: [1]} as never)) as Float32Array[];
    expectClose(row!, [0.2, 0.1, 0.6, 0.1], {abs: 1e-6});
  });

  it.each<[string, unknown, RegExp]>([
    ['an unknown label', [[{label: 'x', score: 0.5}]], /named the class "x", which is not among the labels/],
    ['too few lists', [], /a list for each of the 1 images/],
    [
      'scores above 1',
      [
        [
          {label: 'a', score: 0.7},
          {label: 'b', score: 0.7},
        ],
      ],
      /sum to at most 1/,
    ],
  ])('refuses %s', async (_, lists, message) => {
    const score = scoresFromLabels(['a', 'b'], () => Promise.resolve(lists as never));
    await expect(score({shape: [1]} as never)).rejects.toThrow(message);
  });
});

describe('a black box', () => {
  it('is scored as its function is, and has no gradient', () =>
    expectNoLeak(async () => {
      const teacher = teacherFromScores(hidden, {...shape, labels: ['r', 'g', 'b']});
      const [a, b] = [await rise(batch.images, teacher, {numMasks: 8, seed: 1}), await rise(batch.images, open, {numMasks: 8, seed: 1})];
      a.forEach((map, index) => expectClose(map.data, b[index]!.data, {abs: 1e-4}));
      for (const explain of [gradCam, gradientSaliency]) {
        await expect(explain(batch.images, teacher)).rejects.toThrow(UnsupportedModelError);
        await expect(explain(batch.images, teacher)).rejects.toThrow(/teacher 'scores' is a black box/);
      }
      expect(() => teacher.logits(batch.images)).toThrow(/black box/);
    }));

  it('is distilled: its student agrees, draws maps, is saved and loaded', {timeout: 240_000}, async () => {
    const store = await temporaryStore();
    const before = memory().numTensors;
    const teacher = teacherFromScores(hidden, {...shape, name: 'hidden'});
    const distiller = await AttentiveDistiller.create({teacher, student, seed: 3});
    await distiller.train([batch], {epochs: {student: 60, explanation: 4}, learningRate: {student: 5e-3}});
    const {agreement, insertion} = await distiller.evaluate([batch]);
    expect(agreement).toBeGreaterThanOrEqual(0.75);
    expect(insertion).toBeGreaterThan(0);
    const [map] = await distiller.explain(batch.images);
    expect(map!.empty).toBe(false);
    await expect(distiller.explain(batch.images, {refine: 1})).rejects.toThrow(/black box/);
    await distiller.save(store.url('hidden'));
    const again = await AttentiveDistiller.load(store.url('hidden'), {teacher});
    expect((await again.explain(batch.images))[0]!.data).toEqual(map!.data);
    const other = teacherFromScores(async (images) => tidy(() => softmax(mul<Tensor2D>(open.logits(images), 2))), shape);
    await expect(AttentiveDistiller.load(store.url('hidden'), {teacher: other})).rejects.toThrow(/belongs to teacher 'hidden'/);
    again.dispose();
    distiller.dispose();
    await store.remove();
    expect(memory().numTensors).toBe(before);
  });

  it('whose function throws ends the training with that error, and the distiller stays usable', async () => {
    let calls = 0;
    const failing: ScoreFn = (images) => (++calls > 2 ? Promise.reject(new Error('offline')) : hidden(images));
    const distiller = await AttentiveDistiller.create({teacher: teacherFromScores(failing, shape), student, seed: 3});
    await expect(distiller.train([batch], {epochs: {student: 4, explanation: 0}})).rejects.toThrow('offline');
    expect(await distiller.explain(batch.images)).toHaveLength(8);
    distiller.dispose();
  });

  it('has a student by default, and its student scores: the teacher cannot', async () => {
    const distiller = await AttentiveDistiller.create({teacher: teacherFromScores(hidden, shape), seed: 3});
    await expect(distiller.train([batch], {scorer: 'teacher'})).rejects.toThrow(/scorer must be 'student'/);
    distiller.dispose();
  });

  it.each<[string, unknown, object, RegExp]>([
    ['too few classes', [[0.5, 0.5]], {}, /must be 3 per image, but are 2/],
    ['logits that are not said to be', [[0.5, 4, 0.1]], {}, /must be probabilities in 0–1, but one is 4\. Are they logits\?/],
    ['what is not finite', [[0.5, NaN, 0.1]], {output: 'logits'}, /must give finite scores/],
  ])('is refused for %s', async (_, scores, options, message) => {
    const teacher = teacherFromScores(() => scores as never, {...shape, ...options});
    const [image] = [patchBatch(0, 1).images];
    await expect(rise(image, teacher, {numMasks: 2})).rejects.toThrow(message);
    image.dispose();
  });

  it('may have one probability, or independent ones', async () => {
    const image = patchBatch(0, 1).images;
    for (const [numClasses, classes, row, score] of [
      [1, 'exclusive', [0.8], 0.8],
      [2, 'independent', [0.8, 0.9], 0.9],
      [2, 'exclusive', [0.2, 0.8], 0.8],
    ] as const) {
      const teacher = teacherFromScores((x) => Array.from({length: x.shape[0]}, () => [...row]), {...shape, numClasses, classes});
      const [map] = await rise(image, teacher, {numMasks: 2});
      expect(map!.score).toBeCloseTo(score, 5);
    }
    image.dispose();
  });
});
