/**
 * Batch normalisation with the statistics of its batch (Ioffe & Szegedy 2015) over all axes but the last: three programs
 * forward and three back, where tfjs composes some twenty each. Sums over the rows are taken in parts: part p has the rows
 * p, p + parts, p + 2·parts, …, so that neighbouring threads read neighbouring values whatever the number of channels.
 */
import {util, type KernelFunc, type TensorInfo} from '@tensorflow/tfjs-core';
import {freeArrays, makeArray, runShader, type Shader, type WebgpuBackend} from './_shader.js';

/** The partial sums of all channels together, at most; enough to keep a GPU busy, few enough to be added by one thread each. */
const MAX_SUMS = 32_768;
const MAX_PARTS = 256;
const ROWS_PER_PART = 16;

const layout = ['rows', 'channels', 'parts'] as const;

/** Mean and sum of squared deviations of each part, relative to its first value, which keeps them exact far from zero. */
const partMoments: Shader = {
  name: 'batchNormPartMoments',
  writes: ['moments'],
  reads: ['x'],
  integers: layout,
  body: `
    let sums = uniforms.parts * uniforms.channels;
    if (index < sums) {
      let origin = x[index];
      var sum = 0.0;
      var squares = 0.0;
      var count = 0.0;
      for (var at = index; at < uniforms.rows * uniforms.channels; at += sums) {
        let value = x[at] - origin;
        sum += value;
        squares += value * value;
        count += 1.0;
      }
      moments[index] = origin + sum / count;
      moments[sums + index] = max(0.0, squares - sum * sum / count);
    }`,
};

/** The moments of all rows from those of the parts (Chan, Golub & LeVeque 1979). */
const allMoments: Shader = {
  name: 'batchNormMoments',
  writes: ['mean', 'variance'],
  reads: ['moments'],
  integers: layout,
  body: `
    if (index < uniforms.channels) {
      let sums = uniforms.parts * uniforms.channels;
      let rows = f32(uniforms.rows);
      let origin = moments[index];
      var sum = 0.0;
      for (var part = 0; part < uniforms.parts; part++) {
        let count = f32((uniforms.rows - 1 - part) / uniforms.parts + 1);
        sum += count * (moments[part * uniforms.channels + index] - origin);
      }
      let centre = origin + sum / rows;
      var squares = 0.0;
      for (var part = 0; part < uniforms.parts; part++) {
        let count = f32((uniforms.rows - 1 - part) / uniforms.parts + 1);
        let away = moments[part * uniforms.channels + index] - centre;
        squares += moments[sums + part * uniforms.channels + index] + count * away * away;
      }
      mean[index] = centre;
      variance[index] = squares / rows;
    }`,
};

const normalize: Shader = {
  name: 'batchNormNormalize',
  writes: ['y'],
  reads: ['x', 'mean', 'variance', 'gamma', 'beta'],
  integers: ['channels'],
  floats: ['epsilon'],
  body: `
    if (index < uniforms.ySize) {
      let c = index % uniforms.channels;
      y[index] = (x[index] - mean[c]) * (gamma[c] * inverseSqrt(variance[c] + uniforms.epsilon)) + beta[c];
    }`,
};

/** Per part, the sums of dy and of dy · (x − mean). */
const partSlopes: Shader = {
  name: 'batchNormPartSlopes',
  writes: ['slopes'],
  reads: ['dy', 'x', 'mean'],
  integers: layout,
  body: `
    let sums = uniforms.parts * uniforms.channels;
    if (index < sums) {
      let centre = mean[index % uniforms.channels];
      var sum = 0.0;
      var products = 0.0;
      for (var at = index; at < uniforms.rows * uniforms.channels; at += sums) {
        sum += dy[at];
        products += dy[at] * (x[at] - centre);
      }
      slopes[index] = sum;
      slopes[sums + index] = products;
    }`,
};

const weightSlopes: Shader = {
  name: 'batchNormWeightSlopes',
  writes: ['dgamma', 'dbeta'],
  reads: ['slopes', 'variance'],
  integers: layout,
  floats: ['epsilon'],
  body: `
    if (index < uniforms.channels) {
      let sums = uniforms.parts * uniforms.channels;
      var sum = f32(uniforms.rows) * 0.0;
      var products = 0.0;
      for (var at = index; at < sums; at += uniforms.channels) {
        sum += slopes[at];
        products += slopes[sums + at];
      }
      dbeta[index] = sum;
      dgamma[index] = products * inverseSqrt(variance[index] + uniforms.epsilon);
    }`,
};

