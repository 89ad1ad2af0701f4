/** Whether the kernels of `installTrainingKernels` are in use. */
import {getBackend, getKernel, type KernelConfig} from '@tensorflow/tfjs-core';
import {isMarked} from './mark.js';

/**
 * Whether forward passes on the backend in use run kernels of this library: they round differently
 * from those of tfjs. Only wasm has some, and they are installed together.
 */
export function hasTrainingKernels(): boolean {
  return isMarked((getKernel('Mean', getBackend()) as KernelConfig | undefined)?.kernelFunc);
}
