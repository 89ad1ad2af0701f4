/**
 * The one switch that makes the wasm backend able to train and batch normalisation differentiable.
 * It changes tfjs' global registries, so it is a call and never a side effect of an import.
 */
import {getKernel, registerKernel, unregisterKernel, type KernelConfig, type KernelFunc} from '@tensorflow/tfjs-core';
import {isMarked, mark} from './mark.js';
import {restoreNodeUtil} from './native/node-util.js';
import {installAveragePoolGradient} from './gradients/average-pool.js';
import {installBatchNormGradient} from './batch-norm/gradient.js';
import {installBatchNormLayer} from './batch-norm/layer.js';
import {installDilatedGradients} from './gradients/dilated.js';
import {installNativeConvolutions} from './native/convolutions.js';
import {installNativeStep} from './native/step.js';
import {installNearestGradient} from './gradients/nearest.js';
import {installWasmGradients} from './wasm/gradients.js';
import {asKernelFunc} from './wasm/_kernels.js';
import {
  BATCH_NORM_TRAINING,
  BATCH_NORM_TRAINING_GRADIENT,
  batchNormTraining,
  batchNormTrainingGradient,
} from './wasm/batch-norm-training.js';
import {convolveOnce} from './wasm/convolution.js';
import {conv2dBackpropFilter} from './wasm/conv2d-backprop-filter.js';
import {conv2dBackpropInput} from './wasm/conv2d-backprop-input.js';
import {depthwiseBackpropFilter} from './wasm/depthwise-backprop-filter.js';
import {depthwiseBackpropInput} from './wasm/depthwise-backprop-input.js';
import {einsum} from './wasm/einsum.js';
import {GATE_SLOPE, gateSlope} from './wasm/gate-slope.js';
import {shareValues} from './wasm/identity.js';
import {cutRuns, joinRuns, splitRuns} from './wasm/joints.js';
import {multiplyTransposed} from './wasm/matmul.js';
import {maxPoolGrad} from './wasm/max-pool-grad.js';
import {ADAM_STEP, adamStep, MOMENTUM_STEP, momentumStep} from './wasm/optimizer-steps.js';
import {foldAxes} from './wasm/reductions.js';
import {whereSimd} from './wasm/_simd.js';
import {tileBlocks} from './wasm/tile.js';
import {unsortedSegmentSum} from './wasm/unsorted-segment-sum.js';

const added: Readonly<Record<string, KernelFunc>> = {
  Conv2DBackpropFilter: asKernelFunc(conv2dBackpropFilter),
  DepthwiseConv2dNativeBackpropFilter: asKernelFunc(depthwiseBackpropFilter),
  DepthwiseConv2dNativeBackpropInput: asKernelFunc(depthwiseBackpropInput),
  Einsum: asKernelFunc(einsum),
  UnsortedSegmentSum: asKernelFunc(unsortedSegmentSum),
  // Names of our own: what tfjs composes, in one pass.
  [ADAM_STEP]: asKernelFunc(adamStep),
  [BATCH_NORM_TRAINING]: batchNormTraining,
  [BATCH_NORM_TRAINING_GRADIENT]: batchNormTrainingGradient,
  [GATE_SLOPE]: asKernelFunc(gateSlope),
  [MOMENTUM_STEP]: asKernelFunc(momentumStep),
};

const replaced: Readonly<Record<string, (original: KernelFunc) => KernelFunc>> = {
  BatchMatMul: multiplyTransposed,
  Concat: joinRuns,
  Conv2D: convolveOnce,
  Conv2DBackpropInput: convolveBack,
  FusedConv2D: convolveOnce,
  Identity: shareValues,
  MaxPoolGrad: () => asKernelFunc(maxPoolGrad),
  Max: (original) => foldAxes(original, 'max'),
  Mean: (original) => foldAxes(original, 'mean'),
  Slice: cutRuns,
  SplitV: splitRuns,
  Sum: (original) => foldAxes(original, 'sum'),
  Tile: tileBlocks,
};

/**
 * Installs what tfjs 4.22 lacks for training.
 *
 * On every registered backend:
 * - the gradient of batch normalisation, and tf.layers' BatchNormalization in training: both fail
 *   without `gamma` or `beta` (tensorflow/tfjs#2868);
 * - the gradients of dilated convolutions, which tfjs refuses;
 * - the gradient of upsampling to the nearest neighbour by whole factors, which on cpu is wrong after
 *   the first image of a batch;
 * - the gradient of average pooling with padding, which is too small at the border everywhere but on
 *   tfjs-node.
 *
 * On `tensorflow`, where tfjs-node is loaded:
 * - convolutions and their gradients take padding in numbers;
 * - the functions of Node's `util` that tfjs-node calls and Node 23 has removed are there again.
 *
 * On wasm, where its kernels are loaded:
 * - Conv2DBackpropFilter, DepthwiseConv2dNativeBackpropInput, DepthwiseConv2dNativeBackpropFilter,
 *   UnsortedSegmentSum and Einsum are added where they are missing;
 * - MaxPoolGrad, which is wrong in windows of negative values, is replaced;
 * - Conv2D and FusedConv2D under a gradient, Conv2DBackpropInput, BatchMatMul with a transposed
 *   factor, Sum, Mean and Max, Concat, Slice, SplitV, Tile, Identity, and the gradients of Sum,
 *   Mean, Max, ClipByValue, Relu and Relu6 get faster forms, and so does tf.layers'
 *   BatchNormalization in training.
 *
 * The gradients on wasm run in a SIMD WebAssembly module that this library carries; it starts with
 * the first of them.
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
  installAveragePoolGradient();
  installBatchNormGradient();
  installBatchNormLayer();
  installDilatedGradients();
  installNearestGradient();
  if ((getKernel('Conv2D', 'tensorflow') as KernelConfig | undefined) !== undefined) {
    restoreNodeUtil(); // for those who have imported it themselves
    installNativeConvolutions();
    installNativeStep();
  }
  if ((getKernel('Conv2D', 'wasm') as KernelConfig | undefined) === undefined) return;
  installWasmGradients();
  for (const [kernelName, kernelFunc] of Object.entries(added)) {
    if ((getKernel(kernelName, 'wasm') as KernelConfig | undefined) !== undefined) continue;
    registerKernel({kernelName, backendName: 'wasm', kernelFunc: mark(kernelFunc)});
  }
  for (const [kernelName, wrap] of Object.entries(replaced)) replace(kernelName, wrap);
}

/** Puts another function in the place of a kernel's, once; its setup and disposal stay. */
function replace(kernelName: string, wrap: (original: KernelFunc) => KernelFunc): void {
  const original = getKernel(kernelName, 'wasm') as KernelConfig | undefined;
  if (original === undefined || isMarked(original.kernelFunc)) return;
  unregisterKernel(kernelName, 'wasm');
  registerKernel({...original, kernelFunc: mark(whereSimd(wrap(original.kernelFunc), original.kernelFunc))});
}

function convolveBack(original: KernelFunc): KernelFunc {
  const composed = asKernelFunc(conv2dBackpropInput);
  // The convolutions it is made of know NHWC only; the backend's own loop knows both orders.
  return (params) => (params.attrs?.['dataFormat'] === 'NCHW' ? original(params) : composed(params));
}
