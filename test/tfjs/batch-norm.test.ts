/** Batch normalisation with and without gamma and beta, on cpu and a fast backend, against differences. */
import * as tf from '@tensorflow/tfjs-core';
import {initializers, layers, sequential, type LayersModel} from '@tensorflow/tfjs-layers';
import {beforeAll, describe, expect, test} from 'vitest';
import {gradCam} from '../../src/baselines/cam/grad-cam.js';
import {gradientSaliency} from '../../src/baselines/gradient/gradient-saliency.js';
import {executeGraph} from '../../src/models/graph/execute-graph.js';
import {disposeModel} from '../../src/tfjs/model-variables.js';
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
  });

  test.each(shapes)('batch norm has the gradients of its statistics and weights that differences give, for rank %#+2', async (...shape) => {
    const channels = [shape.at(-1)!];
    const values = {
      mean: normals(3, channels),
      variance: tf.add(tf.square(normals(4, channels)), 0.5),
      offset: normals(5, channels),
      scale: normals(6, channels, 1),
    };
    const x = normals(1, shape) as tf.Tensor4D;
    const weights = normals(2, shape);
    for (const name of Object.keys(values) as (keyof typeof values)[]) {
      const loss = (at: tf.Tensor): tf.Scalar => {
        const {mean, variance, offset, scale} = {...values, [name]: at} as Record<string, tf.Tensor1D>;
        return tf.sum(tf.mul(weights, tf.square(tf.batchNorm(x, mean!, variance!, offset, scale, 1e-3))));
      };
      await expectGradient(loss, values[name], {step: 1e-3, probes: 3, abs: 2e-2, rel: 2e-2});
    }
  });

  test.each(combinations)(
    'a batch norm along another axis, with scale=$scale, center=$center, has a gradient in inference',
    async (options) => {
      const layer = layers.batchNormalization({axis: 1, ...options});
      const x = normals(1, [4, 3, 2, 3]);
      const weights = normals(2, [4, 3, 2, 3]);
      await expectGradient((at) => tf.sum(tf.mul(weights, tf.square(layer.apply(at) as tf.Tensor))), x, {step: 1e-2, abs: 2e-2, rel: 2e-2});
      tf.dispose([x, weights]);
      layer.dispose();
    },
  );

  test('a layer without gamma and beta is as it was after training and differentiating', () => {
    const layer = layers.batchNormalization({scale: false, center: false});
    const x = normals(1, [7, 3]);
    for (const training of [true, false]) take(tf.grad((at) => tf.sum(layer.apply(at, {training}) as tf.Tensor))(x));
    expect(layer.weights.map(({originalName}) => originalName.split('/').at(-1))).toEqual(['moving_mean', 'moving_variance']);
    expect(Object.keys(layer)).not.toContain('gamma');
    expect(layer.getConfig()).toMatchObject({scale: false, center: false});
    x.dispose();
    layer.dispose();
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

describe.each(['cpu', fast] as const)('on %s, a classifier whose batch norms lack gamma or beta', (backend) => {
  beforeAll(async () => {
    await useBackend(backend);
  });

  /** Two batch norms, with what they lack or with a factor 1 and a summand 0 in its place. */
  function classifier(lacking: boolean): LayersModel {
    const options = (scale: boolean, center: boolean): object => (lacking ? {scale, center} : {});
    const seed = (value: number): {kernelInitializer: ReturnType<typeof initializers.glorotUniform>} => ({
      kernelInitializer: initializers.glorotUniform({seed: value}),
    });
    const model = sequential({
      layers: [
        layers.conv2d({inputShape: [8, 6, 3], filters: 4, kernelSize: 3, name: 'first', ...seed(1)}),
        layers.batchNormalization(options(false, true)),
        layers.reLU(),
        layers.conv2d({filters: 5, kernelSize: 3, name: 'second', ...seed(2)}),
        layers.batchNormalization(options(true, false)),
        layers.reLU(),
        layers.batchNormalization(options(false, false)),
        layers.flatten(),
        layers.dense({units: 3, activation: 'softmax', ...seed(3)}),
      ],
    });
    tf.tidy(() => {
      for (const {weights} of model.layers)
        for (const weight of weights)
          if (weight.originalName.includes('moving')) weight.write(tf.add(tf.square(normals(9, weight.shape as number[])), 0.5));
    });
    return model;
  }

  test('has the maps of its twin that has them all', async () => {
    const [lacking, twin] = [classifier(true), classifier(false)];
    const images = normals(4, [2, 8, 6, 3]) as tf.Tensor4D;
    for (const explain of [
      (model: LayersModel) => gradCam(images, model, {layer: 'first', target: [0, 1, 2], normalize: false}),
      (model: LayersModel) => gradientSaliency(images, model, {target: [0, 1, 2]}),
    ]) {
      const before = tf.memory().numTensors;
      const [maps, expected] = [await explain(lacking), await explain(twin)];
      expect(tf.memory().numTensors).toBe(before);
      expect(maps.some(({empty}) => !empty)).toBe(true);
      for (const [index, map] of maps.entries()) {
        expect(map.empty).toBe(expected[index]!.empty);
        expectClose(map.data, expected[index]!.data, {relToMax: 1e-5});
      }
    }
    images.dispose();
    [lacking, twin].forEach(disposeModel);
  });

  test('has the gradients in training of its twin that has them all', async () => {
    const [lacking, twin] = [classifier(true), classifier(false)];
    const images = normals(4, [4, 8, 6, 3]);
    const weights = normals(5, [4, 3]);
    const gradients = (model: LayersModel): Float32Array[] => {
      const kernels = ['first', 'second'].map((name) => model.getLayer(name).weights[0]!.read() as tf.Variable);
      const loss = (): tf.Scalar => tf.sum(tf.mul(executeGraph(model, images, {training: true}) as tf.Tensor, weights));
      const {value, grads} = tf.variableGrads(loss, kernels);
      value.dispose();
      return kernels.map(({name}) => take(grads[name]!));
    };
    const [found, expected] = [gradients(lacking), gradients(twin)];
    for (const [index, values] of found.entries()) {
      expect(Math.max(...values.map(Math.abs))).toBeGreaterThan(1e-4);
      expectClose(values, expected[index]!, {abs: 1e-7, relToMax: 1e-4});
    }
    tf.dispose([images, weights]);
    [lacking, twin].forEach(disposeModel);
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
            tf.zeros([7]),
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
