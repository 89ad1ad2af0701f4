/** The gradients of convolutions on a fast backend against the plain loops of the cpu backend. */
import {
  conv2d,
  depthwiseConv2d,
  engine,
  grads,
  memory,
  mul,
  square,
  sum,
  tensor,
  tidy,
  type NamedAttrMap,
  type Rank,
  type Scalar,
  type Tensor,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import {beforeAll, describe, expect, test} from 'vitest';
import {installTrainingKernels} from '../../src/tfjs/install-training-kernels.js';
import {Random} from '../../src/core/random.js';
import {expectClose} from '../helpers/expect.js';
import {expectGradient} from '../helpers/gradient-check.js';
import {fast, numDataIds, take, useBackend} from '../helpers/on-backend.js';

type Pad = 'same' | 'valid' | number | [[0, 0], [number, number], [number, number], [0, 0]];

interface Case {
  batch: number;
  height: number;
  width: number;
  kernel: [number, number];
  inChannels: number;
  outChannels: number;
  strides: [number, number];
  dilations: [number, number];
  pad: Pad;
  seed: number;
}

const size = (max: number): fc.Arbitrary<number> => fc.integer({min: 1, max});
const explicit: fc.Arbitrary<Pad> = fc.tuple(size(3), size(3), size(3), size(3)).map(([top, bottom, left, right]) => [
  [0, 0],
  [top - 1, bottom - 1],
  [left - 1, right - 1],
  [0, 0],
]);

/** Any convolution that the operation accepts and that has at least one output pixel. */
const anyCase: fc.Arbitrary<Case> = fc
  .record({
    batch: size(3),
    height: size(11),
    width: size(11),
    kernel: fc.tuple(size(5), size(5)),
    inChannels: fc.oneof(size(5), fc.constantFrom(16, 27)),
    outChannels: fc.oneof(size(5), fc.constantFrom(16, 33)),
    spread: fc.oneof(
      fc.record({strides: fc.tuple(size(4), size(4)), dilations: fc.constant<[number, number]>([1, 1])}),
      fc.record({strides: fc.constant<[number, number]>([1, 1]), dilations: fc.tuple(size(3), size(3))}),
    ),
    pad: fc.oneof<fc.Arbitrary<Pad>[]>(fc.constantFrom('same', 'valid'), fc.nat(3), explicit),
    seed: fc.nat(),
  })
  .map(({spread, ...rest}) => ({...rest, ...spread}))
  .filter((each) => {
    // With one number as padding, tfjs computes the output's width from the kernel's height and the
    // vertical stride, in the forward pass too.
    const square = [each.kernel, each.strides, each.dilations].every(([a, b]) => a === b);
    if (typeof each.pad === 'number' && !square) return false;
    return outSize(each, 0) > 0 && outSize(each, 1) > 0;
  });

/** Larger than the blocks in which the gradients are computed: 128 pixels, 512 values of a patch, 256 rows. */
const large: Case[] = [
  {
    batch: 2,
    height: 17,
    width: 19,
    kernel: [3, 3],
    inChannels: 70,
    outChannels: 21,
    strides: [1, 1],
    dilations: [1, 1],
    pad: 'same',
    seed: 1,
  },
  {
    batch: 3,
    height: 21,
    width: 14,
    kernel: [5, 3],
    inChannels: 37,
    outChannels: 12,
    strides: [2, 2],
    dilations: [1, 1],
    pad: 'valid',
    seed: 2,
  },
  {
    batch: 1,
    height: 30,
    width: 31,
    kernel: [1, 1],
    inChannels: 130,
    outChannels: 40,
    strides: [1, 1],
    dilations: [1, 1],
    pad: 'same',
    seed: 3,
  },
  {
    batch: 2,
    height: 40,
    width: 24,
    kernel: [7, 7],
    inChannels: 3,
    outChannels: 16,
    strides: [2, 2],
    dilations: [1, 1],
    pad: 'same',
    seed: 4,
  },
];

function outSize({height, width, kernel, strides, dilations, pad}: Case, axis: 0 | 1): number {
  const length = [height, width][axis]!;
  const reach = (kernel[axis] - 1) * dilations[axis] + 1;
  if (pad === 'same') return Math.ceil(length / strides[axis]);
  const [before, after] = pad === 'valid' ? [0, 0] : typeof pad === 'number' ? [pad, pad] : pad[axis === 0 ? 1 : 2];
  return length + before + after < reach ? 0 : Math.floor((length + before + after - reach) / strides[axis]) + 1;
}

function normals(seed: number, shape: number[]): Tensor {
  const random = new Random(seed);
  return tensor(
    Float32Array.from({length: shape.reduce((a, b) => a * b, 1)}, () => random.normal()),
    shape,
  );
}

/** Runs one gradient kernel on fixed random inputs, on the current backend. */
function runGradient(kernelName: string, each: Case): Float32Array {
  const {batch, height, width, kernel, inChannels, outChannels, seed, strides, dilations, pad} = each;
  const depthwise = kernelName.startsWith('Depthwise');
  const multiplier = outChannels % 4 === 0 ? 1 : outChannels % 4;
  const filterShape = [...kernel, inChannels, depthwise ? multiplier : outChannels];
  const inputShape = [batch, height, width, inChannels];
  const outShape = [batch, outSize(each, 0), outSize(each, 1), depthwise ? inChannels * multiplier : outChannels];
  const attrs = {strides, dilations, pad, dataFormat: 'NHWC', filterShape, inputShape} as unknown as NamedAttrMap;
  return take(
    tidy(() => {
      const dy = normals(seed + 1, outShape);
      const inputs = kernelName.endsWith('Filter') ? {x: normals(seed, inputShape), dy} : {dy, filter: normals(seed + 2, filterShape)};
      return engine().runKernel(kernelName, inputs, attrs) as Tensor<Rank>;
    }),
  );
}

beforeAll(async () => {
  await useBackend(fast);
  installTrainingKernels();
});

type Convolve = (x: Tensor4D, filter: Tensor4D, strides: [number, number], pad: Pad, format: 'NHWC', dilations: [number, number]) => Tensor;

/** Both gradients of `Σ convolution · weights`, through the operation as a user calls it. */
function throughOperation(convolve: Convolve, each: Case, depthwise: boolean): Float32Array {
  const {batch, height, width, kernel, inChannels, outChannels, seed, strides, dilations, pad} = each;
  const loss = (x: Tensor, filter: Tensor): Scalar => {
    const y = convolve(x as Tensor4D, filter as Tensor4D, strides, pad, 'NHWC', dilations);
    return sum(mul(y, normals(seed + 1, y.shape)));
  };
  return tidy(() => {
    const inputs = [
      normals(seed, [batch, height, width, inChannels]),
      normals(seed + 2, [...kernel, inChannels, depthwise ? 2 : outChannels]),
    ];
    const [dx, dFilter] = grads(loss)(inputs) as [Tensor, Tensor];
    return Float32Array.from([...dx.dataSync(), ...dFilter.dataSync()]);
  });
}

describe(`the gradients of convolutions on ${fast}`, () => {
  // Two switches of backend per case would dominate the run: all of cpu first, then all of the other.
  for (const kernelName of [
    'Conv2DBackpropFilter',
    'Conv2DBackpropInput',
    'DepthwiseConv2dNativeBackpropFilter',
    'DepthwiseConv2dNativeBackpropInput',
  ]) {
    test(`${kernelName} equals the cpu backend's for any geometry`, async () => {
      // The cpu backend's kernels know no dilation; the next tests come to that.
      const plain = fc.sample(anyCase, {seed: 20260, numRuns: 300}).map((each) => ({...each, dilations: [1, 1] as [number, number]}));
      const cases = [...large, ...plain.filter((each) => outSize(each, 0) > 0 && outSize(each, 1) > 0)];
      await useBackend('cpu');
      const expected = cases.map((each) => runGradient(kernelName, each));
      await useBackend(fast);
      const run = (): void =>
        cases.forEach((each, i) =>
          expectClose(runGradient(kernelName, each), expected[i]!, {abs: 1e-5, relToMax: 1e-5}, JSON.stringify(each)),
        );
      const before = [memory().numTensors, numDataIds()];
      run();
      expect([memory().numTensors, numDataIds()]).toEqual(before);
    });
  }

  test.each([
    ['conv2d', conv2d as Convolve, false],
    ['depthwiseConv2d', depthwiseConv2d as Convolve, true],
  ])('%s has the same gradients on both backends, dilated or not', async (_, convolve, depthwise) => {
    const cases = fc.sample(anyCase, {seed: 777, numRuns: 150});
    await useBackend('cpu');
    const expected = cases.map((each) => throughOperation(convolve, each, depthwise));
    await useBackend(fast);
    const before = [memory().numTensors, numDataIds()];
    cases.forEach((each, i) => {
      expectClose(throughOperation(convolve, each, depthwise), expected[i]!, {abs: 2e-5, relToMax: 2e-5}, JSON.stringify(each));
    });
    expect([memory().numTensors, numDataIds()]).toEqual(before);
  });

  describe.each(['cpu', fast] as const)('differences agree on %s', (backend) => {
    beforeAll(async () => useBackend(backend));

    test.each([
      ['conv2d', conv2d as Convolve, 3, [1, 1], [1, 1], 'same'],
      ['conv2d', conv2d as Convolve, 3, [2, 3], [1, 1], 'valid'],
      ['conv2d', conv2d as Convolve, 3, [1, 1], [2, 3], 'same'],
      ['depthwiseConv2d', depthwiseConv2d as Convolve, 2, [2, 1], [1, 1], 'same'],
      ['depthwiseConv2d', depthwiseConv2d as Convolve, 2, [1, 1], [3, 2], 'valid'],
    ] as [string, Convolve, number, [number, number], [number, number], Pad][])(
      'with %s',
      async (_, convolve, last, strides, dilations, pad) => {
        const [x, filter] = [normals(1, [2, 8, 9, 3]), normals(2, [3, 2, 3, last])] as [Tensor4D, Tensor4D];
        const loss = (y: Tensor): Scalar => sum(square(y));
        await expectGradient((at) => loss(convolve(at as Tensor4D, filter, strides, pad, 'NHWC', dilations)), x, {abs: 1e-1, rel: 1e-2});
        await expectGradient((at) => loss(convolve(x, at as Tensor4D, strides, pad, 'NHWC', dilations)), filter, {abs: 2e-1, rel: 1e-2});
      },
    );
  });
});
