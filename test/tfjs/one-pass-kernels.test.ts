/** What a fast backend computes in one pass against what tfjs composes on cpu, for any size. */
import * as tf from '@tensorflow/tfjs-core';
import {layers} from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import {beforeAll, describe, expect, test} from 'vitest';
import {installTrainingKernels} from '../../src/tfjs/install-training-kernels.js';
import {Random} from '../../src/core/random.js';
import {makeUpdater} from '../../src/tfjs/optimizer.js';
import {expectClose, type Tolerance} from '../helpers/expect.js';
import {fast, numDataIds, take, useBackend} from '../helpers/on-backend.js';

beforeAll(async () => {
  await useBackend(fast);
  installTrainingKernels();
});

const backends = ['cpu', fast] as const;

function normals(seed: number, shape: number[], centre = 0): tf.Tensor {
  const random = new Random(seed);
  return tf.tensor(
    Float32Array.from({length: shape.reduce((a, b) => a * b, 1)}, () => centre + random.normal()),
    shape,
  );
}

/** Runs on both backends, checks that nothing is left behind, and compares every array. */
async function expectSameOnBoth(work: () => Float32Array[], tolerance: Tolerance): Promise<void> {
  const results: Float32Array[][] = [];
  for (const name of backends) {
    await useBackend(name);
    const before = [tf.memory().numTensors, numDataIds()];
    results.push(work());
    expect([tf.memory().numTensors, numDataIds()]).toEqual(before);
  }
  const [onCpu, onFast] = results as [Float32Array[], Float32Array[]];
  for (const [index, values] of onCpu.entries()) expectClose(onFast[index] as Float32Array, values, tolerance);
}

describe('batch normalisation in training', () => {
  const anyShape = fc.tuple(
    fc.integer({min: 1, max: 3}),
    fc.integer({min: 1, max: 9}),
    fc.integer({min: 1, max: 9}),
    fc.integer({min: 1, max: 37}),
  );

  test('has the same values, statistics and gradients', async () => {
    await fc.assert(
      fc.asyncProperty(anyShape, fc.nat(999), fc.boolean(), fc.boolean(), async (shape, seed, scale, center) => {
        fc.pre(shape[0] * shape[1] * shape[2] > 3);
        await expectSameOnBoth(() => trainBatchNorm(shape, seed, {scale, center}), {abs: 2e-5, relToMax: 2e-4});
      }),
      {numRuns: 120, seed: 3},
    );
  }, 120_000);

  test('keeps its precision far from zero', async () => {
    await expectSameOnBoth(() => trainBatchNorm([2, 30, 30, 6], 1, {scale: true, center: true}, 100).slice(0, 1), {abs: 2e-3});
  });

  function trainBatchNorm(shape: number[], seed: number, options: {scale: boolean; center: boolean}, centre = 1): Float32Array[] {
    const channels = shape.at(-1) as number;
    const layer = layers.batchNormalization({...options, momentum: 0.8});
    layer.build(shape);
    tf.tidy(() =>
      layer.setWeights(layer.getWeights().map((weight, index) => tf.add(weight, tf.mul(0.3, normals(seed + index, [channels]))))),
    );
    const x = normals(seed + 10, shape, centre);
    const direction = normals(seed + 11, shape);
    const loss = (input: tf.Tensor): tf.Scalar => tf.sum(tf.mul(layer.apply(input, {training: true}) as tf.Tensor, direction));
    const y = layer.apply(x, {training: true}) as tf.Tensor;
    const dx = tf.grad((input) => loss(input))(x);
    const weights = layer.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const {value, grads} = weights.length > 0 ? tf.variableGrads(() => loss(x), weights) : {value: tf.tidy(() => loss(x)), grads: {}};
    const byName = Object.entries(grads).sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1));
    const results = [
      take(y),
      ...layer.getWeights().map((weight) => weight.dataSync().slice() as Float32Array),
      take(dx),
      ...byName.map(([, grad]) => take(grad)),
    ];
    tf.dispose([x, direction, value]);
    tf.dispose(layer.weights.map((weight) => weight.read()));
    return results;
  }
});

