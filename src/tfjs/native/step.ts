/**
 * The step function of tfjs-node, by which rectifiers have their gradient. Its kernel makes a tensor of
 * ones in JavaScript and selects twice, a quarter of a training step in all; a rectified sign says
 * the same.
 */
import {relu, sign, type KernelFunc, type Tensor} from '@tensorflow/tfjs-core';
import {wrapKernel} from '../wrap-kernel.js';

/** Wraps the kernel where tfjs-node is loaded, once per process. */
export function installNativeStep(): void {
  wrapKernel('Step', 'tensorflow', rectifiedSign);
}

/** With another value below zero than 0 the kernel is what it was. */
function rectifiedSign(original: KernelFunc): KernelFunc {
  return (params) => {
    if (params.attrs?.['alpha'] !== 0) return original(params);
    const signs = sign(params.inputs['x'] as Tensor);
    const steps = relu(signs);
    signs.dispose();
    return steps;
  };
}
