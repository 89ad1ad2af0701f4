/**
 * The channel gate of CBAM behind its pooling (Woo et al. 2018, equation 2), two programs forward and four back, where tfjs
 * composes some fifteen and forty. The matrices are small, so a thread computes each number by itself.
 */
import {util, type KernelFunc, type TensorInfo} from '@tensorflow/tfjs-core';
import {makeArray, runShader, type Shader, type WebgpuBackend} from './_shader.js';

const layout = ['images', 'channels', 'width'] as const;

/** What both poolings give in the hidden layer: the rows of the means, then those of the maxima. */
const hiddenLayer: Shader = {
  name: 'channelGateHidden',
  writes: ['hidden'],
  reads: ['average', 'maximum', 'fc1', 'bias1'],
  integers: layout,
  body: `
    if (index < uniforms.hiddenSize) {
      let row = index / uniforms.width;
      let unit = index % uniforms.width;
      let image = row % uniforms.images;
      var sum = bias1[unit];
      for (var c = 0; c < uniforms.channels; c++) {
        let at = image * uniforms.channels + c;
        sum += select(maximum[at], average[at], row < uniforms.images) * fc1[c * uniforms.width + unit];
      }
      hidden[index] = max(0.0, sum);
    }`,
};

const outputLayer: Shader = {
  name: 'channelGateOutput',
  writes: ['gate'],
  reads: ['hidden', 'fc2', 'bias2'],
  integers: layout,
  body: `
    if (index < uniforms.gateSize) {
      let image = index / uniforms.channels;
      let c = index % uniforms.channels;
      var sum = 2.0 * bias2[c];
      for (var unit = 0; unit < uniforms.width; unit++) {
        let at = image * uniforms.width + unit;
        sum += (hidden[at] + hidden[uniforms.images * uniforms.width + at]) * fc2[unit * uniforms.channels + c];
      }
      gate[index] = 1.0 / (1.0 + exp(-sum));
    }`,
};

const LOGIT_SLOPE = 'fn logitSlope(at: i32) -> f32 { return dy[at] * gate[at] * (1.0 - gate[at]); }';

const hiddenSlope: Shader = {
  name: 'channelGateHiddenSlope',
  writes: ['dhidden'],
  reads: ['dy', 'gate', 'hidden', 'fc2'],
  integers: layout,
  declarations: LOGIT_SLOPE,
  body: `
    let half = uniforms.images * uniforms.width;
    if (index < half) {
      let image = index / uniforms.width;
      let unit = index % uniforms.width;
      var sum = 0.0;
      for (var c = 0; c < uniforms.channels; c++) {
        sum += logitSlope(image * uniforms.channels + c) * fc2[unit * uniforms.channels + c];
      }
      dhidden[index] = select(0.0, sum, hidden[index] > 0.0);
      dhidden[half + index] = select(0.0, sum, hidden[half + index] > 0.0);
    }`,
};

const outputWeights: Shader = {
  name: 'channelGateOutputWeights',
  writes: ['dfc2', 'dbias2'],
  reads: ['dy', 'gate', 'hidden'],
  integers: layout,
  declarations: LOGIT_SLOPE,
  body: `
    if (index < uniforms.dfc2Size) {
      let unit = index / uniforms.channels;
      let c = index % uniforms.channels;
      var sum = 0.0;
      var biases = 0.0;
      for (var image = 0; image < uniforms.images; image++) {
        let slope = logitSlope(image * uniforms.channels + c);
        let at = image * uniforms.width + unit;
        sum += (hidden[at] + hidden[uniforms.images * uniforms.width + at]) * slope;
        biases += 2.0 * slope;
      }
      dfc2[index] = sum;
      if (unit == 0) { dbias2[c] = biases; }
    }`,
};