describe('one step of an optimiser', () => {
  for (const name of ['adam', 'sgd'] as const) {
    test(`${name} is the one that tfjs composes, step after step`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.integer({min: 1, max: 70}), fc.nat(999), async (length, seed) => {
          await expectSameOnBoth(
            () => {
              const variables = tf.tidy(() => [tf.variable(normals(seed, [length])), tf.variable(normals(seed + 1, [2, 3]))]);
              const held = tf.clone(variables[0] as tf.Tensor); // shares its values with the variable
              const untouched = held.dataSync().slice() as Float32Array;
              const updater = makeUpdater(name, 0.05);
              for (let step = 0; step < 4; step++) {
                if (step === 2) updater.setRate(0.2);
                const gradients = Object.fromEntries(
                  variables.map((variable, index) => {
                    // The second one's are as small as Adam's ε, which shows where it is added.
                    const size = index === 0 ? 1 : 1e-7;
                    return [variable.name, tf.tidy(() => tf.mul(normals(seed + 10 * step + index, variable.shape), size))];
                  }),
                );
                updater.apply(gradients);
                tf.dispose(gradients);
              }
              updater.dispose();
              expect(take(held)).toEqual(untouched);
              const values = variables.map((variable) => variable.dataSync().slice() as Float32Array);
              tf.dispose(variables);
              return values;
            },
            {abs: 2e-5},
          );
        }),
        {numRuns: 40, seed: 5},
      );
    });
  }
});

test('the gradients of rectifiers and of clipping hold for any length, and at the bounds', async () => {
  const functions: ((x: tf.Tensor) => tf.Tensor)[] = [tf.relu, tf.relu6, (x) => tf.clipByValue(x, -1, 2)];
  await fc.assert(
    fc.asyncProperty(fc.integer({min: 1, max: 40}), fc.nat(999), async (length, seed) => {
      await expectSameOnBoth(() => {
        const random = new Random(seed);
        const x = tf.tensor1d(Float32Array.from({length}, () => random.int(10) - 2)); // whole numbers hit 0, 6, −1 and 2
        const results = functions.map((each) => take(tf.grad((input) => tf.sum(each(input)))(x)));
        x.dispose();
        return results;
      }, {});
    }),
    {numRuns: 60, seed: 7},
  );
});

describe('what an optimiser remembers', () => {
  test.each([
    ['adam', 'cpu', fast],
    ['adam', fast, 'cpu'],
    ['sgd', 'cpu', fast],
    ['sgd', fast, 'cpu'],
  ] as const)('goes from one backend to another: %s from %s to %s', async (name, from, to) => {
    const shapes = [[5], [2, 3]];
    const run = async (second: 'cpu' | typeof fast): Promise<Float32Array[]> => {
      let values = shapes.map((shape, index) => normals(index, shape).dataSync().slice());
      let state: {steps: number; places: readonly number[]; arrays: {shape: number[]; values: Float32Array}[]} | undefined;
      for (const [round, backend] of [from, second].entries()) {
        await useBackend(backend);
        const variables = shapes.map((shape, index) => tf.tidy(() => tf.variable(tf.tensor(values[index]!, shape))));
        const updater = makeUpdater(name, 0.1);
        if (state !== undefined) {
          const tensors = state.arrays.map(({shape, values: each}) => tf.tensor(each, shape));
          updater.restore(variables, {...state, tensors});
          tf.dispose(tensors);
        }
        for (let step = 0; step < 3; step++) {
          const slopes = variables.map(({shape}, index) => normals(100 + 10 * round + 2 * step + index, shape));
          updater.apply(Object.fromEntries(variables.map((variable, index) => [variable.name, slopes[index] as tf.Tensor])));
          tf.dispose(slopes);
        }
        const {steps, places, tensors} = updater.state(variables);
        state = {steps, places, arrays: tensors.map((each) => ({shape: each.shape, values: each.dataSync().slice() as Float32Array}))};
        values = variables.map((variable) => variable.dataSync().slice());
        updater.dispose();
        tf.dispose(variables);
      }
      return values as Float32Array[];
    };
    const expected = await run(from);
    for (const [index, values] of (await run(to)).entries()) expectClose(values, expected[index] as Float32Array, {abs: 1e-5});
  });
});
