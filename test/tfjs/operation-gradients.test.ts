/** Gradients of the operations that classifiers are made of, on a fast backend against the cpu backend. */
import * as tf from '@tensorflow/tfjs-core';
import {layers} from '@tensorflow/tfjs-layers';
import {beforeAll, describe, expect, test} from 'vitest';
import {installTrainingKernels} from '../../src/tfjs/install-training-kernels.js';
import {Random} from '../../src/core/random.js';
import {expectClose} from '../helpers/expect.js';
import {fast, numDataIds, take, useBackend} from '../helpers/on-backend.js';

beforeAll(async () => {
  await useBackend(fast);
  installTrainingKernels();
  await useBackend('cpu');
});

function normals(seed: number, shape: number[]): tf.Tensor {
  const random = new Random(seed);
  return tf.tensor(
    Float32Array.from({length: shape.reduce((a, b) => a * b, 1)}, () => random.normal()),
    shape,
  );
}

type Image = tf.Tensor4D;
type Operation = [name: string, shape: number[], operation: (x: Image) => tf.Tensor];

const image = [2, 6, 7, 5];
const operations: Operation[] = [
  ['reLU up to 6, as a layer', image, (x) => layers.reLU({maxValue: 6}).apply(tf.mul(x, 5)) as tf.Tensor],
  ['relu6', image, (x) => tf.relu6(tf.mul(x, 5) as Image)],
  ['relu', image, (x) => tf.relu(x)],
  ['leaky relu', image, (x) => tf.leakyRelu(x, 0.1)],
  ['prelu', image, (x) => tf.prelu(x, tf.tensor4d([0.3], [1, 1, 1, 1]))],
  ['elu', image, (x) => tf.elu(x)],
  ['sigmoid', image, (x) => tf.sigmoid(x)],
  ['softplus', image, (x) => tf.softplus(x)],
  ['tanh', image, (x) => tf.tanh(x)],
  ['clipByValue', image, (x) => tf.clipByValue(x, -0.5, 0.7)],
  ['max over channels', image, (x) => tf.max(x, 3, true)],
  ['max over space', image, (x) => tf.max(x, [1, 2])],
  ['max of everything', image, (x) => tf.max(x)],
  ['max with ties', image, (x) => tf.max(tf.relu(tf.sub(x, 3)), [1, 2])],
  ['min over space', image, (x) => tf.min(x, [1, 2])],
  ['mean over channels', image, (x) => tf.mean(x, -1, true)],
  ['mean over space', image, (x) => tf.mean(x, [1, 2])],
  ['mean over space and batch', image, (x) => tf.mean(x, [0, 1, 2])],
  ['mean over rows that fill several groups', [2, 9, 17, 3], (x) => tf.mean(x, [1, 2], true)],
  ['mean over the first and third axis', image, (x) => tf.mean(x, [0, 2])],
  ['mean of everything', image, (x) => tf.mean(x)],
  ['sum over the batch', image, (x) => tf.sum(x, 0)],
  ['sum over the second axis', image, (x) => tf.sum(x, 1, true)],
  ['sum over an axis of one', [3, 1, 4, 2], (x) => tf.sum(x, 1)],
  ['sum of everything', image, (x) => tf.sum(x)],
  ['variance over space and batch', [3, 8, 9, 4], (x) => tf.moments(x, [0, 1, 2]).variance],
  ['tile', image, (x) => tf.tile(x, [2, 1, 3, 1])],
  ['broadcast', [1, 1, 1, 5], (x) => tf.broadcastTo(x, [2, 3, 4, 5])],
  ['broadcast of channels', [2, 3, 4, 1], (x) => tf.broadcastTo(x, [2, 3, 4, 5])],
  ['multiplication with a row', [1, 1, 1, 5], (x) => tf.mul(x, normals(9, image))],
  ['division', image, (x) => tf.div(1, tf.add(tf.square(x), 1))],
  ['square root', image, (x) => tf.sqrt(tf.add(tf.abs(x), 1))],
  ['logarithm and power', image, (x) => tf.log(tf.add(tf.pow(x, tf.scalar(2)), 1))],
  ['log softmax', image, (x) => tf.logSoftmax(tf.reshape(x, [14, 30]))],
  ['softmax', image, (x) => tf.softmax(x)],
  ['cross entropy', image, (x) => tf.losses.softmaxCrossEntropy(tf.oneHot(tf.range(0, 14, 1, 'int32'), 30), tf.reshape(x, [14, 30]))],
  ['max pooling', image, (x) => tf.maxPool(x, 3, 2, 'same')],
  ['max pooling with its stride', image, (x) => tf.maxPool(x, 2, 2, 'valid')],
  ['average pooling', image, (x) => tf.avgPool(x, 3, 2, 'same')],
  ['global average pooling, as a layer', image, (x) => layers.globalAveragePooling2d({}).apply(x) as tf.Tensor],
  ['global max pooling, as a layer', image, (x) => layers.globalMaxPooling2d({}).apply(x) as tf.Tensor],
  [
    'zero padding, as a layer',
    image,
    (x) =>
      layers
        .zeroPadding2d({
          padding: [
            [1, 0],
            [2, 1],
          ],
        })
        .apply(x) as tf.Tensor,
  ],
  [
    'mirrored padding',
    image,
    (x) =>
      tf.mirrorPad(
        x,
        [
          [0, 0],
          [1, 2],
          [2, 1],
          [0, 0],
        ],
        'reflect',
      ),
  ],
  ['concatenation', image, (x) => tf.concat([x, tf.square(x)], 3)],
  ['slice', image, (x) => tf.slice(x, [0, 1, 2, 1], [2, 4, 3, 2])],
  ['gather', image, (x) => tf.gather(x, tf.tensor1d([4, 0, 4], 'int32'), 3)],
  ['transpose', image, (x) => tf.transpose(x, [0, 3, 1, 2])],
  ['upsampling to the nearest', image, (x) => tf.image.resizeNearestNeighbor(x, [12, 14])],
  ['upsampling to the nearest by two factors', image, (x) => tf.image.resizeNearestNeighbor(x, [6, 21], false, true)],
  ['max pooling of padded rectangles', image, (x) => tf.maxPool(x, [2, 3], [1, 3], 'same')],
  ['dropout', image, (x) => tf.dropout(x, 0.4, undefined, 7)],
  ['convolution', image, (x) => tf.conv2d(x, normals(2, [3, 3, 5, 4]) as Image, [2, 1], 'same')],
  ['convolution of one image', [6, 7, 5], (x) => tf.conv2d(x as unknown as tf.Tensor3D, normals(2, [3, 3, 5, 4]) as Image, 2, 'valid')],
  [
    'separable convolution',
    image,
    (x) => tf.separableConv2d(x, normals(3, [3, 3, 5, 2]) as Image, normals(4, [1, 1, 10, 3]) as Image, 2, 'same'),
  ],
  ['transposed convolution', image, (x) => tf.conv2dTranspose(x, normals(5, [3, 2, 3, 5]) as Image, [2, 12, 14, 3], 2, 'same')],
  ['matrix product', [4, 6], (x) => tf.matMul(x as unknown as tf.Tensor2D, normals(6, [6, 3]))],
  ['matrix product with a transposed side', [4, 6], (x) => tf.matMul(normals(6, [3, 6]), x as unknown as tf.Tensor2D, false, true)],
];

