/**
 * The identity, by which the engine keeps every tensor that the backward pass will need. The
 * backend's own kernel copies the values; sharing them is safe, as no kernel writes to its inputs,
 * and it is what the backend's Reshape does.
 */
import type {KernelFunc} from '@tensorflow/tfjs-core';
import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import {input} from './_kernels.js';

/** Makes the kernel `Identity` share the values; strings go to the original kernel. */
export function shareValues(original: KernelFunc): KernelFunc {
  return (params) => {
    const backend = params.backend as BackendWasm;
    const x = input(params.inputs, 'x', backend);
    if (x.dtype === 'string') return original(params);
    backend.incRef(x.dataId);
    return {dataId: x.dataId, shape: x.shape, dtype: x.dtype};
  };
}
