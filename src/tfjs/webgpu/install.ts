/** What the WebGPU backend gets: kernels of this library that do in one program, or three, what tfjs composes of many. */
import {getKernel, registerKernel, type KernelConfig, type KernelFunc} from '@tensorflow/tfjs-core';
import {mark} from '../mark.js';
import {installValueSharing} from '../share-values.js';
import {
  ADAM_STEP,
  BATCH_NORM_TRAINING,
  BATCH_NORM_TRAINING_GRADIENT,
  CHANNEL_GATE,
  CHANNEL_GATE_GRADIENT,
  GATE_SLOPE,
  MOMENTUM_STEP,
  MOVING_STEP,
} from '../own-kernels.js';
import {wrapKernel} from '../wrap-kernel.js';
import {batchNormTraining, batchNormTrainingGradient, movingStep} from './batch-norm-training.js';
import {channelGate, channelGateGradient} from './channel-gate.js';
import {filterSlopes} from './conv2d-backprop-filter.js';
import {gateSlope} from './gate-slope.js';
import {adamStep, momentumStep} from './optimizer-steps.js';

const added: Readonly<Record<string, KernelFunc>> = {
  [ADAM_STEP]: adamStep,
  [BATCH_NORM_TRAINING]: batchNormTraining,
  [BATCH_NORM_TRAINING_GRADIENT]: batchNormTrainingGradient,
  [CHANNEL_GATE]: channelGate,
  [CHANNEL_GATE_GRADIENT]: channelGateGradient,
  [GATE_SLOPE]: gateSlope,
  [MOMENTUM_STEP]: momentumStep,
  [MOVING_STEP]: movingStep,
};

/** Installs all of it where the backend is loaded, once per process. */
export function installOnWebgpu(): void {
  if ((getKernel('Conv2D', 'webgpu') as KernelConfig | undefined) === undefined) return;
  for (const [kernelName, kernelFunc] of Object.entries(added)) {
    if ((getKernel(kernelName, 'webgpu') as KernelConfig | undefined) !== undefined) continue;
    registerKernel({kernelName, backendName: 'webgpu', kernelFunc: mark(kernelFunc)});
  }
  wrapKernel('Conv2DBackpropFilter', 'webgpu', filterSlopes);
  installValueSharing();
}
