/**
 * Finds a WebGPU adapter. Browsers offer one; in Node the optional package `webgpu` (Dawn) does, once
 * it is put where the backend looks for it. Adapters that compute on the processor are refused: the
 * wasm backend does the same faster.
 */
import {importOptional, importReason} from './_import-optional.js';

interface Adapter {
  readonly isFallbackAdapter?: boolean;
  readonly info?: {readonly isFallbackAdapter?: boolean; readonly description?: string; readonly device?: string; readonly architecture?: string};
}

interface Gpu {
  requestAdapter(): Promise<Adapter | null>;
}

const software = /swiftshader|llvmpipe|lavapipe|software|\bcpu\b/i;

/** Makes `navigator.gpu` usable. Returns a reason when it is not. */
export async function provideWebgpu(isNode: boolean): Promise<string | undefined> {
  const own = globalThis.navigator as {gpu?: Gpu} | undefined;
  if (own?.gpu != null) return adapterReason(own.gpu);
  if (!isNode) return 'This browser has no navigator.gpu.';

  let dawn: {create(options: readonly string[]): Gpu; globals: object};
  try {
    const loaded = await importOptional('webgpu');
    dawn = (loaded['create'] === undefined ? loaded['default'] : loaded) as typeof dawn;
  } catch (error) {
    return `Node.js has no navigator.gpu. ${importReason('webgpu', error)}`;
  }
  const gpu = dawn.create([]);
  const reason = await adapterReason(gpu);
  if (reason !== undefined) return reason;
  Object.assign(globalThis, dawn.globals);
  if (own === undefined) Object.defineProperty(globalThis, 'navigator', {value: {gpu}, configurable: true, writable: true});
  else Object.defineProperty(own, 'gpu', {value: gpu, configurable: true});
  return undefined;
}

async function adapterReason(gpu: Gpu): Promise<string | undefined> {
  const adapter = await gpu.requestAdapter();
  if (adapter === null) return 'WebGPU found no adapter: no GPU, or no driver for it (Vulkan on Linux) is installed.';
  const {info} = adapter;
  const words = [info?.description, info?.device, info?.architecture].filter((word) => word !== undefined).join(' ');
  const isSoftware = adapter.isFallbackAdapter === true || info?.isFallbackAdapter === true || software.test(words);
  return isSoftware ? `WebGPU found a software adapter only (${words || 'fallback'}); wasm is faster.` : undefined;
}
