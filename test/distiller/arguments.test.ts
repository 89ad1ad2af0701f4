/** What a distiller refuses, before any work: every message names the function and the argument. */
import '../helpers/use-wasm.js';
import {memory, tensor1d, tensor2d, zeros, type Tensor3D, type Tensor4D} from '@tensorflow/tfjs-core';
import {input, layers, model as functional, type LayersModel, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {
  AttentiveDistiller,
  DisposedError,
  residualStudent,
  stepSchedule,
  teacherFromLayersModel,
  UnsupportedModelError,
} from '../../src/index.js';
import {expectNoLeak} from '../helpers/expect.js';
import {patchBatch, patchTeacher} from '../helpers/patch-world.js';

const student = residualStudent({depth: 18, width: 2});
let model: LayersModel;
let gone: LayersModel;
let images: Tensor4D;
let goneImages: Tensor4D;
let distiller: AttentiveDistiller;

beforeAll(async () => {
  model = patchTeacher();
  gone = patchTeacher();
  gone.dispose();
  images = patchBatch(0, 2).images;
  goneImages = patchBatch(0, 2).images;
  goneImages.dispose();
  distiller = await AttentiveDistiller.create({teacher: model, student, seed: 1});
});

afterAll(() => {
  for (const each of [model, images, distiller]) each.dispose();
});

type Kind = new (message: string) => Error;
type Row = readonly [what: string, call: () => Promise<unknown>, kind: Kind, message: string | RegExp];

function refuses(rows: readonly Row[]): void {
  it.each(rows)('%s', (_, call, kind, message) =>
    expectNoLeak(async () => {
      await expect(call()).rejects.toThrow(kind);
      await expect(call()).rejects.toThrow(message);
    }),
  );
}

/** A student for images of any size. */
function sizeless(): LayersModel {
  const x = input({shape: [null, null, 3]});
  const map = layers.conv2d({filters: 4, kernelSize: 3}).apply(x) as SymbolicTensor;
  const logits = layers.dense({units: 3}).apply(layers.globalAveragePooling2d({}).apply(map)) as SymbolicTensor;
  return functional({inputs: x, outputs: [logits, map, map]});
}

describe('create() refuses', () => {
  const create = (options?: unknown): Promise<unknown> => AttentiveDistiller.create(options as never);
  const where = 'AttentiveDistiller.create';
  const teacher = (changes: object): object => ({...teacherFromLayersModel(model), ...changes});
  refuses([
    ['no options', () => create(), TypeError, `${where}: teacher must be a LayersModel, a GraphModel or a Teacher, but is undefined.`],
    ['options that are null', () => create(null), TypeError, `${where}: options must be an object, but is null.`],
    [
      'no teacher',
      () => create({seed: 1}),
      TypeError,
      `${where}: teacher must be a LayersModel, a GraphModel or a Teacher, but is undefined.`,
    ],
    [
      'a promise of a teacher',
      () => create({teacher: Promise.resolve(model)}),
      TypeError,
      `${where}: teacher must be a LayersModel, a GraphModel or a Teacher, but is a promise (await it first).`,
    ],
    [
      'a score function',
      () => create({teacher: () => [[1]]}),
      TypeError,
      `${where}: teacher must be a LayersModel, a GraphModel or a Teacher, but is a function.`,
    ],
    ['a GraphModel', () => create({teacher: {predict: () => 1, execute: () => 1}}), UnsupportedModelError, /GraphModel/],
    [
      'a disposed teacher',
      () => create({teacher: gone}),
      TypeError,
      `${where}: teacher must be a LayersModel, but is one that has been disposed.`,
    ],
    [
      'a Teacher whose model is disposed',
      () => create({teacher: teacher({model: gone})}),
      TypeError,
      `${where}: teacher.model must be a LayersModel, but is one that has been disposed.`,
    ],
    [
      'a Teacher without a name',
      () => create({teacher: teacher({name: undefined})}),
      TypeError,
      `${where}: teacher.name must be a text, but is undefined.`,
    ],
    [
      'a Teacher without a size',
      () => create({teacher: teacher({inputShape: [16, 24]})}),
      RangeError,
      `${where}: teacher.inputShape must be [height, width, channels], but is [16, 24].`,
    ],
    [
      'a Teacher with half a class',
      () => create({teacher: teacher({numClasses: 2.5})}),
      RangeError,
      `${where}: teacher.numClasses must be a whole number of at least 1, but is 2.5.`,
    ],
    [
      'a Teacher with too few labels',
      () => create({teacher: teacher({labels: ['a']})}),
      RangeError,
      `${where}: teacher.labels must have 3 entries, one per class, but has 1.`,
    ],
    [
      'labels beside a Teacher',
      () => create({teacher: teacher({}), labels: ['a', 'b', 'c']}),
      TypeError,
      `${where}: preprocessing and labels are for a LayersModel`,
    ],
    [
      'labels that are numbers',
      () => create({teacher: model, labels: [1, 2, 3]}),
      TypeError,
      `${where}: labels[0] must be a text, but is 1.`,
    ],
    ['an unknown preprocessing', () => create({teacher: model, preprocessing: 'keras'}), RangeError, /preprocessing must be one of 'tf'/],
    ['a misspelt option', () => create({teacher: model, sead: 1}), TypeError, `${where}: there is no option 'sead'. Did you mean 'seed'?`],
    [
      'a seed below 0',
      () => create({teacher: model, seed: -1}),
      RangeError,
      `${where}: seed must be a whole number from 0 to 4294967295, but is -1.`,
    ],
    [
      'a student by another name',
      () => create({teacher: model, student: 'resnet'}),
      RangeError,
      `${where}: student must be 'fromTeacher' or a builder such as residualStudent(), but is "resnet".`,
    ],
    ['two filters', () => create({teacher: model, decoder: {filters: [1, 2]}}), RangeError, `${where}: decoder.filters must be`],
    [
      'a misspelt option of the decoder',
      () => create({teacher: model, decoder: {filter: [1, 2, 3]}}),
      TypeError,
      `${where}: there is no option 'decoder.filter'. Did you mean 'filters'?`,
    ],
    [
      'a builder that makes nothing',
      () => create({teacher: model, student: () => undefined}),
      TypeError,
      `${where}: student must return {model: a LayersModel, trainingMode: true or false}, but returned undefined.`,
    ],
    [
      'a student without Δf',
      () => create({teacher: model, student: () => ({model: patchTeacher(), trainingMode: false})}),
      UnsupportedModelError,
      `${where}: a student must have the outputs [logits [3], Δf, Δf, …], two Δf or more`,
    ],
    [
      'a student whose Δf have no size',
      () => create({teacher: model, student: () => ({model: sizeless(), trainingMode: false})}),
      UnsupportedModelError,
      `with fixed sizes [h, w, C], finest first, but has [3], [, , 4], [, , 4]`,
    ],
    [
      'a student of other classes',
      () =>
        create({
          teacher: teacher({numClasses: 2}),
          student: (_: unknown, options: {seed: number}) => residualStudent({depth: 18, width: 2})(teacher({}) as never, options),
        }),
      UnsupportedModelError,
      `${where}: a student must have the outputs [logits [2], Δf, Δf, …], two Δf or more`,
    ],
  ]);
});

describe('fit(), train() and evaluate() refuse', () => {
  const train = (batches: unknown, options?: unknown): Promise<unknown> => distiller.train(batches as never, options as never);
  const fit = (options: unknown): Promise<unknown> => distiller.fit([{images}], options as never).next();
  const evaluate = (batches: unknown, options?: unknown): Promise<unknown> => distiller.evaluate(batches as never, options as never);
  const one = (): object[] => [{images}];
  const batchesRule =
    'batches must be an array, iterable or async iterable of {images, labels}, or a function of the epoch that returns one';
  refuses([
    ['misspelt options', () => train(one(), {epoch: 1, lamda: 3}), TypeError, "train: there is no option 'epoch'. Did you mean 'epochs'?"],
    [
      'a misspelt stage',
      () => train(one(), {epochs: {students: 1}}),
      TypeError,
      "train: there is no option 'epochs.students'. Did you mean 'student'?",
    ],
    [
      'half an epoch',
      () => train(one(), {epochs: 1.5}),
      RangeError,
      'train: epochs must be a whole number from 0 to 100000 or an object {student, explanation}, but is 1.5.',
    ],
    [
      'half an epoch of a stage',
      () => train(one(), {epochs: {student: 1.5}}),
      RangeError,
      'train: epochs.student must be a whole number from 0 to 100000, but is 1.5.',
    ],
    [
      'a rate that is NaN',
      () => train(one(), {learningRate: NaN}),
      RangeError,
      /^train: learningRate must be a finite number of at least 0 or .*, but is NaN\.$/,
    ],
    [
      'a schedule that is no function',
      () => train(one(), {schedule: {student: 1}}),
      TypeError,
      'train: schedule.student must be a function, but is 1.',
    ],
    [
      'another optimizer',
      () => train(one(), {optimizer: 'lion'}),
      RangeError,
      "train: optimizer must be one of 'adam', 'sgd', but is \"lion\".",
    ],
    ['a negative λ', () => train(one(), {lambda: -1}), RangeError, 'train: lambda must be a finite number of at least 0, but is -1.'],
    ['noise as fill', () => train(one(), {fill: 'noise'}), RangeError, "train: fill must be one of 'zeros', 'blur', but is \"noise\"."],
    [
      'onProgress that is no function',
      () => train(one(), {onProgress: true}),
      TypeError,
      'train: onProgress must be a function, but is true.',
    ],
    [
      'a controller as signal',
      () => train(one(), {signal: new AbortController()}),
      TypeError,
      'train: signal must be an AbortSignal, but is AbortController.',
    ],
    ['onProgress of fit(), which yields', () => fit({onProgress: () => 1}), TypeError, /^fit: there is no option 'onProgress'/],
    ['wrong options of fit()', () => fit({alpha: 2}), RangeError, 'fit: alpha must be a finite number from 0 to 1, but is 2.'],
    ['no batches', () => train(undefined), TypeError, `train: ${batchesRule}, but is undefined.`],
    ['a text as batches', () => train('abc'), TypeError, `train: ${batchesRule}, but is "abc".`],
    ['a promise of batches', () => train(Promise.resolve([])), TypeError, `train: ${batchesRule}, but is a promise (await it first).`],
    ['one batch alone', () => train({images}), TypeError, `train: ${batchesRule}, but is Object.`],
    [
      'batches without images',
      () => train([{images}, {pictures: images}]),
      TypeError,
      'train: batch 1 must be {images, labels}, but is Object.',
    ],
    [
      'images as batches',
      () => train([images]),
      TypeError,
      'train: batch 0 must be {images, labels}, but is Tensor of shape [2, 16, 24, 3].',
    ],
    [
      'a promise as batch',
      () => train([Promise.resolve({images})]),
      TypeError,
      'train: batch 0 must be {images, labels}, but is a promise (await it first).',
    ],
    [
      'disposed images',
      () => train([{images: goneImages}]),
      TypeError,
      'train: batch 0: images must be a tensor, but is a disposed Tensor of shape [2, 16, 24, 3].',
    ],
    [
      'a single image that is no batch',
      () => train([{images: {data: new Uint8Array(3), width: 1, height: 1}}]),
      TypeError,
      'train: batch 0: images must be a tensor, but is Object.',
    ],
    [
      'a picture that is none',
      () => train([{images: [null]}]),
      TypeError,
      /^train: batch 0: images\[0\] must be a tensor or a picture .*, but is null\.$/,
    ],
    ['a batch of no images', () => train([{images: []}]), RangeError, 'train: batch 0: images must hold at least one image, but is [].'],
    [
      'too few labels',
      () => train([{images, labels: [1]}]),
      RangeError,
      'train: batch 0: labels must be as many as the 2 images of the batch, but are 1.',
    ],
    [
      'labels that are text',
      () => train([{images, labels: ['ant', 'bee']}]),
      TypeError,
      'train: batch 0: labels[0] must be a number, but is "ant".',
    ],
    [
      'labels that are no list',
      () => train([{images, labels: {}}]),
      TypeError,
      'train: batch 0: labels must be a list of numbers, but is Object.',
    ],
    [
      'labels that are no class',
      () => train([{images, labels: [0, 3]}]),
      RangeError,
      'train: batch 0: labels[1] must be a whole number from 0 to 2, but is 3.',
    ],
    ['wrong validation', () => train(one(), {validation: 5}), TypeError, /^train: validation must be an array, .*, but is 5\.$/],
    [
      'a wrong batch of the validation',
      () => train(one(), {validation: [{}]}),
      TypeError,
      'train: validation: batch 0 must be {images, labels}, but is Object.',
    ],
    ['a wrong batch that a function makes', () => train(() => [{}]), TypeError, /^train: batch 0 must be \{images, labels\}/],
    [
      'a misspelt option of evaluate()',
      () => evaluate(one(), {stepsize: 4}),
      TypeError,
      "evaluate: there is no option 'stepsize'. Did you mean 'stepSize'?",
    ],
    ['a step of 0', () => evaluate(one(), {stepSize: 0}), RangeError, 'evaluate: stepSize must be a whole number of at least 1, but is 0.'],
    ['causal that is no boolean', () => evaluate(one(), {causal: 'no'}), TypeError, 'evaluate: causal must be true or false, but is "no".'],
    ['no batches to evaluate', () => evaluate(7), TypeError, `evaluate: ${batchesRule}, but is 7.`],
  ]);

  it('labels of the wrong rank', async () => {
    const labels = tensor2d([[1], [2]]);
    await expect(train([{images, labels}])).rejects.toThrow('train: batch 0: labels must have shape [?], but has [2, 1].');
    labels.dispose();
  });

  it('a tensor of one image, which is no batch', async () => {
    const single = zeros([16, 24, 3]) as Tensor3D;
    await expect(train([{images: single}])).rejects.toThrow('train: batch 0: images must have shape [?, ?, ?, ?], but has [16, 24, 3].');
    single.dispose();
  });

  it('a teacher that gives something else than logits', () =>
    expectNoLeak(async () => {
      const answering = async (logits: (batch: Tensor4D) => unknown): Promise<AttentiveDistiller> =>
        AttentiveDistiller.create({teacher: {name: 't', inputShape: [16, 24, 3], numClasses: 3, logits: logits as never}, student});
      const late = await answering(() => Promise.resolve());
      await expect(late.train([{images}])).rejects.toThrow(
        'train: batch 0: teacher.logits must return a tensor of shape [2, 3], but returned a promise',
      );
      const flat = await answering(() => tensor1d([1, 2, 3]));
      await expect(flat.train([{images}])).rejects.toThrow(
        'train: batch 0: what teacher.logits returns must have shape [2, 3], but has [3].',
      );
      await expect(flat.save('file://./out/never')).rejects.toThrow(/^save: what teacher.logits returns/);
      late.dispose();
      flat.dispose();
    }));
});

describe('explain() refuses', () => {
  const explain = (what: unknown, options?: unknown): Promise<unknown> => distiller.explain(what as never, options as never);
  refuses([
    ['no image', () => explain([]), RangeError, 'explain: images must hold at least one image, but is [].'],
    ['null', () => explain(null), TypeError, /^explain: images must be a tensor or a picture .*, but is null\.$/],
    ['a promise', () => explain(Promise.resolve(images)), TypeError, /^explain: images must be .*, but is a promise \(await it first\)\.$/],
    ['disposed images', () => explain(goneImages), TypeError, /^explain: images must be .*, but is a disposed Tensor/],
    [
      'a picture without preprocessing',
      () => explain({data: new Uint8Array(12), width: 2, height: 2}),
      TypeError,
      /^explain: images must be .*preprocessing/,
    ],
    [
      'a misspelt option',
      () => explain(images, {batchsize: 4}),
      TypeError,
      "explain: there is no option 'batchsize'. Did you mean 'batchSize'?",
    ],
    [
      'a batch of nothing',
      () => explain(images, {batchSize: 0}),
      RangeError,
      'explain: batchSize must be a whole number of at least 1, but is 0.',
    ],
    [
      'compile that is no boolean',
      () => explain(images, {compile: 'yes'}),
      TypeError,
      'explain: compile must be true or false, but is "yes".',
    ],
    ['score that is no boolean', () => explain(images, {score: 0}), TypeError, 'explain: score must be true or false, but is 0.'],
    [
      'workers that are no number',
      () => explain(images, {workers: true}),
      TypeError,
      'explain: workers must be a whole number from 0 to 256, but is true.',
    ],
    ['a target and no score', () => explain(images, {score: false, target: 'argmax'}), TypeError, /^explain: target .* score: false/],
    [
      'onProgress that is no function',
      () => explain(images, {onProgress: 'log'}),
      TypeError,
      'explain: onProgress must be a function, but is "log".',
    ],
    [
      'a signal that is none',
      () => explain(images, {signal: {aborted: false}}),
      TypeError,
      'explain: signal must be an AbortSignal, but is Object.',
    ],
  ]);
});

describe('save() and load() refuse', () => {
  const load = (url: unknown, options?: unknown): Promise<unknown> => AttentiveDistiller.load(url as never, options as never);
  refuses([
    ['an address that is no text', () => distiller.save(5 as never), TypeError, 'AttentiveDistiller.save: url must be a text, but is 5.'],
    [
      'to load from nowhere',
      () => load(undefined, {teacher: model}),
      TypeError,
      'AttentiveDistiller.load: url must be a text, but is undefined.',
    ],
    [
      'to load without a teacher',
      () => load('file://./out/never'),
      TypeError,
      'AttentiveDistiller.load: teacher must be a LayersModel, a GraphModel or a Teacher, but is undefined.',
    ],
    [
      'to load with what only create() takes',
      () => load('file://./out/never', {teacher: model, seed: 1}),
      TypeError,
      /^AttentiveDistiller.load: there is no option 'seed'/,
    ],
    [
      'to load with a disposed teacher',
      () => load('file://./out/never', {teacher: gone}),
      TypeError,
      /^AttentiveDistiller.load: teacher must be .*disposed/,
    ],
  ]);
});

it('a teacher that is disposed later is named wherever it is needed', async () => {
  const teacher = patchTeacher();
  const made = await AttentiveDistiller.create({teacher, student});
  teacher.dispose();
  const batches = [{images}];
  for (const [name, call] of Object.entries({
    train: () => made.train(batches),
    fit: () => made.fit(batches).next(),
    evaluate: () => made.evaluate(batches),
    save: () => made.save('file://./out/never'),
  })) {
    await expect(call(), name).rejects.toThrow(DisposedError);
    await expect(call(), name).rejects.toThrow(
      `${name}: the model of teacher 'patch_teacher' has been disposed; it has to outlive the distiller.`,
    );
  }
  // Maps need no teacher.
  expect(await made.explain(images)).toHaveLength(2);
  made.dispose();
});

describe('stepSchedule() refuses', () => {
  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'stepSchedule: initialEpochs must be a whole number of at least 1, but is undefined.'],
    ['half of it', {initialEpochs: 1}, 'stepSchedule: every must be a whole number of at least 1, but is undefined.'],
    ['drops of every 0 epochs', {initialEpochs: 1, every: 0}, 'stepSchedule: every must be a whole number of at least 1, but is 0.'],
    ['misspelt options', {initialEpochs: 1, every: 1, facter: 1}, "stepSchedule: there is no option 'facter'. Did you mean 'factor'?"],
  ])('%s', (_, options, message) => {
    expect(() => stepSchedule(options as never)).toThrow(message);
  });
});

it('nothing of all this is left', () => {
  const held = memory().numTensors;
  distiller.dispose();
  images.dispose();
  expect(held - memory().numTensors).toBeGreaterThan(0);
  expect(memory().numTensors).toBe(model.weights.length);
});
