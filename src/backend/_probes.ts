/**
 * Small computations that a backend has to manage for a task: what the methods themselves are made
 * of, and the layers that most classifiers are made of.
 */
import {
  add,
  avgPool,
  batchNorm,
  concat,
  conv2d,
  depthwiseConv2d,
  image,
  logSoftmax,
  matMul,
  max,
  maxPool,
  mean,
  mul,
  relu,
  relu6,
  reshape,
  sigmoid,
  slice,
  softmax,
  square,
  sub,
  tensor1d,
  tensor4d,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';

/** One computation. */
export interface Probe {
  /** What does not work where it fails. */
  readonly name: string;
  /** From `[1,4,4,2]` to anything; smooth around {@link probeInput}. */
  readonly compute: (x: Tensor4D) => Tensor;
  /** Whether a gradient is ever taken. */
  readonly differentiated: boolean;
}

/** Values without ties and away from the kinks of rectifiers; the caller's. */
export function probeInput(): Tensor4D {
  return tensor4d(spread(32), [1, 4, 4, 2]);
}

/** Numbers between −1 and 1, all different. */
export function spread(length: number): number[] {
  return Array.from({length}, (_, index) => (((index * 7 + 3) % 32) - 15.5) / 16);
}

const filter = (): Tensor4D => tensor4d(spread(36), [3, 3, 2, 2]);
const pair = (start: number): Tensor1D => tensor1d([start, start + 0.5]);

const both = (name: string, compute: Probe['compute']): Probe => ({name, compute, differentiated: true});

/** The computations, from plain to involved. */
export const probes: readonly Probe[] = [
  both('arithmetic', (x) => sub(mul(add(x, 1), x), 0.5)),
  both('convolution', (x) => conv2d(x, filter(), 1, 'same')),
  both('depthwise convolution', (x) => depthwiseConv2d(x, filter(), 2, 'same')),
  both('batch normalisation', (x) => batchNorm(x, pair(0.1), pair(1), pair(0.2), pair(0.7))),
  both('rectifiers', (x) => add(relu(x), relu6(mul(x, 7)))),
  both('max pooling', (x) => maxPool(x, 2, 2, 'valid')),
  both('average pooling', (x) => avgPool(x, 2, 2, 'valid')),
  both('means and maxima', (x) => concat([mean(x, 3, true), max(x, 3, true)], 3)),
  both('matrix product', (x) => matMul(reshape(x, [4, 8]), reshape(x, [8, 4]))),
  both('softmax', (x) => add(softmax(reshape(x, [4, 8])), square(logSoftmax(reshape(x, [4, 8]))))),
  both('sigmoid', (x) => sigmoid(x)),
  both('cutting and joining', (x) => concat([slice(x, [0, 1, 1, 0], [1, 2, 2, 2]), slice(x, [0, 0, 0, 0], [1, 2, 2, 2])], 3)),
  // Where it is trained, the gradient is our own (resizeBilinear in data).
  {name: 'bilinear resize', compute: (x) => image.resizeBilinear(x, [7, 5], false, true), differentiated: false},
];

/** The gradient with respect to filters, which only training takes. */
export const trainingProbes: readonly Probe[] = [
  both('the filter gradient of a convolution', (w) => conv2d(probeInput(), reshape(w, [4, 2, 2, 2]), 1, 'same')),
  both('the filter gradient of a depthwise convolution', (w) => depthwiseConv2d(probeInput(), reshape(w, [4, 2, 2, 2]), 1, 'same')),
  both('the gradient of scale and offset', (w) => {
    const [scale, offset] = [slice(reshape(w, [32]), 0, 2), slice(reshape(w, [32]), 2, 2)];
    return batchNorm(probeInput(), pair(0.1), pair(1), offset as Tensor1D, scale as Tensor1D);
  }),
];
