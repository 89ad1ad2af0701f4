/** The fused convolution of this library on wasm, where the engine multiplies and adds in one instruction. */
import {engine, getKernel, type fused, type KernelConfig, type NamedTensorMap, type Tensor4D} from '@tensorflow/tfjs-core';
import {COMPILED_CONVOLUTION} from './wasm/convolution.js';

/**
 * Computes `activation(conv2d(x, filter) + bias)`, NHWC, without dilation.
 *
 * @returns `undefined` where there is no such kernel, or a gradient is wanted, which it has not.
 */
export function ownConvolution({
  x,
  filter,
  bias,
  strides,
  pad,
  activation = 'linear',
}: Parameters<typeof fused.conv2d>[0]): Tensor4D | undefined {
  if (engine().isTapeOn() || (getKernel(COMPILED_CONVOLUTION, engine().backendName) as KernelConfig | undefined) === undefined)
    return undefined;
  const inputs: Record<string, unknown> = {x, filter, ...(bias && {bias})};
  const attributes = {strides, pad: pad as number, dilations: 1, dataFormat: 'NHWC', activation};
  return engine().runKernel<Tensor4D>(COMPILED_CONVOLUTION, inputs as NamedTensorMap, attributes);
}
