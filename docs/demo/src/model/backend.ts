/** The tfjs backend: the fastest that works here, or the one that the visitor asks for. */
import {setWasmPaths} from '@tensorflow/tfjs-backend-wasm';
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threaded from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import {selectBackend, type BackendSelection} from 'attentive-distiller';

/** What can be asked for; `'auto'` leaves the choice to the library. */
export const backendChoices = ['auto', 'webgpu', 'webgl', 'wasm', 'cpu'] as const;
export type BackendChoice = (typeof backendChoices)[number];

export const backendNames: Readonly<Record<string, string>> = {
  webgpu: 'WebGPU',
  webgl: 'WebGL',
  wasm: 'WebAssembly',
  cpu: 'plain JavaScript',
};

setWasmPaths({
  'tfjs-backend-wasm.wasm': plain,
  'tfjs-backend-wasm-simd.wasm': simd,
  'tfjs-backend-wasm-threaded-simd.wasm': threaded,
});

/**
 * Starts a backend. What is asked for by name is taken also where it computes in software.
 *
 * @throws {BackendError} If it does not work here.
 */
export async function startBackend(choice: BackendChoice): Promise<BackendSelection> {
  if (choice === 'wasm' || choice === 'cpu') return selectBackend({prefer: [choice]});
  // Code of backends for GPUs is fetched only where there may be one.
  const load = [
    choice !== 'webgl' && 'gpu' in navigator && import('@tensorflow/tfjs-backend-webgpu'),
    choice !== 'webgpu' && import('@tensorflow/tfjs-backend-webgl'),
  ];
  await Promise.all(load);
  return choice === 'auto'
    ? selectBackend({prefer: ['webgpu', 'webgl', 'wasm', 'cpu']})
    : selectBackend({prefer: [choice], allowSoftware: true});
}

/** The choice that the address asks for (`?backend=wasm`). */
export function choiceOfAddress(): BackendChoice {
  const asked = new URLSearchParams(location.search).get('backend');
  return backendChoices.find((choice) => choice === asked) ?? 'auto';
}
