/** What WebGPU computes in programs of this library against what tfjs composes on cpu, for any size. */
import * as tf from '@tensorflow/tfjs-core';
import {layers} from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {Random} from '../../src/core/random.js';
import {ChannelAttention} from '../../src/layers/channel-attention.js';
import {makeUpdater} from '../../src/tfjs/optimizer.js';
import {patience, rounds, setting} from '../helpers/environment.js';
import {expectClose} from '../helpers/expect.js';

const tolerance = {abs: 1e-4, relToMax: 1e-4};

function normals(seed: number, shape: number[], centre = 0): tf.Tensor {
  const random = new Random(seed);
  return tf.tensor(
    Float32Array.from({length: tf.util.sizeFromShape(shape)}, () => centre + random.normal()),
    shape,
  );
}

/** Runs `work` on both backends, checks that nothing is left behind, and compares every array. It frees all but its result. */
async function expectSameOnBoth(work: () => tf.Tensor[]): Promise<void> {
  const results: Float32Array[][] = [];
  for (const name of ['cpu', 'webgpu']) {
    await tf.setBackend(name);
    const before = tf.memory().numTensors;
    const tensors = work();
    const values = (await Promise.all(tensors.map((tensor) => tensor.data()))) as Float32Array[];
    tf.dispose(tensors);
    expect(tf.memory().numTensors).toBe(before);
    results.push(values);
  }
  const [onCpu, onGpu] = results as [Float32Array[], Float32Array[]];
  expect(onGpu.length).toBe(onCpu.length);
  for (const [index, values] of onCpu.entries()) expectClose(onGpu[index] as Float32Array, values, tolerance);
}

