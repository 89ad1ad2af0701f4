/**
 * The one switch that makes the wasm backend able to train and batch normalisation differentiable.
 * It changes tfjs' global registries, so it is a call and never a side effect of an import.
 */
import {getKernel, registerKernel, unregisterKernel} from '@tensorflow/tfjs-core';
import {isMarked, mark} from './_mark.js';
import {installBatchNormGradient} from './batch-norm-gradient.js';
import {installBatchNormLayer} from './batch-norm-layer.js';
import {asKernelFunc, type WasmKernel} from './wasm/_kernels.js';
import {conv2dBackpropFilter} from './wasm/conv2d-backprop-filter.js';
import {conv2dBackpropInput} from './wasm/conv2d-backprop-input.js';
import {depthwiseBackpropFilter} from './wasm/depthwise-backprop-filter.js';
import {depthwiseBackpropInput} from './wasm/depthwise-backprop-input.js';
import {unsortedSegmentSum} from './wasm/unsorted-segment-sum.js';

const added: Readonly<Record<string, WasmKernel>> = {
  Conv2DBackpropFilter: conv2dBackpropFilter,
  DepthwiseConv2dNativeBackpropFilter: depthwiseBackpropFilter,
  DepthwiseConv2dNativeBackpropInput: depthwiseBackpropInput,
  UnsortedSegmentSum: unsortedSegmentSum,
};

/**
 * Installs what tfjs 4.22 lacks for training.
 *
 * On every registered backend: the gradient of batch normalisation, which fails without `gamma` or
 * `beta` (tensorflow/tfjs#2868), and the training pass of tf.layers' BatchNormalization, which
 * fails there too. On wasm, where its kernels are loaded: the kernels
 * Conv2DBackpropFilter, DepthwiseConv2dNativeBackpropInput, DepthwiseConv2dNativeBackpropFilter
 * and UnsortedSegmentSum are added where they are missing, and Conv2DBackpropInput, a scalar loop,
 * is replaced by convolutions.
 *
 * Safe to call twice; call it again after a backend has been imported later. `selectBackend` and
 * `AttentiveDistiller` call it themselves. The results of other code that uses the same backends
 * stay the same, to rounding.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-wasm';
 * import {setBackend} from '@tensorflow/tfjs-core';
 * import {installTrainingKernels} from 'attentive-distiller';
 *
 * await setBackend('wasm');
 * installTrainingKernels();
 * ```
 */
export function installTrainingKernels(): void {
  installBatchNormGradient();
  installBatchNormLayer();
  if (getKernel('Conv2D', 'wasm') === undefined) return;
  for (const [kernelName, kernel] of Object.entries(added)) {
    if (getKernel(kernelName, 'wasm') !== undefined) continue;
    registerKernel({kernelName, backendName: 'wasm', kernelFunc: mark(asKernelFunc(kernel))});
  }
  replaceInputGradient();
}

function replaceInputGradient(): void {
  const original = getKernel('Conv2DBackpropInput', 'wasm');
  if (original === undefined || isMarked(original.kernelFunc)) return;
  const composed = asKernelFunc(conv2dBackpropInput);
  unregisterKernel('Conv2DBackpropInput', 'wasm');
  registerKernel({
    ...original,
    // The convolutions it is made of know NHWC only; the backend's own loop knows both orders.
    kernelFunc: mark((params) => (params.attrs?.['dataFormat'] === 'NCHW' ? original.kernelFunc(params) : composed(params))),
  });
}
