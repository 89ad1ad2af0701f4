/** Reductions, joints and products on wasm against the cpu backend, for any shape. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import {beforeAll, expect, test} from 'vitest';
import {installTrainingKernels} from '../../src/tfjs/install-training-kernels.js';
import {Random} from '../../src/core/random.js';
import {expectClose} from '../helpers/expect.js';
import {numDataIds, take, useBackend} from '../helpers/on-backend.js';

beforeAll(async () => {
  await useBackend('wasm');
  installTrainingKernels();
});

function normals(seed: number, shape: readonly number[], dtype: 'float32' | 'int32' = 'float32'): tf.Tensor {
  const random = new Random(seed);
  const length = shape.reduce((a, b) => a * b, 1);
  const values = Array.from({length}, () => (dtype === 'int32' ? random.int(100) : random.normal()));
  return tf.tensor(values, [...shape], dtype);
}

/** Runs every case on cpu, then on wasm. */
async function compare<Case>(
  cases: Case[],
  run: (each: Case) => tf.Tensor | tf.Tensor[],
  tolerance: {abs?: number; relToMax?: number},
): Promise<void> {
  const results = (each: Case): {shapes: number[][]; values: Float32Array[]} => {
    const outputs = [tf.tidy(() => run(each))].flat();
    return {shapes: outputs.map(({shape}) => shape), values: outputs.map(take)};
  };
  await useBackend('cpu');
  const expected = cases.map(results);
  await useBackend('wasm');
  const before = [tf.memory().numTensors, numDataIds()];
  for (const [index, each] of cases.entries()) {
    const {shapes, values} = results(each);
    expect(shapes, JSON.stringify(each)).toEqual(expected[index]!.shapes);
    values.forEach((one, part) => expectClose(one, expected[index]!.values[part]!, tolerance, JSON.stringify(each)));
  }
  expect([tf.memory().numTensors, numDataIds()]).toEqual(before);
}

const anyShape = fc.array(fc.integer({min: 1, max: 7}), {minLength: 1, maxLength: 4});
const longShape = fc.tuple(fc.integer({min: 1, max: 3}), fc.integer({min: 1, max: 300}), fc.integer({min: 1, max: 19}));
const sample = <T>(arbitrary: fc.Arbitrary<T>, numRuns = 250): T[] => fc.sample(arbitrary, {seed: 11, numRuns});
const dtype = fc.constantFrom<'float32' | 'int32'>('float32', 'float32', 'int32');

const reductions = {sum: tf.sum, mean: tf.mean, max: tf.max} as const;

test.each(Object.keys(reductions) as (keyof typeof reductions)[])('%s over any axes', async (name) => {
  const anyCase = fc.oneof(anyShape, longShape).chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      axes: fc.subarray([...shape.keys()], {minLength: 1}),
      keep: fc.boolean(),
      dtype,
      seed: fc.nat(),
    }),
  );
  await compare(sample(anyCase), ({shape, axes, keep, dtype: type, seed}) => reductions[name](normals(seed, shape, type), axes, keep), {
    abs: 2e-6,
    relToMax: 2e-6,
  });
});

test('the maximum of values with NaN is NaN', async () => {
  await useBackend('wasm');
  const x = tf.tensor2d([
    [1, NaN, 2, 3, 4],
    [5, 6, 7, 8, 9],
  ]);
  expect([...take(tf.max(x, 1))]).toEqual([NaN, 9]);
  expect([...take(tf.max(x, 0))]).toEqual([5, NaN, 7, 8, 9]);
  x.dispose();
});

test('concat along any axis', async () => {
  const anyCase = anyShape.chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      axis: fc.integer({min: -shape.length, max: shape.length - 1}),
      sizes: fc.array(fc.integer({min: 0, max: 40}), {minLength: 1, maxLength: 4}),
      dtype,
      seed: fc.nat(),
    }),
  );
  await compare(
    sample(anyCase),
    ({shape, axis, sizes, dtype: type, seed}) => {
      const at = (axis + shape.length) % shape.length;
      return tf.concat(
        sizes.map((size, index) =>
          normals(
            seed + index,
            shape.map((length, i) => (i === at ? size : length)),
            type,
          ),
        ),
        axis,
      );
    },
    {},
  );
});

