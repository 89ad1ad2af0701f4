/** Puts into words for users what tfjs says when something needs what the backend does not have. */
import {getBackend} from '@tensorflow/tfjs-core';
import {BackendError} from '../core/errors/backend-error.js';
import {isNode} from '../core/is-node.js';

/** What to do where a backend cannot do something, a gradient or another computation. */
export function adviceFor(backend: string, isGradient: boolean): string {
  const all = isNode()
    ? {'tfjs-node': 'tensorflow', wasm: 'wasm', cpu: 'cpu'}
    : {webgpu: 'webgpu', webgl: 'webgl', wasm: 'wasm', cpu: 'cpu'};
  const others = Object.entries(all)
    .filter(([, engineName]) => engineName !== backend)
    .map(([name]) => `'${name}'`)
    .join(', ');
  const another = `Take another backend: await selectBackend({prefer: [${others}]}); what is not installed is named with what to install.`;
  const simd = isNode() ? '' : ' and a browser with WebAssembly SIMD';
  return isGradient && backend === 'wasm' ? `Gradients on wasm need installTrainingKernels()${simd}. ${another}` : another;
}

/**
 * Makes a BackendError of tfjs' error about a missing kernel or gradient; hands on any other error.
 *
 * @param where Names in the message what was computed.
 */
export function backendFailure(where: string, error: unknown): unknown {
  const message = error instanceof Error ? error.message : String(error);
  const kernel = /Kernel '(\w+)' not registered/.exec(message)?.[1];
  const gradient = /gradient function not found for (\w+)/.exec(message)?.[1];
  if (kernel === undefined && gradient === undefined) return error;
  const backend = getBackend();
  const what = kernel === undefined ? `has no gradient for ${String(gradient)}` : `has no ${kernel}`;
  return new BackendError(
    `${where} needs what the backend '${backend}' lacks: it ${what}. ${adviceFor(backend, gradient !== undefined || /Back|Grad/.test(kernel ?? ''))}`,
    {cause: error},
  );
}
