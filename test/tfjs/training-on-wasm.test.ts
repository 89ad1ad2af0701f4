/** A small network with most layers that classifiers have follows the same losses on a fast backend as on cpu. */
import * as tf from '@tensorflow/tfjs-core';
import {initializers, input, layers, model, type LayersModel, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {beforeAll, describe, expect, test} from 'vitest';
import {installTrainingKernels} from '../../src/tfjs/install-training-kernels.js';
import {Random} from '../../src/core/random.js';
import {expectClose} from '../helpers/expect.js';
import {fast, numDataIds, useBackend} from '../helpers/on-backend.js';

beforeAll(async () => {
  await useBackend(fast);
  installTrainingKernels();
});

/** Residual, separable, dilated, strided and transposed convolutions; every kind of pooling. */
function makeModel(): LayersModel {
  let seed = 1;
  const kernelInitializer = (): ReturnType<typeof initializers.heNormal> => initializers.heNormal({seed: seed++});
  const image = input({shape: [16, 12, 3]});
  const apply = (layer: {apply(x: SymbolicTensor | SymbolicTensor[]): unknown}, x: SymbolicTensor | SymbolicTensor[]): SymbolicTensor =>
    layer.apply(x) as SymbolicTensor;
  const conv = (x: SymbolicTensor, options: Partial<Parameters<typeof layers.conv2d>[0]>): SymbolicTensor =>
    apply(layers.conv2d({filters: 8, kernelSize: 3, padding: 'same', kernelInitializer: kernelInitializer(), ...options}), x);

  let x = apply(layers.zeroPadding2d({padding: 1}), image);
  x = conv(x, {useBias: false, padding: 'valid'});
  x = apply(layers.batchNormalization({scale: false}), x);
  x = apply(layers.reLU({maxValue: 6}), x);
  const branch = conv(x, {strides: 2, kernelSize: [3, 2]});
  const pooled = apply(layers.maxPooling2d({poolSize: 3, strides: 2, padding: 'same'}), x);
  x = apply(layers.add(), [branch, pooled]);
  x = apply(
    layers.separableConv2d({
      filters: 6,
      kernelSize: 3,
      depthMultiplier: 2,
      padding: 'same',
      depthwiseInitializer: kernelInitializer(),
      pointwiseInitializer: kernelInitializer(),
    }),
    x,
  );
  // With a linear activation the layer runs tfjs' fused convolution, which refuses dilation itself.
  x = apply(layers.concatenate(), [x, conv(x, {filters: 4, dilationRate: 2, activation: 'relu'})]);
  x = apply(layers.averagePooling2d({poolSize: 2}), x);
  x = apply(layers.conv2dTranspose({filters: 5, kernelSize: 2, strides: 2, kernelInitializer: kernelInitializer()}), x);
  x = apply(layers.upSampling2d({size: [2, 2]}), x);
  x = apply(layers.depthwiseConv2d({kernelSize: 3, strides: 2, depthwiseInitializer: kernelInitializer()}), x);
  x = apply(layers.batchNormalization({center: false}), x);
  x = apply(layers.dropout({rate: 0.2, seed: 3}), x);
  x = apply(layers.globalAveragePooling2d({}), x);
  x = apply(layers.dense({units: 3, kernelInitializer: kernelInitializer()}), x);
  return model({inputs: image, outputs: x});
}

function batch(): [tf.Tensor4D, tf.Tensor] {
  const random = new Random(5);
  const pixels = Float32Array.from({length: 6 * 16 * 12 * 3}, () => random.normal());
  const labels = tf.tidy(() => tf.oneHot(tf.tensor1d([0, 1, 2, 0, 1, 2], 'int32'), 3));
  return [tf.tensor4d(pixels, [6, 16, 12, 3]), labels];
}

interface Run {
  losses: number[];
  leftBehind: [tensors: number, records: number];
}

/** Trains for some steps; counts what the last ones leave. */
function train(optimizer: tf.Optimizer, steps: number): Run {
  const network = makeModel();
  const [x, y] = batch();
  const losses: number[] = [];
  let settled: [number, number] = [0, 0];
  for (let step = 0; step < steps; step++) {
    if (step === steps - 2) settled = [tf.memory().numTensors, numDataIds()];
    const loss = optimizer.minimize(
      () => tf.losses.softmaxCrossEntropy(y, network.apply(x, {training: true}) as tf.Tensor) as tf.Scalar,
      true,
    );
    losses.push(loss!.dataSync()[0]!);
    loss!.dispose();
  }
  const leftBehind: [number, number] = [tf.memory().numTensors - settled[0], numDataIds() - settled[1]];
  tf.dispose([x, y]);
  network.dispose();
  optimizer.dispose();
  return {losses, leftBehind};
}

describe(`training on ${fast}`, () => {
  test.each([
    ['SGD with Nesterov momentum', () => tf.train.momentum(0.05, 0.9, true)],
    ['Adam', () => tf.train.adam(0.01)],
    ['RMSProp', () => tf.train.rmsprop(0.005)],
  ] as [string, () => tf.Optimizer][])('with %s follows the losses of the cpu backend', async (_, optimizer) => {
    await useBackend('cpu');
    const expected = train(optimizer(), 8);
    await useBackend(fast);
    const actual = train(optimizer(), 8);
    expectClose(actual.losses, expected.losses, {rel: 2e-3}, 'loss');
    expect(actual.losses.at(-1)!).toBeLessThan(actual.losses[0]! * 0.8);
    expect(actual.leftBehind).toEqual([0, 0]);
  });
});
