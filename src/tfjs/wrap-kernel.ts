/** Puts another function in the place of a kernel's, once per process; its setup and disposal stay. */
import {getKernel, registerKernel, unregisterKernel, type KernelConfig, type KernelFunc} from '@tensorflow/tfjs-core';
import {isMarked, mark} from './mark.js';

/** Does nothing where the backend has no such kernel. */
export function wrapKernel(kernelName: string, backendName: string, wrap: (original: KernelFunc) => KernelFunc): void {
  const original = getKernel(kernelName, backendName) as KernelConfig | undefined;
  if (original === undefined || isMarked(original.kernelFunc)) return;
  unregisterKernel(kernelName, backendName);
  registerKernel({...original, kernelFunc: mark(wrap(original.kernelFunc))});
}
