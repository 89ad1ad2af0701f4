/** The functions of assembly/, as seen from outside: every argument is a number, pointers included. */

/**
 * A convolution's numbers as the module takes them: batch, height, width, inChannels, outHeight,
 * outWidth, outChannels, kernelHeight, kernelWidth, strideY, strideX, padTop, padLeft, dilationY,
 * dilationX.
 */
export type ConvNumbers = readonly [
  batch: number,
  height: number,
  width: number,
  inChannels: number,
  outHeight: number,
  outWidth: number,
  outChannels: number,
  kernelHeight: number,
  kernelWidth: number,
  strideY: number,
  strideX: number,
  padTop: number,
  padLeft: number,
  dilationY: number,
  dilationX: number,
];

/** See the file of each function in assembly/. */
export interface SimdExports {
  adamStep(
    value: number,
    slope: number,
    m: number,
    v: number,
    out: number,
    length: number,
    beta1: number,
    beta2: number,
    rate: number,
    correction1: number,
    correction2: number,
    epsilon: number,
  ): void;
  channelAffine(x: number, centre: number, q: number, r: number, a: number, p: number, out: number, rows: number, channels: number): void;
  channelSquares(x: number, centre: number, rows: number, channels: number, squares: number): void;
  channelSums(a: number, b: number, centre: number, rows: number, channels: number, sums: number, products: number): void;
  convolution(
    x: number,
    packed: number,
    bias: number,
    y: number,
    scratch: number,
    low: number,
    high: number,
    ...geometry: ConvNumbers
  ): void;
  convolutionScratch(inChannels: number, taps: number): number;
  copyRuns(from: number, fromStride: number, to: number, toStride: number, length: number, count: number): void;
  depthwiseGradient(image: number, dy: number, filter: number, toFilter: number, multiplier: number, ...geometry: ConvNumbers): void;
  filterGradient(x: number, dy: number, dw: number, scratch: number, ...geometry: ConvNumbers): void;
  filterGradientScratch(outChannels: number): number;
  gateSlope(dy: number, x: number, dx: number, length: number, low: number, high: number, openLow: number): void;
  inputGradient(dy: number, w: number, dx: number, scratch: number, ...geometry: ConvNumbers): void;
  inputGradientScratch(inChannels: number, outChannels: number, taps: number): number;
  maxFold(x: number, out: number, outer: number, rows: number, inner: number): void;
  maxPoolGradient(x: number, y: number, dy: number, dx: number, ...geometry: ConvNumbers): void;
  momentumStep(value: number, slope: number, velocity: number, out: number, length: number, momentum: number, rate: number): void;
  packedSize(depth: number, outChannels: number): number;
  packFilter(w: number, to: number, depth: number, outChannels: number): void;
  sumFold(x: number, out: number, outer: number, rows: number, inner: number, factor: number): void;
}
