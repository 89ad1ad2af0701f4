/** Frozen networks compute what the networks compute, and have the same gradient with respect to the image. */
import '../helpers/use-wasm.js';
import {abs, add, dispose, grad, memory, mul, randomNormal, sum, tidy, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {input, layers, model, type LayersModel, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {expect, test} from 'vitest';
import {freezeStudent, freezeTeacher} from '../../src/models/compiled/frozen-networks.js';
import {studentFromTeacher} from '../../src/models/students/student-from-teacher.js';
import {teacherFromLayersModel} from '../../src/models/teacher-from-layers-model.js';
import {expectClose} from '../helpers/expect.js';
import {disposeModel} from '../../src/tfjs/model-variables.js';

interface Form {
  activation: 'relu' | 'relu6';
  closing: 'softmax' | 'sigmoid';
  useBias: boolean;
}

/** Every kind of layer that is fused, with statistics and offsets as training leaves them. */
function trainedLike({activation, closing, useBias}: Form): LayersModel {
  const rectify = (): layers.Layer => (activation === 'relu' ? layers.activation({activation}) : layers.reLU({maxValue: 6}));
  const stack: layers.Layer[] = [
    layers.zeroPadding2d({
      padding: [
        [0, 1],
        [1, 2],
      ],
    }),
    layers.conv2d({filters: 8, kernelSize: 3, strides: 2, useBias}),
    layers.batchNormalization(),
    rectify(),
    layers.depthwiseConv2d({kernelSize: 3, padding: 'same', useBias}),
    layers.batchNormalization({scale: false}),
    rectify(),
    layers.conv2d({filters: 12, kernelSize: 1, activation: 'relu'}),
    layers.batchNormalization(),
    layers.conv2d({filters: 6, kernelSize: 3, padding: 'same', dilationRate: 2, activation: 'relu'}),
    layers.maxPooling2d({poolSize: 2}),
    layers.conv2d({filters: 6, kernelSize: 2, padding: 'same', activation: 'elu'}),
    layers.maxPooling2d({poolSize: 2}),
    layers.depthwiseConv2d({kernelSize: 1, activation: 'relu'}),
    layers.globalAveragePooling2d({}),
    layers.dense({units: closing === 'softmax' ? 4 : 1, activation: closing}),
  ];
  const image = input({shape: [17, 15, 3]});
  const network = model({inputs: image, outputs: stack.reduce((x: SymbolicTensor, layer) => layer.apply(x) as SymbolicTensor, image)});
  tidy(() => {
    const values = network.weights.map(({originalName, shape}, index) => {
      const random = randomNormal(shape as number[], 0.1, 0.4, 'float32', index + 20);
      if (/variance/.test(originalName)) return add(abs(random), 0.3);
      return add(random, /gamma/.test(originalName) ? 2 : /beta|bias/.test(originalName) ? 0.5 : 0); // no rectifier stays shut
    });
    network.weights.forEach((weight, index) => weight.write(values[index] as Tensor));
  });
  return network;
}

const forms: Form[] = [
  {activation: 'relu', closing: 'softmax', useBias: false},
  {activation: 'relu6', closing: 'softmax', useBias: true},
  {activation: 'relu6', closing: 'sigmoid', useBias: false},
];

test.each(forms)('a teacher with $activation that closes with $closing', async (form) => {
  const network = trainedLike(form);
  const teacher = teacherFromLayersModel(network);
  const images = randomNormal([3, 17, 15, 3], 0, 2, 'float32', 9) as Tensor4D;
  const before = memory().numTensors;
  const frozen = freezeTeacher(teacher);
  const weights = randomNormal([3, teacher.numClasses], 0, 1, 'float32', 10);
  const loss =
    (logits: (x: Tensor4D) => Tensor) =>
    (x: Tensor): Tensor =>
      sum(mul(logits(x as Tensor4D), weights));
  const read = async (tensor: Tensor): Promise<Float32Array> => {
    const values = (await tensor.data()) as Float32Array;
    tensor.dispose();
    return values;
  };
  expect(frozen.network.logits).not.toBe(teacher.logits);
  expectClose(await read(frozen.network.logits(images)), await read(teacher.logits(images)), {abs: 1e-5, relToMax: 1e-5});
  const gradients = [frozen.network, teacher].map((each) => grad(loss((x) => each.logits(x)))(images));
  const [ofFrozen, ofTeacher] = (await Promise.all(gradients.map(read))) as [Float32Array, Float32Array];
  expect(ofTeacher.filter((value) => value !== 0).length).toBeGreaterThan(ofTeacher.length / 10);
  expectClose(ofFrozen, ofTeacher, {abs: 1e-5, relToMax: 1e-4});
  frozen.dispose();
  weights.dispose();
  expect(memory().numTensors).toBe(before);
  images.dispose();
  disposeModel(network);
});

test('a teacher that is no tfjs model stays what it is', () => {
  const teacher = {name: 'mine', inputShape: [4, 4, 3] as const, numClasses: 2, logits: (): never => expect.fail('not asked')};
  const frozen = freezeTeacher(teacher);
  expect(frozen.network).toBe(teacher);
  frozen.dispose();
});

test('a student hands out the same Δf', async () => {
  const network = trainedLike(forms[0] as Form);
  const student = await studentFromTeacher()(teacherFromLayersModel(network), {seed: 1});
  const images = randomNormal([2, 17, 15, 3], 0, 2, 'float32', 9);
  const before = memory().numTensors;
  const frozen = freezeStudent(student);
  const ours = frozen.network(images as Tensor4D);
  const [logits, ...theirs] = student.model.predict(images) as Tensor[];
  expect(ours.length).toBe(3);
  for (const [index, delta] of ours.entries()) {
    expect(delta.shape).toEqual(theirs[index]?.shape);
    expectClose(await delta.data(), (await theirs[index]?.data()) as Float32Array, {abs: 1e-4, relToMax: 1e-4});
  }
  dispose([ours, theirs, logits as Tensor]);
  frozen.dispose();
  expect(memory().numTensors).toBe(before);
  images.dispose();
  for (const each of [network, student.model]) disposeModel(each);
});
