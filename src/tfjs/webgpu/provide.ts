/**
 * WebGPU for the backend of tfjs. Browsers have it in `navigator.gpu`; in Node the optional package
 * `webgpu` (Dawn) is put there, which has to happen before the backend is imported. Adapters that
 * compute on the processor are refused unless they are asked for: wasm does the same faster.
 */
import {engine, findBackendFactory, registerBackend, removeBackend} from '@tensorflow/tfjs-core';
import {importOptional, importReason, oneLine} from '../../core/import-optional.js';
import {isSoftwareAdapter} from '../software-adapter.js';

const backendPackage = '@tensorflow/tfjs-backend-webgpu';

interface Adapter {
  readonly isFallbackAdapter?: boolean;
  readonly info?: {
    readonly isFallbackAdapter?: boolean;
    readonly vendor?: string;
    readonly description?: string;
    readonly device?: string;
    readonly architecture?: string;
  };
}

interface Gpu {
  requestAdapter(options: {powerPreference: 'high-performance'}): Promise<Adapter | null>;
}

interface Dawn {
  create(options: readonly string[]): Gpu;
  readonly globals: Readonly<Record<string, unknown>>;
}

/** What {@link provideWebgpu} was able to do. */
export type ProvidedWebgpu =
  {readonly adapter: string; readonly reason?: undefined} | {readonly adapter?: undefined; readonly reason: string};

/** What takes back the changes that were made to the globals of Node. */
let withdraw: (() => void) | undefined;
/** How the backend is made; its module registers that when it is imported, once per process. */
let factory: ReturnType<typeof findBackendFactory> | undefined;

/** Makes `navigator.gpu` usable and the backend known to the engine. Gives the adapter's name, or a reason. */
export async function provideWebgpu(isNode: boolean, allowSoftware = false): Promise<ProvidedWebgpu> {
  const provided = await provideGpu(isNode, allowSoftware);
  if (provided.reason !== undefined || findBackendFactory('webgpu') != null) return provided;
  try {
    await importOptional(backendPackage);
    factory ??= findBackendFactory('webgpu');
  } catch (error) {
    return {reason: importReason(backendPackage, error)};
  }
  if (factory == null)
    return {reason: `The package ${backendPackage} was imported before there was a navigator.gpu, and does not look again.`};
  if (findBackendFactory('webgpu') == null) registerBackend('webgpu', factory);
  return provided;
}

/** Frees the backend with all its tensors, and takes back what {@link provideWebgpu} put into Node's globals. */
export function withdrawWebgpu(): void {
  const running = engine().registry['webgpu'] as {readonly device?: {destroy(): void}} | undefined;
  if (findBackendFactory('webgpu') != null) removeBackend('webgpu');
  running?.device?.destroy();
  withdraw?.();
  withdraw = undefined;
}

async function provideGpu(isNode: boolean, allowSoftware: boolean): Promise<ProvidedWebgpu> {
  const own = globalThis.navigator as {gpu?: Gpu} | undefined;
  if (own?.gpu != null) return adapterOf(own.gpu, allowSoftware);
  if (!isNode) return {reason: 'This browser has no navigator.gpu.'};

  let dawn: Dawn;
  try {
    const loaded = await importOptional('webgpu');
    dawn = (loaded['create'] === undefined ? loaded['default'] : loaded) as Dawn;
  } catch (error) {
    return {reason: `Node.js has no navigator.gpu. ${importReason('webgpu', error)}`};
  }
  let gpu: Gpu;
  try {
    gpu = dawn.create([]);
  } catch (error) {
    return {reason: `The package webgpu does not start: ${oneLine(error)}`};
  }
  const found = await adapterOf(gpu, allowSoftware);
  if (found.reason === undefined) withdraw = putInto(globalThis, gpu, dawn.globals);
  return found;
}

/** Adds the globals of WebGPU; gives what removes them again. */
function putInto(scope: typeof globalThis, gpu: Gpu, globals: Dawn['globals']): () => void {
  const added = Object.keys(globals).filter((name) => !(name in scope));
  for (const name of added) Object.defineProperty(scope, name, {value: globals[name], configurable: true, writable: true});
  const own = scope.navigator as object | undefined;
  if (own === undefined) Object.defineProperty(scope, 'navigator', {value: {gpu}, configurable: true, writable: true});
  else Object.defineProperty(own, 'gpu', {value: gpu, configurable: true});
  return () => {
    for (const name of added) Reflect.deleteProperty(scope, name);
    if (own === undefined) Reflect.deleteProperty(scope, 'navigator');
    else Reflect.deleteProperty(own, 'gpu');
  };
}

async function adapterOf(gpu: Gpu, allowSoftware: boolean): Promise<ProvidedWebgpu> {
  const adapter = await gpu.requestAdapter({powerPreference: 'high-performance'}); // as the backend asks
  if (adapter === null) return {reason: 'WebGPU found no adapter: no GPU, or no driver for it (Vulkan on Linux) is installed.'};
  const {info} = adapter;
  const words = [info?.vendor, info?.description, info?.device, info?.architecture].filter(Boolean).join(' ') || 'unnamed';
  const isSoftware = adapter.isFallbackAdapter === true || info?.isFallbackAdapter === true || isSoftwareAdapter(words);
  if (isSoftware && !allowSoftware) return {reason: `WebGPU found a software adapter only (${words}); wasm is faster.`};
  return {adapter: words};
}
