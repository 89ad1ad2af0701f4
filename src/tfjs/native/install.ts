/**
 * What tfjs-node gets: paddings in numbers, a faster step function, the functions of Node that it calls, and kernels of this library
 * that call an operation of TensorFlow where tfjs composes the same of many.
 */
import {engine, getKernel, registerKernel, type KernelConfig, type KernelFunc} from '@tensorflow/tfjs-core';
import {mark} from '../mark.js';
import {ADAM_STEP, BATCH_NORM_TRAINING, BATCH_NORM_TRAINING_GRADIENT, GATE_SLOPE, MOMENTUM_STEP} from '../own-kernels.js';
import type {NativeBackend} from './_operations.js';
import {batchNormTraining, batchNormTrainingGradient} from './batch-norm-training.js';
import {installNativeConvolutions} from './convolutions.js';
import {gateSlope} from './gate-slope.js';
import {restoreNodeUtil} from './node-util.js';
import {adamStep, momentumStep} from './optimizer-steps.js';
import {installNativeStep} from './step.js';

const added: Readonly<Record<string, KernelFunc>> = {[GATE_SLOPE]: gateSlope};
/** On a card TensorFlow keeps other statistics for the way back, and where its variables lie has not been tried. */
const addedOnProcessor: Readonly<Record<string, KernelFunc>> = {
  [ADAM_STEP]: adamStep,
  [BATCH_NORM_TRAINING]: batchNormTraining,
  [BATCH_NORM_TRAINING_GRADIENT]: batchNormTrainingGradient,
  [MOMENTUM_STEP]: momentumStep,
};

/** Installs all of it where tfjs-node is loaded, once per process. */
export function installOnNative(): void {
  if ((getKernel('Conv2D', 'tensorflow') as KernelConfig | undefined) === undefined) return;
  restoreNodeUtil(); // for those who have imported it themselves
  installNativeConvolutions();
  installNativeStep();
  const {isUsingGpuDevice} = engine().findBackend('tensorflow') as unknown as NativeBackend;
  for (const [kernelName, kernelFunc] of Object.entries({...added, ...(isUsingGpuDevice ? {} : addedOnProcessor)})) {
    if ((getKernel(kernelName, 'tensorflow') as KernelConfig | undefined) !== undefined) continue;
    registerKernel({kernelName, backendName: 'tensorflow', kernelFunc: mark(kernelFunc)});
  }
}
