/** Brings a tfjs backend into use, in Node and in a browser. */
import {env, ready, setBackend} from '@tensorflow/tfjs-core';
import {provideNative} from '../../src/tfjs/native/provide.js';
import {inBrowser} from './environment.js';
import {swiftShader} from './swift-shader.js';

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
    // It takes one thread for two cores, and machines that test often have no more.
    Object.defineProperty(navigator, 'hardwareConcurrency', {value: 4, configurable: true});
    return 'wasm';
  },
  tensorflow: async () => {
    const reason = await provideNative('@tensorflow/tfjs-node', !inBrowser);
    if (reason !== undefined) throw new Error(`${reason} Try npm run install:tfjs-node.`);
    return 'tensorflow';
  },
  webgl: async () => {
    await import('@tensorflow/tfjs-backend-webgl');
    env().set('WEBGL_CPU_FORWARD', false); // small tensors would be computed by the cpu backend
    return 'webgl';
  },
  webgpu: async () => {
    if (inBrowser) await import('@tensorflow/tfjs-backend-webgpu');
    else await setUpAnyWebGPU();
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

/** A GPU if there is one, else SwiftShader, which Debian's package chromium brings along. */
async function setUpAnyWebGPU(): Promise<void> {
  const {setUpWebGPUInNode} = await import('../../src/node/index.js');
  await setUpWebGPUInNode().catch(() => {
    process.env['VK_DRIVER_FILES'] ??= swiftShader;
    return setUpWebGPUInNode({allowSoftware: true});
  });
}

/** In a browser the page has to say where the .wasm files are; threads are on only where they are asked for. */
export async function importWasm(): Promise<void> {
  const {setWasmPaths} = await import('@tensorflow/tfjs-backend-wasm');
  if (!inBrowser) return;
  const {wasmPaths} = await import('./wasm-paths.js');
  setWasmPaths(wasmPaths);
  env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
}
