/** Runs the same work on two backends of one process: cpu, which is the measure, and a fast one. */
import '@tensorflow/tfjs-backend-wasm';
import {engine, ready, setBackend, type Tensor} from '@tensorflow/tfjs-core';
import {setting} from './environment.js';

/** The fast one: that of the run, or wasm where the run is on cpu. */
export const fast: 'tensorflow' | 'wasm' = setting('AKD_BACKEND') === 'tensorflow' ? 'tensorflow' : 'wasm';

/** Puts the engine on a backend. */
export async function useBackend(name: 'cpu' | typeof fast): Promise<void> {
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
