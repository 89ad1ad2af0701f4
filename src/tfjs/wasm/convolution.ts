/**
 * Convolutions of ours, in the place of the backend's.
 *
 * In training, every step brings new filters. The backend's own convolution repacks a filter when it first meets it, value
 * by value, and keeps the result for the next time; with large filters that are used once, this costs as much as the
 * convolution. So the first use of a large filter under a gradient goes to a convolution of ours, and all others to the
 * backend's; both come to the same numbers, bit for bit. Where ours multiplies and adds in one instruction it rounds
 * otherwise: then all uses of such filters go to it, so that it does not matter which is the first.
 *
 * Compiled networks ask for {@link COMPILED_CONVOLUTION}, which is there only where that instruction is.
 */
import {engine, util, type DataId, type KernelFunc, type TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {convGeometry, convNumbers} from './_geometry.js';
import {input, run, type Attributes, type WasmKernel} from './_kernels.js';
import {withKeptFilter, withPackedFilter} from './packed-filters.js';
import {address, isRelaxed, simd, withScratch} from './_simd.js';

/** The name of the kernel: inputs `x`, `filter` and perhaps `bias`, attributes of a convolution and `activation`; NHWC. */
export const COMPILED_CONVOLUTION = 'AttentiveCompiledConvolution';

/** Below this many values, repacking is not worth mentioning. */
const LARGE_FILTER = 1 << 14;

/** What an activation cuts to. */
const limits: Readonly<Record<string, readonly [low: number, high: number]>> = {
  linear: [-Infinity, Infinity],
  relu: [0, Infinity],
  relu6: [0, 6],
};

/** Wraps `Conv2D` or `FusedConv2D`. */
export function convolveOnce(original: KernelFunc): KernelFunc {
  const seen = new WeakSet<DataId>();
  return (params) => {
    const {inputs, attrs} = params;
    const {x, filter} = inputs as {x: TensorInfo; filter: TensorInfo};
    const backend = params.backend as BackendWasm;
    const large = util.sizeFromShape(filter.shape) >= LARGE_FILTER;
    if (!large || engine().state.gradientDepth === 0 || (seen.has(filter.dataId) && !isRelaxed(backend))) return original(params);
    seen.add(filter.dataId);
    const {activation = 'linear', dataFormat} = attrs as {activation?: string; dataFormat?: string};
    const plain = activation === 'linear' && dataFormat !== 'NCHW' && x.dtype === 'float32' && inputs['preluActivationWeights'] == null;
    return plain ? convolve(inputs, backend, attrs as Attributes, withPackedFilter) : original(params);
  };
}

/** The kernel of compiled networks; the backend's own where that has threads. */
export const compiledConvolution: WasmKernel = (inputs, backend, attributes) =>
  isRelaxed(backend) ? convolve(inputs, backend, attributes, withKeptFilter) : run('FusedConv2D', inputs, backend, attributes);

/** `activation(x ∗ filter + bias)`. */
function convolve(...[inputs, backend, attributes, withFilter]: [...Parameters<WasmKernel>, typeof withKeptFilter]): TensorInfo {
  const x = input(inputs, 'x', backend);
  const filter = input(inputs, 'filter', backend);
  const bias = inputs['bias'] == null ? undefined : input(inputs, 'bias', backend);
  const geometry = convGeometry(x.shape, filter.shape, undefined, attributes, false);
  const {batch, inChannels, outChannels, rows, columns} = geometry;
  const [low, high] = limits[(attributes['activation'] as string | undefined) ?? 'linear'] as (typeof limits)[string];
  const kernels = simd(backend);
  const y = backend.makeOutput([batch, rows.outSize, columns.outSize, outChannels], 'float32');
  const [from, to] = [address(backend, x), address(backend, y)];
  const taps = rows.kernelSize * columns.kernelSize;
  withFilter(backend, filter, {depth: taps * inChannels, outChannels}, (packed) => {
    withScratch(backend, kernels.convolutionScratch(inChannels, taps), (scratch) => {
      kernels.convolution(from, packed, bias === undefined ? 0 : address(backend, bias), to, scratch, low, high, ...convNumbers(geometry));
    });
  });
  return y;
}
