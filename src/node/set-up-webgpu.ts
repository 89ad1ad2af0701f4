/** WebGPU in Node, through the optional packages `webgpu` (Dawn) and `@tensorflow/tfjs-backend-webgpu`. */
import {getBackend, setBackend} from '@tensorflow/tfjs-core';
import {fetchVariables} from '../tfjs/webgpu/fetch-variables.js';
import {provideWebgpu, withdrawWebgpu} from '../tfjs/webgpu/provide.js';
import {installTrainingKernels} from '../tfjs/install-training-kernels.js';
import {boolean, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import {BackendError} from '../core/errors/backend-error.js';

/** Options of {@link setUpWebGPUInNode}. */
export interface WebGPUInNodeOptions {
  /**
   * Takes an adapter that computes on the processor, such as SwiftShader, if there is no other. It is
   * for tests: the wasm backend is faster. @default false
   */
  readonly allowSoftware?: boolean | undefined;
}

/** The options of {@link setUpWebGPUInNode}. */
export const setUpWebGPUInNodeSchema: OptionsSchema<Settled<WebGPUInNodeOptions>> = {
  where: 'setUpWebGPUInNode',
  fields: {allowSoftware: withDefault(boolean(), false)},
};

/** WebGPU, ready to use. */
export interface WebGPUInNode {
  /** What computes: vendor and model, as the driver gives them. */
  readonly adapter: string;
  /**
   * Returns to the backend before and takes everything back: the backend `webgpu`, `navigator.gpu` and
   * the other globals. Weights of models go to the backend before, if there was one; every other
   * tensor that was made or used meanwhile is on the GPU and lost: read it first, and dispose it.
   * Safe to call twice.
   */
  dispose(): Promise<void>;
}

/**
 * Puts tfjs in Node on the GPU, by WebGPU: gives Node a `navigator.gpu`, brings the backend `webgpu`
 * into use, and installs the training kernels. `selectBackend` does the same on its way, but does
 * not undo it; use this where a part of a program is to compute on the GPU. A `navigator.gpu`
 * that is there already is used and stays.
 *
 * @returns The adapter's name, and how to end it.
 * @throws {BackendError} If a package is missing, or no adapter is found; says which and what to do.
 *
 * @example
 * ```ts
 * const gpu = await setUpWebGPUInNode();
 * try {
 *   console.log(gpu.adapter);
 *   await distiller.train(photos);
 * } finally {
 *   await gpu.dispose();
 * }
 * ```
 */
export async function setUpWebGPUInNode(options?: WebGPUInNodeOptions): Promise<WebGPUInNode> {
  const {allowSoftware} = readOptions(setUpWebGPUInNodeSchema, options);
  const before = getBackend() as string | null | undefined;
  const {adapter, reason} = await provideWebgpu(true, allowSoftware);
  if (reason !== undefined) throw new BackendError(`setUpWebGPUInNode: ${reason}`);
  let disposed = false;
  const dispose = async (): Promise<void> => {
    if (disposed) return;
    disposed = true;
    if (before != null && before !== 'webgpu') {
      await setBackend(before);
      await fetchVariables();
    }
    withdrawWebgpu();
  };
  if (!(await setBackend('webgpu'))) {
    await dispose();
    throw new BackendError('setUpWebGPUInNode: the backend webgpu did not start; tfjs has logged why.');
  }
  installTrainingKernels();
  return {adapter, dispose};
}