describe.skipIf(setting('AKD_BACKEND') !== 'webgpu')('on WebGPU', () => {
  const imageShape = fc.tuple(
    fc.integer({min: 1, max: 3}),
    fc.integer({min: 1, max: 13}),
    fc.integer({min: 1, max: 13}),
    fc.integer({min: 1, max: 70}),
  );

  test(
    'batch norm in training has the same values, statistics and gradients',
    async () => {
      const check = async (shape: number[], seed: number, options: {scale: boolean; center: boolean}, centre: number): Promise<void> => {
        fc.pre(tf.util.sizeFromShape(shape.slice(0, -1)) > 3);
        await expectSameOnBoth(() => trainedBatchNorm(shape, seed, options, centre));
      };
      await fc.assert(
        fc.asyncProperty(imageShape, fc.nat(999), fc.boolean(), fc.boolean(), async (shape, seed, scale, center) =>
          check(shape, seed, {scale, center}, 1),
        ),
        {numRuns: rounds(100, 20), seed: 3, endOnFailure: true},
      );
      await check([4, 40, 40, 3], 1, {scale: true, center: true}, 0);
      await check([70, 5], 2, {scale: true, center: true}, 0);
      await check([6, 7, 3], 2, {scale: true, center: false}, 0);
    },
    patience,
  );

  test('batch norm keeps its precision far from zero', async () => {
    await expectSameOnBoth(() => {
      const [y, ...rest] = trainedBatchNorm([2, 30, 30, 6], 1, {scale: true, center: true}, 100) as [tf.Tensor, ...tf.Tensor[]];
      tf.dispose(rest);
      const tenth = tf.tidy(() => tf.mul(y, 0.05));
      y.dispose();
      return [tenth];
    });
  });

  test(
    'rectifiers and clipping have the same gradients',
    async () => {
      await fc.assert(
        fc.asyncProperty(imageShape, fc.nat(999), async (shape, seed) => {
          const operations: ((x: tf.Tensor) => tf.Tensor)[] = [tf.relu, tf.relu6, (x) => tf.clipByValue(x, -2, 1.5)];
          await expectSameOnBoth(() =>
            operations.map((operation) => tf.tidy(() => tf.grad(operation)(tf.mul(4, normals(seed, shape)), normals(seed + 1, shape)))),
          );
        }),
        {numRuns: rounds(80, 15), seed: 4, endOnFailure: true},
      );
    },
    patience,
  );

  test('edges of rectifiers and clipping count as on cpu', async () => {
    await expectSameOnBoth(() => {
      const edges = [-2, -1, -0, 0, 1, 1.5, 6, 7];
      const slope = (operation: (x: tf.Tensor) => tf.Tensor): tf.Tensor => tf.tidy(() => tf.grad(operation)(tf.tensor1d(edges)));
      return [slope(tf.relu), slope(tf.relu6), slope((x) => tf.clipByValue(x, -2, 1.5))];
    });
  });

  test('what was cast from whole numbers counts by its values', async () => {
    await expectSameOnBoth(() => {
      const whole = tf.tensor1d([-3, 0, 2, 9], 'int32');
      const slope = (operation: (x: tf.Tensor) => tf.Tensor): tf.Tensor => tf.tidy(() => tf.grad(operation)(tf.cast(whole, 'float32')));
      const slopes = [slope(tf.relu), slope(tf.relu6), slope((x) => tf.clipByValue(x, -3, 2))];
      whole.dispose();
      return slopes;
    });
  });

  test(
    'reductions have the same gradients, over any axes',
    async () => {
      const axes = fc.subarray([0, 1, 2, 3], {minLength: 1});
      await fc.assert(
        fc.asyncProperty(imageShape, axes, fc.boolean(), fc.nat(999), async (shape, over, keep, seed) => {
          await expectSameOnBoth(() =>
            [tf.sum, tf.mean, tf.max].map((reduce) =>
              tf.tidy(() => {
                const x = normals(seed, shape);
                const reduced = (input: tf.Tensor): tf.Tensor => reduce(input, over, keep);
                return tf.grad(reduced)(x, normals(seed + 1, reduced(x).shape));
              }),
            ),
          );
        }),
        {numRuns: rounds(80, 15), seed: 5, endOnFailure: true},
      );
    },
    patience,
  );

  test(
    'the gradient of a filter is the same, for any size, stride and padding',
    async () => {
      const side = fc.integer({min: 1, max: 4});
      const channels = fc.integer({min: 1, max: 40});
      const stride = fc.integer({min: 1, max: 3});
      const pads = fc.constantFrom<'same' | 'valid' | 2>('same', 'valid', 2);
      const sizes = fc.tuple(fc.integer({min: 1, max: 3}), fc.integer({min: 5, max: 11}), fc.integer({min: 5, max: 11}));
      await fc.assert(
        fc.asyncProperty(
          sizes,
          fc.tuple(side, side, channels, channels),
          fc.tuple(stride, stride),
          pads,
          async (image, filterShape, strides, pad) => {
            fc.pre(pad !== 2 || filterShape[0] + filterShape[1] > 4);
            await expectSameOnBoth(() => [filterGradient([...image, filterShape[2]], filterShape, strides, pad)]);
          },
        ),
        {numRuns: rounds(150, 25), seed: 6, endOnFailure: true},
      );
      // Few weights and many rows, which are split among groups.
      await expectSameOnBoth(() => [filterGradient([2, 64, 64, 3], [7, 7, 3, 8], [2, 2], 'same')]);
      await expectSameOnBoth(() => [filterGradient([2, 40, 40, 8], [1, 1, 8, 24], [1, 1], 'valid')]);
    },
    patience,
  );

  test(
    'the channel gate of CBAM has the same values and gradients',
    async () => {
      const sizes = fc.tuple(fc.integer({min: 1, max: 4}), fc.integer({min: 1, max: 5}), fc.integer({min: 1, max: 70}));
      await fc.assert(
        fc.asyncProperty(sizes, fc.integer({min: 1, max: 16}), fc.nat(999), async ([count, side, channels], ratio, seed) => {
          await expectSameOnBoth(() => gatedChannels([count, side, 3, channels], ratio, seed));
        }),
        {numRuns: rounds(60, 15), seed: 7, endOnFailure: true},
      );
    },
    patience,
  );

  test.each(['adam', 'sgd'] as const)('%s takes the same steps, and goes on from a state', async (name) => {
    await expectSameOnBoth(() => {
      const shapes = [[3, 3, 5, 7], [130], [1], [9, 33]];
      const variables = shapes.map((shape, index) => tf.tidy(() => tf.variable(normals(index, shape))));
      const step = (updater: ReturnType<typeof makeUpdater>, at: number): void => {
        const gradients = variables.map((variable, index) => [variable.name, normals(10 * at + index, variable.shape)] as const);
        updater.apply(Object.fromEntries(gradients));
        tf.dispose(gradients.map(([, gradient]) => gradient));
      };
      const first = makeUpdater(name, 0.1);
      for (let at = 0; at < 3; at++) step(first, at);
      const second = makeUpdater(name, 0.1);
      second.restore(variables, first.state(variables));
      first.dispose();
      second.setRate(0.03);
      for (let at = 3; at < 5; at++) step(second, at);
      second.dispose();
      const results = variables.map((variable) => tf.clone(variable));
      tf.dispose(variables);
      return results;
    });
  });

  test('what is changed in place is read as it is now', async () => {
    await tf.setBackend('webgpu');
    const variable = tf.variable(tf.ones([5]));
    const updater = makeUpdater('sgd', 0.5);
    const gradient = tf.fill([5], 2);
    const velocities: number[] = [];
    for (let at = 0; at < 2; at++) {
      updater.apply({[variable.name]: gradient});
      const [velocity] = updater.state([variable]).tensors;
      velocities.push(((await velocity?.data()) as Float32Array)[0] as number);
    }
    expect(velocities[0]).toBeCloseTo(2, 5);
    expect(velocities[1]).toBeCloseTo(3.8, 5); // 0.9 · 2 + 2
    updater.dispose();
    tf.dispose([variable, gradient]);
  });
});