test('split along any axis', async () => {
  const anyCase = anyShape.chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      axis: fc.integer({min: -shape.length, max: shape.length - 1}),
      sizes: fc.array(fc.integer({min: 1, max: 9}), {minLength: 1, maxLength: 4}),
      dtype,
      seed: fc.nat(),
    }),
  );
  await compare(
    sample(anyCase),
    ({shape, axis, sizes, dtype: type, seed}) => {
      const at = (axis + shape.length) % shape.length;
      const total = sizes.reduce((a, b) => a + b, 0);
      return tf.split(
        normals(
          seed,
          shape.map((length, i) => (i === at ? total : length)),
          type,
        ),
        sizes,
        axis,
      );
    },
    {},
  );
});

test('slice of any region', async () => {
  const anyCase = anyShape.chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      region: fc.tuple(
        ...shape.map((length) =>
          fc.nat(length - 1).chain((begin) => fc.tuple(fc.constant(begin), fc.integer({min: 0, max: length - begin}))),
        ),
      ),
      dtype,
      seed: fc.nat(),
    }),
  );
  await compare(
    sample(anyCase, 400),
    ({shape, region, dtype: type, seed}) =>
      tf.slice(
        normals(seed, shape, type),
        region.map(([begin]) => begin),
        region.map(([, size]) => size),
      ),
    {},
  );
});

test('products with transposed factors', async () => {
  const side = fc.oneof(fc.integer({min: 1, max: 20}), fc.integer({min: 100, max: 300}));
  const anyCase = fc.record({
    rows: side,
    depth: side,
    columns: side,
    batch: fc.constantFrom([], [1], [2], [1, 1]),
    a: fc.boolean(),
    b: fc.boolean(),
    seed: fc.nat(),
  });
  await compare(
    sample(anyCase, 120),
    ({rows, depth, columns, batch, a, b, seed}) => {
      const left = normals(seed, [...batch, ...(a ? [depth, rows] : [rows, depth])]);
      const right = normals(seed + 1, [...batch, ...(b ? [columns, depth] : [depth, columns])]);
      return tf.matMul(left, right, a, b);
    },
    {abs: 1e-5, relToMax: 1e-5},
  );
});

test('a large filter gives the same convolution at its first use under a gradient and at later ones', async () => {
  const anyCase = fc.record({
    batch: fc.integer({min: 1, max: 2}),
    height: fc.integer({min: 5, max: 13}),
    width: fc.integer({min: 5, max: 13}),
    kernel: fc.constantFrom([3, 3], [2, 4], [1, 1], [5, 3]),
    inChannels: fc.constantFrom(64, 67),
    outChannels: fc.constantFrom(129, 136),
    strides: fc.tuple(fc.integer({min: 1, max: 3}), fc.integer({min: 1, max: 3})),
    pad: fc.constantFrom('same', 'valid'),
    bias: fc.boolean(),
    seed: fc.nat(),
  });
  await compare(
    sample(anyCase, 8),
    ({batch, height, width, kernel, inChannels, outChannels, strides, pad, bias, seed}) => {
      const x = normals(seed, [batch, height, width, inChannels]) as tf.Tensor4D;
      const filter = normals(seed + 1, [...kernel, inChannels, outChannels]) as tf.Tensor4D;
      const offset = normals(seed + 2, [outChannels]);
      const options = {x, strides: strides as [number, number], pad: pad as 'same' | 'valid'};
      const convolve = (w: tf.Tensor): tf.Tensor =>
        bias
          ? tf.fused.conv2d({...options, filter: w as tf.Tensor4D, bias: offset})
          : tf.conv2d(x, w as tf.Tensor4D, options.strides, options.pad);
      let first: tf.Tensor | undefined;
      tf.valueAndGrad((w) => {
        first = tf.keep(convolve(w));
        return tf.sum(first);
      })(filter);
      const kept = first as unknown as tf.Tensor;
      const outputs = [tf.clone(kept), convolve(filter)];
      kept.dispose();
      return outputs;
    },
    {relToMax: 1e-5},
  );
}, 120_000);
