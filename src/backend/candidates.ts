/** The backends that can be chosen, the fastest first, and how each is brought in. */
import {findBackendFactory} from '@tensorflow/tfjs-core';
import {importOptional, importReason} from './_import-optional.js';
import {provideNative} from './_native-in-node.js';
import {provideWebgpu} from './webgpu-in-node.js';

/** What `selectBackend` can bring in. The two native packages both register the backend `tensorflow`. */
export type BackendName = 'tfjs-node-gpu' | 'tfjs-node' | 'webgpu' | 'webgl' | 'wasm' | 'cpu';

/** One backend. */
export interface Candidate {
  readonly name: BackendName;
  /** The name under which tfjs knows it. */
  readonly engineName: string;
  /** Makes its factory known to the engine. Returns a reason when that cannot be. */
  readonly load: () => Promise<string | undefined>;
  /** Whether `load` is to be asked also where the factory is known: it looks at more than the package. */
  readonly alwaysLoad?: true;
}

/** Whether this is Node.js, a worker thread of it included. */
function isNode(): boolean {
  return typeof process !== 'undefined' && typeof process.versions?.node === 'string';
}

/** All candidates, in the order in which they are tried. */
export const candidates: readonly Candidate[] = [
  {name: 'tfjs-node-gpu', engineName: 'tensorflow', load: () => provideNative('@tensorflow/tfjs-node-gpu', isNode())},
  {name: 'tfjs-node', engineName: 'tensorflow', load: () => provideNative('@tensorflow/tfjs-node', isNode())},
  {name: 'webgpu', engineName: 'webgpu', alwaysLoad: true, load: async () => inPage('@tensorflow/tfjs-backend-webgpu', (await provideWebgpu(isNode())).reason)},
  {name: 'webgl', engineName: 'webgl', load: loadWebgl},
  // Dependencies of this package, spelled out so that bundlers find them.
  {name: 'wasm', engineName: 'wasm', load: () => attempt('@tensorflow/tfjs-backend-wasm', () => import('@tensorflow/tfjs-backend-wasm'))},
  {name: 'cpu', engineName: 'cpu', load: () => attempt('@tensorflow/tfjs-backend-cpu', () => import('@tensorflow/tfjs-backend-cpu'))},
];

async function loadWebgl(): Promise<string | undefined> {
  if (typeof OffscreenCanvas === 'undefined' && typeof document === 'undefined') {
    return isNode()
      ? 'Node.js has no WebGL context; for a GPU install @tensorflow/tfjs-node-gpu, or webgpu with @tensorflow/tfjs-backend-webgpu.'
      : 'There is no canvas to take a WebGL context from.';
  }
  const name = '@tensorflow/tfjs-backend-webgl';
  const reason = inPage(name, await attempt(name, () => importOptional(name)));
  if (reason !== undefined) return reason;
  return findBackendFactory('webgl') == null ? 'The package @tensorflow/tfjs-backend-webgl found no browser to run in.' : undefined;
}

/** A page has only what its bundler has seen, and cannot install. */
function inPage(name: string, reason: string | undefined): string | undefined {
  if (reason === undefined || isNode() || !reason.includes(name)) return reason;
  return `The page does not have it: write import '${name}' in your own code, so that your bundler adds it.`;
}

async function attempt(name: string, load: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await load();
    return undefined;
  } catch (error) {
    return importReason(name, error);
  }
}