function trainedBatchNorm(shape: number[], seed: number, options: {scale: boolean; center: boolean}, centre: number): tf.Tensor[] {
  const channels = shape.at(-1) as number;
  const layer = layers.batchNormalization({...options, momentum: 0.8});
  layer.build(shape);
  tf.tidy(() =>
    layer.setWeights(layer.getWeights().map((weight, index) => tf.add(weight, tf.mul(0.3, tf.abs(normals(seed + index, [channels])))))),
  );
  const x = tf.tidy(() => tf.variable(normals(seed + 10, shape, centre)));
  const direction = normals(seed + 11, shape);
  const weights = layer.weights.map((weight) => weight.read() as tf.Variable);
  let y: tf.Tensor | undefined;
  const loss = (): tf.Scalar => {
    y = tf.keep(layer.apply(x, {training: true}) as tf.Tensor);
    return tf.sum(tf.mul(y, direction));
  };
  const {value, grads} = tf.variableGrads(loss, [x, ...layer.trainableWeights.map((weight) => weight.read() as tf.Variable)]);
  const byName = Object.entries(grads).sort(([a], [b]) => (a < b ? -1 : 1));
  const results = [y as unknown as tf.Tensor, ...weights.map((weight) => tf.clone(weight)), ...byName.map(([, gradient]) => gradient)];
  tf.dispose([x, direction, value, ...weights]);
  return results;
}

function gatedChannels(shape: number[], ratio: number, seed: number): tf.Tensor[] {
  const layer = new ChannelAttention({ratio, seed});
  layer.build(shape);
  tf.tidy(() =>
    layer.setWeights(layer.getWeights().map((weight, index) => tf.add(weight, tf.mul(0.2, normals(seed + index, weight.shape))))),
  );
  const x = tf.tidy(() => tf.variable(normals(seed + 10, shape)));
  const direction = normals(seed + 11, shape);
  const weights = layer.weights.map((weight) => weight.read() as tf.Variable);
  const {value, grads} = tf.variableGrads(() => tf.sum(tf.mul(layer.apply(x) as tf.Tensor, direction)), [x, ...weights]);
  const gate = layer.gate(x as tf.Tensor as tf.Tensor4D);
  const results = [gate as tf.Tensor, ...[x, ...weights].map((variable) => grads[variable.name] as tf.Tensor)];
  tf.dispose([x, direction, value, ...weights]);
  return results;
}

type Shape4D = [number, number, number, number];

function filterGradient(image: number[], filterShape: Shape4D, strides: [number, number], pad: 'same' | 'valid' | 2): tf.Tensor {
  return tf.tidy(() => {
    const x = normals(1, image) as tf.Tensor4D;
    const filter = normals(2, filterShape) as tf.Tensor4D;
    const convolved = (each: tf.Tensor): tf.Tensor => tf.conv2d(x, each as tf.Tensor4D, strides, pad);
    const slope = tf.grad(convolved)(filter, normals(3, convolved(filter).shape));
    return tf.mul(slope, 0.1);
  });
}
