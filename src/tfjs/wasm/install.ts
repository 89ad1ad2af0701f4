/**
 * What the wasm backend gets: the kernels that it lacks for training, and faster forms of those that it has.
 */
import {getKernel, registerKernel, type KernelConfig, type KernelFunc} from '@tensorflow/tfjs-core';
import {mark} from '../mark.js';
import {ADAM_STEP, BATCH_NORM_TRAINING, BATCH_NORM_TRAINING_GRADIENT, GATE_SLOPE, MOMENTUM_STEP} from '../own-kernels.js';
import {wrapKernel} from '../wrap-kernel.js';
import {asKernelFunc} from './_kernels.js';
import {hasMultiplyAdd, whereSimd} from './_simd.js';
import {avgPoolGrad} from './avg-pool-grad.js';
import {batchNormTraining, batchNormTrainingGradient} from './batch-norm-training.js';
import {conv2dBackpropFilter} from './conv2d-backprop-filter.js';
import {conv2dBackpropInput} from './conv2d-backprop-input.js';
import {COMPILED_CONVOLUTION, compiledConvolution, convolveOnce} from './convolution.js';
import {depthwiseBackpropFilter} from './depthwise-backprop-filter.js';
import {depthwiseBackpropInput} from './depthwise-backprop-input.js';
import {einsum} from './einsum.js';
import {gateSlope} from './gate-slope.js';
import {shareValues} from './identity.js';
import {cutRuns, joinRuns, splitRuns} from './joints.js';
import {multiplyTransposed} from './matmul.js';
import {maxPoolGrad} from './max-pool-grad.js';
import {adamStep, momentumStep} from './optimizer-steps.js';
import {foldAxes} from './reductions.js';
import {tileBlocks} from './tile.js';
import {unsortedSegmentSum} from './unsorted-segment-sum.js';

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
  AvgPoolGrad: () => asKernelFunc(avgPoolGrad),
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

/** Installs all of it where the backend is loaded, once per process. */
export function installOnWasm(): void {
  if ((getKernel('Conv2D', 'wasm') as KernelConfig | undefined) === undefined) return;
  for (const [kernelName, kernelFunc] of Object.entries(added)) {
    registerOnce(kernelName, kernelFunc);
  }
  if (hasMultiplyAdd()) registerOnce(COMPILED_CONVOLUTION, asKernelFunc(compiledConvolution));
  for (const [kernelName, wrap] of Object.entries(replaced)) {
    wrapKernel(kernelName, 'wasm', (original) => whereSimd(wrap(original), original));
  }
}

function registerOnce(kernelName: string, kernelFunc: KernelFunc): void {
  if ((getKernel(kernelName, 'wasm') as KernelConfig | undefined) !== undefined) return;
  registerKernel({kernelName, backendName: 'wasm', kernelFunc: mark(kernelFunc)});
}

function convolveBack(original: KernelFunc): KernelFunc {
  const composed = asKernelFunc(conv2dBackpropInput);
  // The convolutions it is made of know NHWC only; the backend's own loop knows both orders.
  return (params) => (params.attrs?.['dataFormat'] === 'NCHW' ? original(params) : composed(params));
}