const inputSlope: Shader = {
  name: 'batchNormInputSlope',
  writes: ['dx'],
  reads: ['dy', 'x', 'mean', 'variance', 'gamma', 'dgamma', 'dbeta'],
  integers: ['rows', 'channels'],
  floats: ['epsilon'],
  body: `
    if (index < uniforms.dxSize) {
      let c = index % uniforms.channels;
      let r = inverseSqrt(variance[c] + uniforms.epsilon);
      let mutual = (dbeta[c] + (x[index] - mean[c]) * r * dgamma[c]) / f32(uniforms.rows);
      dx[index] = gamma[c] * r * (dy[index] - mutual);
    }`,
};

const move: Shader = {
  name: 'batchNormMove',
  writes: ['nextMean', 'nextVariance'],
  reads: ['movingMean', 'mean', 'movingVariance', 'variance'],
  floats: ['momentum'],
  body: `
    if (index < uniforms.nextMeanSize) {
      nextMean[index] = movingMean[index] - (movingMean[index] - mean[index]) * (1.0 - uniforms.momentum);
      nextVariance[index] = movingVariance[index] - (movingVariance[index] - variance[index]) * (1.0 - uniforms.momentum);
    }`,
};

/** Inputs `x` `[…,C]`, `gamma`, `beta` `[C]`; attribute `epsilon`. Outputs `[y, mean, variance]`, the variance the biased one. */
export const batchNormTraining: KernelFunc = ({inputs, backend: any, attrs}) => {
  const backend = any as WebgpuBackend;
  const {x, gamma, beta} = inputs as unknown as Record<string, TensorInfo> as {x: TensorInfo; gamma: TensorInfo; beta: TensorInfo};
  const {size, numbers, partShape} = partsOf(x, attrs as {epsilon: number});
  const {channels, parts} = numbers;
  const [y, mean, variance] = [makeArray(backend, x.shape), makeArray(backend, [channels]), makeArray(backend, [channels])] as const;
  const moments = makeArray(backend, partShape);
  runShader(backend, partMoments, {arrays: {moments, x}, numbers, threads: parts * channels});
  runShader(backend, allMoments, {arrays: {mean, variance, moments}, numbers, threads: channels});
  runShader(backend, normalize, {arrays: {y, x, mean, variance, gamma, beta}, numbers, threads: size});
  freeArrays(backend, moments);
  return [y, mean, variance];
};

/** Inputs `dy`, `x`, `gamma`, `mean`, `variance`; attribute `epsilon`. Outputs `[dx, dgamma, dbeta]`. */
export const batchNormTrainingGradient: KernelFunc = ({inputs, backend: any, attrs}) => {
  const backend = any as WebgpuBackend;
  const given = inputs as unknown as Record<'dy' | 'x' | 'gamma' | 'mean' | 'variance', TensorInfo>;
  const {size, numbers, partShape} = partsOf(given.x, attrs as {epsilon: number});
  const {channels, parts} = numbers;
  const [dx, dgamma, dbeta] = [makeArray(backend, given.x.shape), makeArray(backend, [channels]), makeArray(backend, [channels])] as const;
  const slopes = makeArray(backend, partShape);
  runShader(backend, partSlopes, {arrays: {...given, slopes}, numbers, threads: parts * channels});
  runShader(backend, weightSlopes, {arrays: {...given, dgamma, dbeta, slopes}, numbers, threads: channels});
  runShader(backend, inputSlope, {arrays: {...given, dx, dgamma, dbeta}, numbers, threads: size});
  freeArrays(backend, slopes);
  return [dx, dgamma, dbeta];
};

/** Inputs `movingMean`, `mean`, `movingVariance`, `variance` `[C]`; attribute `momentum`. Outputs both moved ones. */
export const movingStep: KernelFunc = ({inputs, backend: any, attrs}) => {
  const backend = any as WebgpuBackend;
  const given = inputs as unknown as Record<'movingMean' | 'mean' | 'movingVariance' | 'variance', TensorInfo>;
  const {shape} = given.movingMean;
  const [nextMean, nextVariance] = [makeArray(backend, shape), makeArray(backend, shape)] as const;
  const {momentum} = attrs as unknown as {momentum: number};
  runShader(backend, move, {arrays: {...given, nextMean, nextVariance}, numbers: {momentum}, threads: util.sizeFromShape(shape)});
  return [nextMean, nextVariance];
};

interface Parts {
  readonly size: number;
  readonly partShape: [2, number, number];
  readonly numbers: Readonly<Record<(typeof layout)[number] | 'epsilon', number>>;
}

function partsOf({shape}: TensorInfo, {epsilon}: {epsilon: number}): Parts {
  const size = util.sizeFromShape(shape);
  const channels = shape.at(-1) as number;
  const rows = size / channels;
  const parts = Math.max(1, Math.min(Math.floor(rows / ROWS_PER_PART), Math.floor(MAX_SUMS / channels), MAX_PARTS));
  return {size, partShape: [2, parts, channels], numbers: {rows, channels, parts, epsilon}};
}
