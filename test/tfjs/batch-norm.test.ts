/** Batch normalisation with and without gamma and beta, on cpu and a fast backend, against differences. */
import * as tf from '@tensorflow/tfjs-core';
import {initializers, layers, sequential, type LayersModel} from '@tensorflow/tfjs-layers';
import {beforeAll, describe, expect, test} from 'vitest';
import {installTrainingKernels} from '../../src/tfjs/install-training-kernels.js';
import {Random} from '../../src/core/random.js';
import {expectClose} from '../helpers/expect.js';
import {expectGradient} from '../helpers/gradient-check.js';
import {fast, numDataIds, take, useBackend} from '../helpers/on-backend.js';

function normals(seed: number, shape: number[], offset = 0): tf.Tensor {
  const random = new Random(seed);
  return tf.tensor(
    Float32Array.from({length: shape.reduce((a, b) => a * b, 1)}, () => random.normal() + offset),
    shape,
  );
}

const combinations = [true, false].flatMap((scale) => [true, false].map((center) => ({scale, center})));
const shapes = [
  [7, 3],
  [4, 5, 3],
  [3, 4, 2, 3],
];

describe.each(['cpu', fast] as const)('on %s', (backend) => {
  beforeAll(async () => {
    await useBackend(backend);
    installTrainingKernels();
  });

  describe.each(combinations)('batch norm with scale=$scale, center=$center', ({scale, center}) => {
    test.each(shapes)('has the gradient that differences give, as a layer, for rank %#+2', async (...shape) => {
      const layer = layers.batchNormalization({scale, center});
      const x = normals(1, shape);
      const weights = normals(2, shape);
      for (const training of [true, false]) {
        const loss = (at: tf.Tensor): tf.Scalar => tf.sum(tf.mul(weights, tf.square(layer.apply(at, {training}) as tf.Tensor)));
        await expectGradient(loss, x, {step: 1e-2, probes: 10, abs: 2e-2, rel: 2e-2});
        const before = [tf.memory().numTensors, numDataIds()];
        take(tf.grad(loss)(x));
        expect([tf.memory().numTensors, numDataIds()]).toEqual(before);
      }
      tf.dispose([x, weights]);
      layer.dispose();
    });

    test.each(shapes)('has the gradients of its statistics and weights that differences give, for rank %#+2', async (...shape) => {
      const channels = [shape.at(-1)!];
      const values = {
        mean: normals(3, channels),
        variance: tf.add(tf.square(normals(4, channels)), 0.5),
        offset: normals(5, channels),
        scale: normals(6, channels, 1),
      };
      const x = normals(1, shape) as tf.Tensor4D;
      const weights = normals(2, shape);
      const names = (Object.keys(values) as (keyof typeof values)[]).filter((name) =>
        name === 'offset' ? center : name === 'scale' ? scale : true,
      );
      for (const name of names) {
        const loss = (at: tf.Tensor): tf.Scalar => {
          const {mean, variance, offset, scale: gamma} = {...values, [name]: at} as Record<string, tf.Tensor1D>;
          const y = tf.batchNorm(x, mean!, variance!, center ? offset : undefined, scale ? gamma : undefined, 1e-3);
          return tf.sum(tf.mul(weights, tf.square(y)));
        };
        await expectGradient(loss, values[name], {step: 1e-3, probes: 3, abs: 2e-2, rel: 2e-2});
      }
    });
  });

  test('batch norm along another axis than the last trains too', () => {
    const layer = layers.batchNormalization({axis: 1, scale: false});
    const x = normals(1, [4, 3, 2, 3]);
    const slope = take(tf.tidy(() => tf.grad((at) => tf.sum(layer.apply(at, {training: true}) as tf.Tensor))(x)));
    expect(slope.every(Number.isFinite)).toBe(true);
  });

  test('a model whose batch norm has neither gamma nor beta is trained by fit', async () => {
    const model = sequential({
      layers: [
        layers.conv2d({
          inputShape: [6, 6, 2],
          filters: 4,
          kernelSize: 3,
          useBias: false,
          kernelInitializer: initializers.glorotUniform({seed: 1}),
        }),
        layers.batchNormalization({scale: false, center: false}),
        layers.reLU(),
        layers.globalAveragePooling2d({}),
        layers.dense({units: 2, activation: 'softmax', kernelInitializer: initializers.glorotUniform({seed: 2})}),
      ],
    });
    model.compile({optimizer: tf.train.sgd(0.5), loss: 'categoricalCrossentropy'});
    const history = await fit(model);
    expect(history.at(-1)!).toBeLessThan(history[0]! * 0.9);
    model.dispose();
  });
});

async function fit(model: LayersModel): Promise<number[]> {
  const x = normals(1, [8, 6, 6, 2]);
  const y = tf.oneHot(tf.tensor1d([0, 1, 0, 1, 0, 1, 0, 1], 'int32'), 2);
  const {history} = await model.fit(x, y, {epochs: 20, shuffle: false, verbose: 0});
  tf.dispose([x, y]);
  return history['loss'] as number[];
}

test('batch norm gives the same gradient on both backends', async () => {
  const run = (): Float32Array => {
    const x = normals(1, [4, 5, 6, 7]) as tf.Tensor4D;
    const gradients = tf.grads((at, scale) =>
      tf.sum(
        tf.square(
          tf.batchNorm(
            at as tf.Tensor4D,
            tf.mean(at, [0, 1, 2]),
            tf.moments(at, [0, 1, 2]).variance as tf.Tensor1D,
            undefined,
            scale as tf.Tensor1D,
          ),
        ),
      ),
    );
    return Float32Array.from(gradients([x, normals(2, [7])]).flatMap((each) => [...take(each)]));
  };
  await useBackend('cpu');
  const expected = run();
  await useBackend(fast);
  expectClose(run(), expected, {abs: 1e-5, relToMax: 1e-5});
});
