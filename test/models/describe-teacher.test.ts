/** What is said of a model before anything is done with it. */
import '../helpers/use-wasm.js';
import {fill, memory, zeros, type Tensor4D} from '@tensorflow/tfjs-core';
import {input, layers, model as functional, sequential, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {describe, expect, it} from 'vitest';
import {AttentiveDistiller, describeTeacher, teacherFromLayersModel, teacherFromScores, type Model} from '../../src/index.js';
import {patchTeacher} from '../helpers/patch-world.js';

describe('describeTeacher', () => {
  it('says what goes in, what comes out, and what can be done', () => {
    const model = patchTeacher();
    const before = memory().numTensors;
    const found = describeTeacher(model);
    expect(found).toMatchObject({kind: 'LayersModel', name: 'patch_teacher', inputShape: [16, 24, 3], numClasses: 3, classes: 'exclusive'});
    expect(Object.values(found.uses).map(({works}) => works)).toEqual([true, true, true, true]);
    expect(found.attentionSites.length).toBeGreaterThan(2);
    expect(found.text).toMatch(/LayersModel 'patch_teacher'\n {2}input {11}\[16, 24, 3\]/);
    expect(describeTeacher(teacherFromLayersModel(model)).kind).toBe('Teacher');
    expect(memory().numTensors).toBe(before);
    model.dispose();
  });

  it('says why a method does not take a model', () => {
    const flat = sequential({layers: [layers.flatten({inputShape: [4, 4, 3]}), layers.dense({units: 2, activation: 'softmax'})]});
    const image = input({shape: [4, 4, 3]});
    const tanh = functional({
      inputs: image,
      outputs: layers.dense({units: 2, activation: 'tanh'}).apply(layers.flatten().apply(image)) as SymbolicTensor,
    });
    const cases: [Model, Record<string, RegExp | true>][] = [
      [flat, {scores: true, gradients: true, layers: /no layer gives a feature map/, 'copied student': /through 0 feature maps only/}],
      [tanh, {scores: /activation 'tanh'/, gradients: /tanh/, layers: /tanh/, 'copied student': /tanh/}],
      [() => [[1]], {scores: true, gradients: /a score function has no gradients/, layers: /no gradients/, 'copied student': /has none/}],
      [
        teacherFromScores(() => [[1]], {inputShape: [4, 4, 3], numClasses: 1}),
        {scores: true, gradients: /black box/, layers: /black box/, 'copied student': /has none/},
      ],
    ];
    for (const [model, expected] of cases) {
      const {uses, text} = describeTeacher(model);
      for (const [use, reason] of Object.entries(expected)) {
        const {works, reason: found} = uses[use as keyof typeof uses];
        expect(works, `${text}\n${use}`).toBe(reason === true);
        if (reason !== true) expect(found).toMatch(reason);
      }
    }
    expect(() => describeTeacher(7 as never)).toThrow(/describeTeacher: model must be/);
    flat.dispose();
    tanh.dispose();
  });

  it('guesses the preprocessing from layers and names, and applies nothing', () => {
    const named = (name: string): Model =>
      sequential({name, layers: [layers.flatten({inputShape: [4, 4, 3]}), layers.dense({units: 2, activation: 'softmax'})]});
    for (const [name, guess] of [
      ['mobilenetv2_1.00_224', 'tf'],
      ['MobileNetV3Small', 'none'],
      ['densenet121', 'torch'],
      ['resnet50', 'caffe'],
      ['resnet50v2', 'tf'],
      ['efficientnetb0', 'none'],
    ] as const) {
      expect(describeTeacher(named(name)).preprocessing?.guess, name).toBe(guess);
    }
    expect(describeTeacher(named('mine')).preprocessing).toBeUndefined();
    const scaling = sequential({
      layers: [layers.rescaling({scale: 1 / 255, inputShape: [4, 4, 3]}), layers.flatten(), layers.dense({units: 2})],
    });
    expect(describeTeacher(scaling).preprocessing).toMatchObject({guess: 'none', because: expect.stringContaining('0–255') as string});
  });
});

it('a teacher that wants pixels and gets numbers near 1 is told of', {timeout: 60_000}, async () => {
  const chain = patchTeacher();
  const image = input({shape: [16, 24, 3]});
  let x = layers.rescaling({scale: 1 / 64, offset: -1}).apply(image) as SymbolicTensor;
  for (const layer of chain.layers) x = layer.apply(x) as SymbolicTensor;
  const teacher = functional({inputs: image, outputs: x});
  const distiller = await AttentiveDistiller.create({teacher, seed: 1});
  for (const [images, isTold] of [
    [fill([4, 16, 24, 3], 0.5), true],
    [fill([4, 16, 24, 3], 180), false],
    [zeros([4, 16, 24, 3]), true],
  ] as const) {
    const {warnings} = await distiller.train([{images: images as Tensor4D}], {budget: {steps: 1}});
    expect(warnings.some((warning) => /wants pixels of 0–255, but the images lie within/.test(warning))).toBe(isTold);
    images.dispose();
  }
  distiller.dispose();
});