const hiddenWeights: Shader = {
  name: 'channelGateHiddenWeights',
  writes: ['dfc1', 'dbias1'],
  reads: ['average', 'maximum', 'dhidden'],
  integers: layout,
  body: `
    if (index < uniforms.dfc1Size) {
      let c = index / uniforms.width;
      let unit = index % uniforms.width;
      var sum = 0.0;
      var biases = 0.0;
      for (var image = 0; image < uniforms.images; image++) {
        let pooled = image * uniforms.channels + c;
        let ofAverage = dhidden[image * uniforms.width + unit];
        let ofMaximum = dhidden[(uniforms.images + image) * uniforms.width + unit];
        sum += average[pooled] * ofAverage + maximum[pooled] * ofMaximum;
        biases += ofAverage + ofMaximum;
      }
      dfc1[index] = sum;
      if (c == 0) { dbias1[unit] = biases; }
    }`,
};

const pooledSlopes: Shader = {
  name: 'channelGatePooledSlopes',
  writes: ['daverage', 'dmaximum'],
  reads: ['dhidden', 'fc1'],
  integers: layout,
  body: `
    if (index < uniforms.daverageSize) {
      let image = index / uniforms.channels;
      let c = index % uniforms.channels;
      var first = 0.0;
      var second = 0.0;
      for (var unit = 0; unit < uniforms.width; unit++) {
        let weight = fc1[c * uniforms.width + unit];
        first += dhidden[image * uniforms.width + unit] * weight;
        second += dhidden[(uniforms.images + image) * uniforms.width + unit] * weight;
      }
      daverage[index] = first;
      dmaximum[index] = second;
    }`,
};

type Pooled = Readonly<Record<'average' | 'maximum' | 'fc1' | 'bias1' | 'fc2' | 'bias2', TensorInfo>>;

/**
 * Inputs `average`, `maximum` `[N,C]`, `fc1` `[C,R]`, `bias1` `[R]`, `fc2` `[R,C]`, `bias2` `[C]`. Outputs the gate `[N,C]`
 * and what the hidden layer gave for both, `[2N,R]`.
 */
export const channelGate: KernelFunc = ({inputs, backend: any}) => {
  const backend = any as WebgpuBackend;
  const given = inputs as unknown as Pooled;
  const {numbers, weights} = sizesOf(given.average, given.fc1);
  const gate = makeArray(backend, given.average.shape);
  const hidden = makeArray(backend, [2 * numbers.images, numbers.width]);
  const arrays = {...given, gate, hidden};
  runShader(backend, hiddenLayer, {arrays, numbers, threads: 2 * numbers.images * numbers.width});
  runShader(backend, outputLayer, {arrays, numbers, threads: weights.pooled});
  return [gate, hidden];
};

/** Inputs `dy`, `gate`, `hidden`, and those of the gate without its biases. Outputs the slopes of its inputs, in their order. */
export const channelGateGradient: KernelFunc = ({inputs, backend: any}) => {
  const backend = any as WebgpuBackend;
  const given = inputs as unknown as Pooled & Readonly<Record<'dy' | 'gate' | 'hidden', TensorInfo>>;
  const {numbers, weights} = sizesOf(given.average, given.fc1);
  const {images, channels, width} = numbers;
  const made = {
    daverage: makeArray(backend, [images, channels]),
    dmaximum: makeArray(backend, [images, channels]),
    dfc1: makeArray(backend, [channels, width]),
    dbias1: makeArray(backend, [width]),
    dfc2: makeArray(backend, [width, channels]),
    dbias2: makeArray(backend, [channels]),
  };
  const dhidden = makeArray(backend, [2 * images, width]);
  const arrays = {...given, ...made, dhidden};
  runShader(backend, hiddenSlope, {arrays, numbers, threads: images * width});
  runShader(backend, outputWeights, {arrays, numbers, threads: weights.all});
  runShader(backend, hiddenWeights, {arrays, numbers, threads: weights.all});
  runShader(backend, pooledSlopes, {arrays, numbers, threads: weights.pooled});
  backend.disposeData(dhidden.dataId);
  return Object.values(made);
};

function sizesOf(
  average: TensorInfo,
  fc1: TensorInfo,
): {
  numbers: Readonly<Record<(typeof layout)[number], number>>;
  weights: {readonly pooled: number; readonly all: number};
} {
  const [images, channels] = average.shape as [number, number];
  const width = fc1.shape[1] as number;
  return {numbers: {images, channels, width}, weights: {pooled: util.sizeFromShape(average.shape), all: channels * width}};
}
