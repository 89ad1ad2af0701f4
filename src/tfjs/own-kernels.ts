/**
 * Names under which kernels of this library are registered; tfjs has none like them. A backend has those that make it
 * faster: what asks for one composes the same of tfjs' operations where it is missing.
 */
import {engine, getKernel, type KernelConfig} from '@tensorflow/tfjs-core';

/** One step of Adam on one variable. */
export const ADAM_STEP = 'AttentiveAdamStep';
/** One step of SGD with Nesterov momentum on one variable. */
export const MOMENTUM_STEP = 'AttentiveMomentumStep';
/** Batch normalisation with the statistics of the batch. */
export const BATCH_NORM_TRAINING = 'AttentiveBatchNormTraining';
/** Its gradient. */
export const BATCH_NORM_TRAINING_GRADIENT = 'AttentiveBatchNormTrainingGradient';
/** Both moving statistics of a batch norm, moved towards those of a batch. */
export const MOVING_STEP = 'AttentiveMovingStep';
/** The channel gate of CBAM behind its pooling. */
export const CHANNEL_GATE = 'AttentiveChannelGate';
/** Its gradient. */
export const CHANNEL_GATE_GRADIENT = 'AttentiveChannelGateGradient';
/** The gradient of rectifiers and of clipping. */
export const GATE_SLOPE = 'AttentiveGateSlope';

/** Whether the backend in use has a kernel. */
export function hasKernel(kernelName: string): boolean {
  return (getKernel(kernelName, engine().backendName) as KernelConfig | undefined) !== undefined;
}
