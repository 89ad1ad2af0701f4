/** Runs the same work on two backends of one process. */
import '@tensorflow/tfjs-backend-wasm';
import {engine, ready, setBackend, type Tensor} from '@tensorflow/tfjs-core';

/** Puts the engine on a backend. */
export async function useBackend(name: 'cpu' | 'wasm'): Promise<void> {
  await setBackend(name);
  await ready();
}

/** The number of data records that the current backend holds. */
export function numDataIds(): number {
  return engine().backend.numDataIds();
}

/** Reads a tensor and frees it. */
export function take(tensor: Tensor): Float32Array {
  const values = tensor.dataSync() as Float32Array;
  tensor.dispose();
  return values;
}