/** The gradient of a weighted sum of the result, so that every element of dy is different. */
function gradient([, shape, operation]: Operation): Float32Array {
  return take(
    tf.tidy(() => {
      const x = normals(1, shape) as Image;
      return tf.grad((at) => {
        const result = operation(at as Image);
        return tf.sum(tf.mul(result, normals(8, result.shape)));
      })(x);
    }),
  );
}

describe(`on ${fast}, the gradient of`, () => {
  const expected = new Map<string, Float32Array>();
  beforeAll(async () => {
    await useBackend('cpu');
    for (const each of operations) expected.set(each[0], gradient(each));
    await useBackend(fast);
  });

  test.each(operations)('%s is that of the cpu backend, and nothing is left behind', (...each) => {
    gradient(each);
    const [tensors, records] = [tf.memory().numTensors, numDataIds()];
    const actual = gradient(each);
    expect([tf.memory().numTensors, numDataIds()]).toEqual([tensors, records]);
    expectClose(actual, expected.get(each[0])!, {abs: 2e-5, relToMax: 2e-5}, each[0]);
  });
});

describe('the replaced kernels', () => {
  beforeAll(async () => useBackend(fast));

  test('add whole numbers exactly', () => {
    const ones = tf.tidy(() => tf.sum(tf.ones([1000, 3]), 0));
    expect([...take(ones)]).toEqual([1000, 1000, 1000]);
  });

  test('leave other types to the original ones', () => {
    tf.tidy(() => {
      const integers = tf.reshape(tf.range(0, 12, 1, 'int32'), [3, 4]);
      const sum = tf.sum(integers, 0);
      expect(sum.dtype).toBe('int32');
      expect([...sum.dataSync()]).toEqual([12, 15, 18, 21]);
      expect([...tf.mean(integers, 0).dataSync()]).toEqual([4, 5, 6, 7]);
      expect([...tf.tile(integers, [1, 2]).dataSync()].slice(0, 8)).toEqual([0, 1, 2, 3, 0, 1, 2, 3]);
      expect(tf.clone(tf.tensor1d(['a', 'b'])).dataSync()).toEqual(['a', 'b']);
    });
  });

  test('share values without freeing what others hold', () => {
    const x = tf.tensor1d([1, 2, 3]);
    const copy = tf.clone(x);
    x.dispose();
    expect([...take(copy)]).toEqual([1, 2, 3]);
  });

  test('sum products named by letters', () => {
    tf.tidy(() => {
      const [a, b] = [normals(1, [2, 3, 4]), normals(2, [2, 4, 5])];
      expectClose(tf.einsum('bij,bjk->bik', a, b).dataSync(), tf.matMul(a, b).dataSync(), {abs: 1e-5});
      expectClose(tf.einsum('bij->jb', a).dataSync(), tf.transpose(tf.sum(a, 1)).dataSync(), {abs: 1e-5});
      expectClose(tf.einsum('bij,bij->', a, a).dataSync(), tf.sum(tf.square(a)).dataSync(), {abs: 1e-4});
      const [u, v] = [normals(3, [3]), normals(4, [4])];
      expectClose(tf.einsum('i,j->ij', u, v).dataSync(), tf.outerProduct(u as tf.Tensor1D, v as tf.Tensor1D).dataSync(), {abs: 1e-6});
    });
  });

  test('take tensors that were made on another backend, also when the heap has to grow for them', async () => {
    await useBackend('cpu');
    const x = tf.ones([64, 64, 64, 64]);
    const dy = tf.ones([64, 64, 64, 1]);
    await useBackend(fast);
    const attrs = {strides: 1, pad: 'same', dataFormat: 'NHWC', filterShape: [1, 1, 64, 1]};
    const slope = tf.engine().runKernel('Conv2DBackpropFilter', {x, dy}, attrs) as tf.Tensor;
    tf.dispose([x, dy]);
    expect([...take(slope)]).toEqual(new Array(64).fill(64 ** 3));
  });

  test('are installed once', () => {
    const names = ['Conv2DBackpropFilter', 'Conv2DBackpropInput', 'FusedBatchNorm', 'Sum', 'Identity'];
    const before = names.map((name) => tf.getKernel(name, 'wasm').kernelFunc);
    const gradients = ['FusedBatchNorm', 'Max'].map((name) => tf.getGradient(name).gradFunc);
    installTrainingKernels();
    expect(names.map((name) => tf.getKernel(name, 'wasm').kernelFunc)).toEqual(before);
    expect(['FusedBatchNorm', 'Max'].map((name) => tf.getGradient(name).gradFunc)).toEqual(gradients);
  });
});
