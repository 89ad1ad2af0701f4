/** The composed gradients of convolutions on wasm against the plain loops of the cpu backend. */
import {engine, tensor, tidy, type NamedAttrMap, type Rank, type Tensor} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import {beforeAll, describe, test} from 'vitest';
import {installTrainingKernels} from '../../src/backend/training-kernels.js';
import {Random} from '../../src/core/random.js';
import {expectClose} from '../helpers/expect.js';
import {take, useBackend} from './_on-backend.js';

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
const explicit: fc.Arbitrary<Pad> = fc
  .tuple(size(3), size(3), size(3), size(3))
  .map(([top, bottom, left, right]) => [[0, 0], [top - 1, bottom - 1], [left - 1, right - 1], [0, 0]]);

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

function outSize({height, width, kernel, strides, dilations, pad}: Case, axis: 0 | 1): number {
  const length = [height, width][axis]!;
  const reach = (kernel[axis] - 1) * dilations[axis] + 1;
  if (pad === 'same') return Math.ceil(length / strides[axis]);
  const [before, after] = pad === 'valid' ? [0, 0] : typeof pad === 'number' ? [pad, pad] : pad[axis === 0 ? 1 : 2];
  return length + before + after < reach ? 0 : Math.floor((length + before + after - reach) / strides[axis]) + 1;
}

function normals(seed: number, shape: number[]): Tensor {
  const random = new Random(seed);
  return tensor(Float32Array.from({length: shape.reduce((a, b) => a * b, 1)}, () => random.normal()), shape);
}

/** Runs one gradient kernel on fixed random inputs, on the current backend. */
function runGradient(kernelName: string, each: Case): Float32Array {
  const {batch, height, width, kernel, inChannels, outChannels, seed, strides, dilations, pad} = each;
  const depthwise = kernelName.startsWith('Depthwise');
  const multiplier = outChannels % 4 === 0 ? 1 : (outChannels % 4);
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
  await useBackend('wasm');
  installTrainingKernels();
});

describe('the gradients of convolutions on wasm', () => {
  // Two switches of backend per case would dominate the run: all of cpu first, then all of wasm.
  for (const kernelName of [
    'Conv2DBackpropFilter',
    'Conv2DBackpropInput',
    'DepthwiseConv2dNativeBackpropFilter',
    'DepthwiseConv2dNativeBackpropInput',
  ]) {
    test(`${kernelName} equals the cpu backend's for any geometry`, async () => {
      // The cpu backend's gradients know no dilation.
      const cases = fc.sample(anyCase, {seed: 20260, numRuns: 400}).map((each) => ({...each, dilations: [1, 1] as [number, number]})).filter((each) => outSize(each, 0) > 0 && outSize(each, 1) > 0);
      await useBackend('cpu');
      const expected = cases.map((each) => runGradient(kernelName, each));
      await useBackend('wasm');
      cases.forEach((each, i) => expectClose(runGradient(kernelName, each), expected[i]!, {abs: 1e-5, relToMax: 1e-5}, JSON.stringify(each)));
    });
  }
});
