/** Whether a graphics card computes, which wants large batches and has memory of its own. */
import {backend, getBackend} from '@tensorflow/tfjs-core';

/** True on WebGL and WebGPU, and on tfjs-node-gpu with a card. */
export function isOnGpu(): boolean {
  if (getBackend().startsWith('webg')) return true;
  return (backend() as {isUsingGpuDevice?: boolean}).isUsingGpuDevice === true;
}
