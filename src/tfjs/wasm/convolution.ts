/**
 * Convolutions in training, where every step brings new filters. The backend's own convolution
 * repacks a filter when it first meets it, value by value, and keeps the result for the next time;
 * with large filters that are used once, this costs as much as the convolution. So the first use of
 * a large filter under a gradient goes to a convolution of ours, and all others to the backend's.
 */
import {engine, util, type DataId, type KernelFunc, type TensorInfo} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {convGeometry, convNumbers} from './_geometry.js';
import {input} from './_kernels.js';
import {address, simd, withScratch} from './_simd.js';

/** Below this many values, repacking is not worth mentioning. */
const LARGE_FILTER = 1 << 14;

/** Wraps `Conv2D` or `FusedConv2D`. */
export function convolveOnce(original: KernelFunc): KernelFunc {
  const seen = new WeakSet<DataId>();
  return (params) => {
    const {inputs, attrs} = params;
    const {x, filter} = inputs as {x: TensorInfo; filter: TensorInfo};
    const large = util.sizeFromShape(filter.shape) >= LARGE_FILTER;
    if (!large || engine().state.gradientDepth === 0 || seen.has(filter.dataId)) return original(params);
    seen.add(filter.dataId);
    const {activation = 'linear', dataFormat} = attrs as {activation?: string; dataFormat?: string};
    const plain = activation === 'linear' && dataFormat !== 'NCHW' && x.dtype === 'float32' && inputs['preluActivationWeights'] == null;
    return plain ? convolve(params) : original(params);
  };
}

const convolve: KernelFunc = ({inputs, backend: any, attrs}) => {
  const backend = any as BackendWasm;
  const x = input(inputs, 'x', backend);
  const filter = input(inputs, 'filter', backend);
  const bias = inputs['bias'] == null ? undefined : input(inputs, 'bias', backend);
  const geometry = convGeometry(x.shape, filter.shape, undefined, attrs ?? {}, false);
  const {batch, inChannels, outChannels, rows, columns} = geometry;
  const kernels = simd(backend);
  const y = backend.makeOutput([batch, rows.outSize, columns.outSize, outChannels], 'float32');
  const [from, weights, to] = [x, filter, y].map((info) => address(backend, info)) as [number, number, number];
  withScratch(backend, kernels.convolutionScratch(inChannels, outChannels, rows.kernelSize * columns.kernelSize), (scratch) => {
    kernels.convolution(from, weights, bias === undefined ? 0 : address(backend, bias), to, scratch, ...convNumbers(geometry));
  });
  return y;
};
