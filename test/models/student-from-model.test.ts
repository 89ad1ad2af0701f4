/** Students that start as another trained network: they see with it what it saw before, and learn to decide as the teacher. */
import '../helpers/use-wasm.js';
import {
  add,
  div,
  image,
  matMul,
  memory,
  mul,
  randomUniform,
  reverse,
  softmax,
  sub,
  tidy,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {layers, model as modelOf, sequential, type LayersModel, type Sequential} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {
  AttentiveDistiller,
  studentFromModel,
  studentFromTeacher,
  teacherFromLayersModel,
  teacherFromScores,
  UnsupportedModelError,
  type Teacher,
} from '../../src/index.js';
import {disposeModel} from '../../src/tfjs/model-variables.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {HEIGHT, patchBatch, patchTeacher, WIDTH} from '../helpers/patch-world.js';
import {temporaryStore} from '../helpers/temporary-store.js';

const conv = (filters: number, name: string): layers.Layer =>
  layers.conv2d({filters, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu', biasInitializer: 'glorotUniform', name});

/** A network of 16×16 pictures and seven classes. */
function trained(
  closing: layers.Layer[] = [layers.globalAveragePooling2d({name: 'pooled'}), layers.dense({units: 7, activation: 'softmax'})],
): Sequential {
  return sequential({
    layers: [
      layers.conv2d({inputShape: [16, 16, 3], filters: 8, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu'}),
      conv(12, 'second'),
      conv(16, 'third'),
      ...closing,
    ],
  });
}

const blackBox = (numClasses: number, more: object = {}): Teacher =>
  teacherFromScores((images) => Array.from({length: images.shape[0]}, () => Array<number>(numClasses).fill(1 / numClasses)), {
    inputShape: [8, 8, 3],
    numClasses,
    ...more,
  });

describe('a student from a model', () => {
  it('sees what the model would see of the same picture, at its size and in its colours', () =>
    expectNoLeak(async () => {
      const original = trained();
      const upTo = modelOf({inputs: original.inputs, outputs: original.getLayer('pooled').output});
      const teacher = blackBox(5, {preprocessing: 'torch'});
      for (const [preprocessing, size] of [
        ['tf', undefined],
        ['caffe', [12, 20]],
      ] as const) {
        const {model, trainingMode} = await studentFromModel(original, {preprocessing, size, scales: 2, initialGate: 1 - 1e-6})(teacher, {
          seed: 1,
        });
        expect(trainingMode).toBe(false);
        expect(model.outputs.map(({shape}) => shape)).toEqual(
          size
            ? [
                [null, 5],
                [null, 3, 5, 12],
                [null, 2, 3, 16],
              ]
            : [
                [null, 5],
                [null, 4, 4, 12],
                [null, 2, 2, 16],
              ],
        );
        const pixels: Tensor4D = randomUniform([2, 8, 8, 3], 0, 255, 'float32', 3);
        const [kernel, bias] = model.layers.find(({name}) => name.endsWith('logits'))!.getWeights() as [Tensor2D, Tensor2D];
        const [got, wanted] = tidy(() => {
          const torch = div(sub(div(pixels, 255), [0.485, 0.456, 0.406]), [0.229, 0.224, 0.225]);
          const larger = image.resizeBilinear(pixels, [...(size ?? [16, 16])] as [number, number], false, true);
          const own = preprocessing === 'tf' ? sub(div(larger, 127.5), 1) : sub(reverse(larger, 3), [103.939, 116.779, 123.68]);
          // At another size the same layers, one by one.
          const features = size
            ? original.layers.slice(0, 4).reduce((x, layer) => layer.apply(x) as Tensor4D, own as Tensor4D)
            : (upTo.predict(own) as Tensor4D);
          return [(model.predict(torch) as Tensor2D[])[0]!, add(matMul(features as unknown as Tensor2D, kernel), bias)];
        });
        const values = await wanted!.data();
        expectClose(await got!.data(), values, {abs: 1e-4 * Math.max(1, ...values.map(Math.abs))});
        for (const tensor of [pixels, got, wanted]) tensor!.dispose();
        disposeModel(model);
      }
      original.dispose();
    }));

  it('needs no translation where neither preprocessing is known, and none of size where it fits', async () => {
    const original = trained();
    const {model} = await studentFromModel(original, {size: [8, 8], scales: 2})(blackBox(5), {seed: 1});
    const names = model.layers.map(({name}) => name);
    expect(names.some((name) => /to_size|to_preprocessing/.test(name))).toBe(false);
    const translated = await studentFromModel(original, {preprocessing: 'unit', scales: 2})(blackBox(5, {preprocessing: 'tf'}), {seed: 1});
    const fixed = translated.model.layers.find(({name}) => name.endsWith('to_preprocessing'))!;
    expect(fixed.trainableWeights).toEqual([]);
    for (const each of [model, translated.model]) disposeModel(each);
    original.dispose();
  });

  it('is refused by name where it cannot be', () =>
    expectNoLeak(async () => {
      const original = trained();
      const flat = trained([layers.flatten({name: 'flat'}), layers.dense({units: 7, activation: 'softmax'})]);
      const build = async (from: LayersModel, options: object, teacher: Teacher): Promise<unknown> =>
        studentFromModel(from, options)(teacher, {seed: 1});
      await expect(build(original, {}, blackBox(5, {preprocessing: 'tf'}))).rejects.toThrow(
        /preprocessing must be given for the model and for the teacher/,
      );
      await expect(build(original, {preprocessing: 'tf'}, blackBox(5))).rejects.toThrow(/only that of the model is/);
      await expect(build(original, {}, blackBox(5, {inputShape: [8, 8, 1]}))).rejects.toThrow(/must take 1 channels/);
      await expect(build(original, {scales: 9}, blackBox(5))).rejects.toThrow(UnsupportedModelError);
      await expect(build(original, {features: 'nowhere'}, blackBox(5))).rejects.toThrow(/nowhere/);
      // What is flattened belongs to one size, but a fresh head reads it at any.
      const {model} = await studentFromModel(flat, {size: [24, 24], scales: 2})(blackBox(5), {seed: 1});
      disposeModel(model);
      const reshaped = trained([layers.reshape({targetShape: [4, 16]}), layers.flatten(), layers.dense({units: 7})]);
      await expect(build(reshaped, {size: [24, 24], scales: 2}, blackBox(5))).rejects.toThrow(/cannot run at 24×24: leave out size/);
      expect(() => studentFromModel({} as never)).toThrow(/trained must be a LayersModel/);
      for (const each of [original, flat, reshaped]) each.dispose();
    }));
});

describe('distilled', () => {
  let open: Sequential;
  let batch: {images: Tensor4D};
  beforeAll(() => {
    open = patchTeacher();
    batch = {images: patchBatch(0, 8).images};
  });
  afterAll(() => {
    open.dispose();
    batch.images.dispose();
  });

  it('learns without being told for how long, agrees, and is the same after a save', {timeout: 240_000}, async () => {
    const store = await temporaryStore();
    const before = memory().numTensors;
    const own = teacherFromLayersModel(open);
    const teacher = teacherFromScores((images) => tidy(() => softmax<Tensor2D>(own.logits(images))), {
      inputShape: [HEIGHT, WIDTH, 3],
      numClasses: 3,
      name: 'hidden',
    });
    const original = trained();
    const distiller = await AttentiveDistiller.create({teacher, student: studentFromModel(original, {scales: 2}), seed: 3});
    original.dispose();
    const stages = new Set<string>();
    await distiller.train([batch], {
      epochs: {explanation: 2},
      learningRate: {student: 1e-2},
      onProgress: ({stage}) => stages.add(stage),
    });
    expect([...stages]).toEqual(['student', 'explanation']);
    const {agreement} = await distiller.evaluate([batch]);
    expect(agreement).toBeGreaterThanOrEqual(0.75);
    const [map] = await distiller.explain(batch.images);
    await distiller.save(store.url('hidden'));
    const again = await AttentiveDistiller.load(store.url('hidden'), {teacher});
    expect((await again.explain(batch.images))[0]!.data).toEqual(map!.data);
    again.dispose();
    distiller.dispose();
    await store.remove();
    expect(memory().numTensors).toBe(before);
  });

  it('a copy of another teacher is saved whole: it cannot be made again of this one', {timeout: 120_000}, async () => {
    const store = await temporaryStore();
    const teacher = teacherFromLayersModel(open);
    const twin = patchTeacher();
    twin.setWeights(twin.getWeights().map((weight) => tidy(() => mul(weight, 1.5))));
    const other = teacherFromLayersModel(twin);
    const distiller = await AttentiveDistiller.create({teacher, student: (_, options) => studentFromTeacher()(other, options), seed: 3});
    const [map] = await distiller.explain(batch.images);
    await distiller.save(store.url('twin'));
    twin.dispose();
    const again = await AttentiveDistiller.load(store.url('twin'), {teacher});
    expect((await again.explain(batch.images))[0]!.data).toEqual(map!.data);
    again.dispose();
    distiller.dispose();
    await store.remove();
  });
});
