/** What comes after a softmax or a sigmoid: the model's own probability, or a refusal by name; never squashed twice. */
import '../helpers/use-wasm.js';
import {
  memory,
  randomUniform,
  sigmoid,
  softmax,
  sum,
  tidy,
  type Scalar,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {input, layers, model as functional, type LayersModel, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {rise, teacherFromLayersModel, UnsupportedModelError} from '../../src/index.js';
import {KerasArithmetic} from '../../src/layers/keras/arithmetic.js';
import {expectClose} from '../helpers/expect.js';
import {expectGradient} from '../helpers/gradient-check.js';

let images: Tensor4D;
beforeAll(() => {
  images = randomUniform([3, 8, 8, 3], -1, 1, 'float32', 5);
});
afterAll(() => images.dispose());

const apply = (layer: layers.Layer, x: SymbolicTensor | SymbolicTensor[]): SymbolicTensor => layer.apply(x) as SymbolicTensor;
const gap = (x: SymbolicTensor): SymbolicTensor => apply(layers.globalAveragePooling2d({}), x);
const dense = (units: number, activation: 'softmax' | 'sigmoid' | 'linear', x: SymbolicTensor): SymbolicTensor =>
  apply(layers.dense({units, activation, kernelInitializer: 'randomNormal'}), gap(x));
const maps = (filters: number, activation: 'softmax' | 'sigmoid' | 'linear', x: SymbolicTensor): SymbolicTensor =>
  apply(layers.conv2d({filters, kernelSize: 1, activation, kernelInitializer: 'randomNormal'}), x);
const times = (constant: number, x: SymbolicTensor): SymbolicTensor => apply(new KerasArithmetic({operation: 'multiply', constant}), x);
const lessFromOne = (x: SymbolicTensor): SymbolicTensor =>
  apply(new KerasArithmetic({operation: 'subtract', constant: 1, constantFirst: true}), x);

function ending(tail: (x: SymbolicTensor) => SymbolicTensor): LayersModel {
  const image = input({shape: [8, 8, 3]});
  return functional({inputs: image, outputs: tail(apply(layers.conv2d({filters: 6, kernelSize: 3, activation: 'relu'}), image))});
}

type Tail = (x: SymbolicTensor) => SymbolicTensor;
const pair = (kind: 'softmax' | 'sigmoid', units: number, x: SymbolicTensor): SymbolicTensor[] => [
  dense(units, kind, x),
  dense(units, kind, x),
];

describe('the probability of a model that ends in', () => {
  it.each<[string, Tail, number]>([
    ['a softmax in percent', (x) => times(100, dense(3, 'softmax', x)), 100],
    ['a softmax rescaled', (x) => apply(layers.rescaling({scale: 100}), dense(3, 'softmax', x)), 100],
    ['the mean of two softmaxes', (x) => apply(layers.average(), pair('softmax', 3, x)), 1],
    ['the sum of two softmaxes', (x) => apply(layers.add(), pair('softmax', 3, x)), 2],
    ['a softmax at each pixel, averaged, in percent', (x) => times(100, gap(maps(3, 'softmax', x))), 100],
    ['one sigmoid in percent', (x) => times(100, dense(1, 'sigmoid', x)), 100],
    ['the mean of two sigmoids', (x) => apply(layers.average(), pair('sigmoid', 1, x)), 1],
    ['the product of two sigmoids', (x) => apply(layers.multiply(), pair('sigmoid', 1, x)), 1],
    ['the maximum of two sigmoids', (x) => apply(layers.maximum(), pair('sigmoid', 1, x)), 1],
    ['a sigmoid at each pixel, pooled', (x) => apply(layers.globalMaxPooling2d({}), maps(4, 'sigmoid', x)), 1],
    ['one less a sigmoid', (x) => lessFromOne(dense(1, 'sigmoid', x)), 1],
    ['two sigmoids side by side', (x) => apply(layers.concatenate(), pair('sigmoid', 1, x)), 1],
    ['four sigmoids, dropped out', (x) => apply(layers.dropout({rate: 0.5}), dense(4, 'sigmoid', x)), 1],
  ])('%s is its own', async (_, tail, scale) => {
    const model = ending(tail);
    const before = memory().numTensors;
    const teacher = teacherFromLayersModel(model);
    const own = tidy(() => model.predict(images) as Tensor);
    const found = tidy(() => {
      const logits = teacher.logits(images);
      return teacher.numClasses === 1 || teacher.classes === 'independent' ? sigmoid(logits) : softmax<Tensor2D>(logits);
    });
    expectClose(
      await found.data(),
      Array.from(await own.data(), (value) => value / scale),
      {abs: 1e-5},
    );
    [own, found].forEach((each) => each.dispose());
    await expectGradient((x) => sum<Scalar>(teacher.logits(x as Tensor4D)), images, {step: 1e-2, probes: 4, rel: 5e-2});
    expect(memory().numTensors).toBe(before);
    model.dispose();
  });
});

describe('a model is refused that ends in', () => {
  it.each<[string, Tail, RegExp]>([
    [
      'the product of two softmaxes',
      (x) => apply(layers.multiply(), pair('softmax', 3, x)),
      /Multiply 'multiply_Multiply\d+' comes after a softmax and joins it/,
    ],
    ['their maximum', (x) => apply(layers.maximum(), pair('softmax', 3, x)), /Maximum '.*' comes after a softmax/],
    [
      'a softmax that was shifted',
      (x) => apply(layers.rescaling({scale: 2, offset: -1}), dense(3, 'softmax', x)),
      /Rescaling '.*' comes after a softmax and shifts it/,
    ],
    ['a softmax with a relu', (x) => apply(layers.reLU(), dense(3, 'softmax', x)), /ReLU '.*' comes after a softmax and changes it/],
    [
      'a softmax and a sigmoid, averaged',
      (x) => apply(layers.average(), [dense(3, 'softmax', x), dense(3, 'sigmoid', x)]),
      /averages it with something else/,
    ],
    ['two softmaxes side by side', (x) => apply(layers.concatenate(), pair('softmax', 3, x)), /Concatenate '.*' comes after a softmax/],
    [
      'two distributions in one row',
      (x) =>
        apply(
          layers.reshape({targetShape: [6]}),
          apply(layers.softmax(), apply(layers.reshape({targetShape: [2, 3]}), dense(6, 'linear', x))),
        ),
      /softmax over axis|comes after a softmax/,
    ],
    [
      'the maximum over the pixels of softmaxes',
      (x) => apply(layers.globalMaxPooling2d({}), maps(3, 'softmax', x)),
      /GlobalMaxPooling2D '.*' comes after a softmax/,
    ],
    ['the sum of two sigmoids', (x) => apply(layers.add(), pair('sigmoid', 1, x)), /Add '.*' comes after a sigmoid and adds it/],
  ])('%s', (_, tail, message) => {
    const model = ending(tail);
    expect(() => teacherFromLayersModel(model)).toThrow(UnsupportedModelError);
    expect(() => teacherFromLayersModel(model)).toThrow(message);
    model.dispose();
  });
});

describe('logits stay logits', () => {
  it.each<[string, Tail]>([
    ['a linear layer', (x) => dense(3, 'linear', x)],
    ['class maps weighed by sigmoids, averaged', (x) => gap(apply(layers.multiply(), [maps(3, 'linear', x), maps(1, 'sigmoid', x)]))],
    ['a linear layer on probabilities', (x) => apply(layers.dense({units: 3}), dense(4, 'softmax', x))],
    ['the sum of two linear layers', (x) => apply(layers.add(), [dense(3, 'linear', x), dense(3, 'linear', x)])],
  ])('%s', async (_, tail) => {
    const model = ending(tail);
    const [own, found] = [tidy(() => model.predict(images) as Tensor), teacherFromLayersModel(model).logits(images)];
    expectClose(await found.data(), await own.data(), {abs: 1e-6});
    [own, found].forEach((each) => each.dispose());
    model.dispose();
  });
});

it('a score is never squashed twice: 47 of 100 is .47', async () => {
  const model = ending((x) => times(100, dense(3, 'softmax', x)));
  const own = tidy(() => model.predict(images) as Tensor);
  const values = await own.data();
  const found = await rise(images, model, {target: [0, 1, 2], numMasks: 4, seed: 1});
  expectClose(
    Float32Array.from(found, ({score}) => score),
    Array.from(values, (value) => value / 100),
    {abs: 1e-5},
  );
  own.dispose();
  model.dispose();
});
