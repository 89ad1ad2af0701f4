/**
 * Batch normalisation with the statistics of its batch (Ioffe & Szegedy 2015), forward and backward,
 * in three passes each over the values; composed of tfjs' operations it takes some twenty.
 */
import {util, type KernelFunc, type TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {floatHeap, floatOffset, free, input, makeZeros, type Infos} from './_kernels.js';
import {address, simd, withScratch} from './_simd.js';

/**
 * `y = (x − mean) / sqrt(variance + ε) · gamma + beta` over all axes but the last.
 *
 * Inputs `x` `[…,C]`, `gamma` and `beta` `[C]`, borrowed; attribute `epsilon`. Outputs `[y, mean,
 * variance]`, the variance the biased one.
 */
export const batchNormTraining: KernelFunc = ({inputs, backend: any, attrs}) => {
  const backend = any as BackendWasm;
  const {x, gamma, beta} = take(inputs, backend, ['x', 'gamma', 'beta']);
  const {rows, channels} = rowsOf(x);
  const kernels = simd(backend);
  const y = backend.makeOutput(x.shape, 'float32');
  const mean = makeZeros(backend, [channels]);
  const variance = makeZeros(backend, [channels]);
  const at = (info: TensorInfo): number => address(backend, info);
  kernels.channelSums(at(x), 0, 0, rows, channels, at(mean), 0);
  edit(backend, [mean], ([m]) => divide(m, rows));
  kernels.channelSquares(at(x), at(mean), rows, channels, at(variance));
  const scale = backend.makeOutput([channels], 'float32');
  edit(backend, [scale, variance, gamma], ([s, v, g]) => {
    divide(v, rows);
    for (let c = 0; c < channels; c++) s[c] = (g[c] as number) / Math.sqrt((v[c] as number) + (attrs?.['epsilon'] as number));
  });
  kernels.channelAffine(at(x), at(mean), at(scale), at(beta), 0, 0, at(y), rows, channels);
  free(backend, scale);
  return [y, mean, variance];
};

/**
 * The gradient: `dx = gamma·r·(dy − mean(dy) − (x − mean)·r²·mean(dy·(x − mean)))`, `r = 1/sqrt(variance + ε)`.
 *
 * Inputs `dy`, `x`, `gamma`, `mean`, `variance`, borrowed. Outputs `[dx, dgamma, dbeta]`.
 */
export const batchNormTrainingGradient: KernelFunc = ({inputs, backend: any, attrs}) => {
  const backend = any as BackendWasm;
  const {dy, x, gamma, mean, variance} = take(inputs, backend, ['dy', 'x', 'gamma', 'mean', 'variance']);
  const {rows, channels} = rowsOf(x);
  const kernels = simd(backend);
  const dx = backend.makeOutput(x.shape, 'float32');
  const dgamma = makeZeros(backend, [channels]);
  const dbeta = makeZeros(backend, [channels]);
  const at = (info: TensorInfo): number => address(backend, info);
  kernels.channelSums(at(dy), at(x), at(mean), rows, channels, at(dbeta), at(dgamma));
  withScratch(backend, 3 * channels, (scratch) => {
    const [ofDy, ofX, constant] = [0, 1, 2].map((part) => scratch + part * channels * Float32Array.BYTES_PER_ELEMENT) as [
      number,
      number,
      number,
    ];
    edit(backend, [gamma, variance, dgamma, dbeta], ([g, v, products, sums]) => {
      const factors = new Float32Array(floatHeap(backend).buffer, scratch, 3 * channels);
      for (let c = 0; c < channels; c++) {
        const r = 1 / Math.sqrt((v[c] as number) + (attrs?.['epsilon'] as number));
        const a = (g[c] as number) * r;
        const b = (-a * r * r * (products[c] as number)) / rows;
        factors[c] = a;
        factors[channels + c] = b;
        factors[2 * channels + c] = (-a * (sums[c] as number)) / rows;
        products[c] = (products[c] as number) * r;
      }
    });
    kernels.channelAffine(at(x), at(mean), ofX, constant, at(dy), ofDy, at(dx), rows, channels);
  });
  return [dx, dgamma, dbeta];
};

function rowsOf({shape}: TensorInfo): {rows: number; channels: number} {
  const channels = shape.at(-1) as number;
  return {rows: util.sizeFromShape(shape) / channels, channels};
}

function divide(values: Float32Array, by: number): void {
  for (let c = 0; c < values.length; c++) values[c] = (values[c] as number) / by;
}

function take<Name extends string>(inputs: Infos, backend: BackendWasm, names: readonly Name[]): Record<Name, TensorInfo> {
  return Object.fromEntries(names.map((name) => [name, input(inputs, name, backend)])) as Record<Name, TensorInfo>;
}

type Views<T extends readonly TensorInfo[]> = {[K in keyof T]: Float32Array};

/** Lets `change` read and write the values of small tensors in place. It must not allocate tensors. */
function edit<const T extends readonly TensorInfo[]>(backend: BackendWasm, infos: T, change: (views: Views<T>) => void): void {
  const heap = floatHeap(backend);
  const views = infos.map((info) => {
    const start = floatOffset(backend, info);
    return heap.subarray(start, start + util.sizeFromShape(info.shape));
  });
  change(views as unknown as Views<T>);
}
