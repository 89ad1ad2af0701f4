/** Brings a tfjs backend into use, in Node and in a browser. */
import {env, ready, setBackend} from '@tensorflow/tfjs-core';

const inBrowser = typeof document !== 'undefined';

/** What the backends of the tests are called, and how each is started. */
const starts: Readonly<Record<string, () => Promise<string>>> = {
  cpu: () => Promise.resolve('cpu'),
  wasm: async () => {
    await importWasm();
    return 'wasm';
  },
  'wasm-threads': async () => {
    await importWasm();
    env().set('WASM_HAS_MULTITHREAD_SUPPORT', true);
    return 'wasm';
  },
  webgl: async () => {
    await import('@tensorflow/tfjs-backend-webgl');
    env().set('WEBGL_CPU_FORWARD', false);
    return 'webgl';
  },
  webgpu: async () => {
    await import('@tensorflow/tfjs-backend-webgpu');
    env().set('WEBGPU_CPU_FORWARD', false);
    return 'webgpu';
  },
};

/** Starts the backend, or throws. */
export async function startBackend(name: string): Promise<void> {
  const start = starts[name];
  if (start === undefined) throw new Error(`AKD_BACKEND must be one of ${Object.keys(starts).join(', ')}, but is ${name}.`);
  if (!(await setBackend(await start()))) throw new Error(`The backend ${name} did not start.`);
  await ready();
}

/** In a browser the page has to say where the .wasm files are; threads are on only where they are asked for. */
export async function importWasm(): Promise<void> {
  const {setWasmPaths} = await import('@tensorflow/tfjs-backend-wasm');
  if (!inBrowser) return;
  const {wasmPaths} = await import('./wasm-paths.js');
  setWasmPaths(wasmPaths);
  env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
}
