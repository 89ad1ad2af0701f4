/** The backends that can be chosen, the fastest first, and how each is brought in. */
import {findBackendFactory} from '@tensorflow/tfjs-core';
import {importOptional, importReason} from '../core/import-optional.js';
import {isNode} from '../core/is-node.js';
import {missingCuda, provideNative} from '../tfjs/native/provide.js';
import {isSoftwareAdapter} from '../tfjs/software-adapter.js';
import {provideWebgpu} from '../tfjs/webgpu/provide.js';
import {webglRenderer} from './_webgl-renderer.js';

/** What `selectBackend` can bring in. The two native packages both register the backend `tensorflow`. */
export type BackendName = 'tfjs-node-gpu' | 'webgpu' | 'webgl' | 'tfjs-node' | 'wasm' | 'cpu';

/** What came of bringing a backend in: the GPU's name where there is one that says it, or a reason against. */
export interface Provided {
  readonly adapter?: string | undefined;
  readonly reason?: string | undefined;
}

/** One backend. */
export interface Candidate {
  readonly name: BackendName;
  /** The name under which tfjs knows it. */
  readonly engineName: string;
  /** Makes its factory known to the engine, unless it computes on the processor where a GPU is promised. */
  readonly load: (allowSoftware: boolean) => Promise<Provided>;
  /** Whether `load` is to be asked also where the factory is known: it looks at more than the package. */
  readonly alwaysLoad?: true;
  /** Gives a reason if the backend, once it runs, has no GPU. */
  readonly missingGpu?: () => string | undefined;
}

/** All candidates, in the order in which they are tried: first what computes on a GPU. */
export const candidates: readonly Candidate[] = [
  {name: 'tfjs-node-gpu', engineName: 'tensorflow', load: () => loadNative('@tensorflow/tfjs-node-gpu'), missingGpu: missingCuda},
  {name: 'webgpu', engineName: 'webgpu', alwaysLoad: true, load: loadWebgpu},
  {name: 'webgl', engineName: 'webgl', alwaysLoad: true, load: loadWebgl},
  {name: 'tfjs-node', engineName: 'tensorflow', load: () => loadNative('@tensorflow/tfjs-node')},
  // Dependencies of this package, spelled out so that bundlers find them.
  {name: 'wasm', engineName: 'wasm', load: () => attempt('@tensorflow/tfjs-backend-wasm', () => import('@tensorflow/tfjs-backend-wasm'))},
  {name: 'cpu', engineName: 'cpu', load: () => attempt('@tensorflow/tfjs-backend-cpu', () => import('@tensorflow/tfjs-backend-cpu'))},
];

async function loadNative(name: string): Promise<Provided> {
  return {reason: await provideNative(name, isNode())};
}

async function loadWebgpu(allowSoftware: boolean): Promise<Provided> {
  const {adapter, reason} = await provideWebgpu(isNode(), allowSoftware);
  return {adapter, reason: inPage('@tensorflow/tfjs-backend-webgpu', reason)};
}

async function loadWebgl(allowSoftware: boolean): Promise<Provided> {
  const isKnown = (): boolean => findBackendFactory('webgl') != null;
  if (typeof OffscreenCanvas === 'undefined' && typeof document === 'undefined') {
    if (isKnown()) return {}; // the application has brought a context along
    const reason = isNode()
      ? 'Node.js has no WebGL context; for a GPU install @tensorflow/tfjs-node-gpu, or webgpu with @tensorflow/tfjs-backend-webgpu.'
      : 'There is no canvas to take a WebGL context from.';
    return {reason};
  }
  const adapter = webglRenderer();
  if (adapter === undefined) return {reason: 'This browser has no WebGL, or has it without a GPU.'};
  if (!allowSoftware && isSoftwareAdapter(adapter)) return {reason: `WebGL has a software renderer only (${adapter}); wasm is faster.`};
  if (isKnown()) return {adapter};
  const name = '@tensorflow/tfjs-backend-webgl';
  const reason = inPage(name, (await attempt(name, () => importOptional(name))).reason);
  if (reason !== undefined) return {reason};
  return isKnown() ? {adapter} : {reason: 'The package @tensorflow/tfjs-backend-webgl found no browser to run in.'};
}

/** A page has only what its bundler has seen, and cannot install. */
function inPage(name: string, reason: string | undefined): string | undefined {
  if (reason === undefined || isNode() || !reason.includes(name)) return reason;
  return `The page does not have it: write import '${name}' in your own code, so that your bundler adds it.`;
}

async function attempt(name: string, load: () => Promise<unknown>): Promise<Provided> {
  try {
    await load();
    return {};
  } catch (error) {
    return {reason: importReason(name, error)};
  }
}
