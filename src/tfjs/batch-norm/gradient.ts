/**
 * The gradient of batch normalisation, also where scale or offset are absent, on every backend.
 * The engine's own fails there twice (tensorflow/tfjs#2868): it saves the absent scale for the
 * backward pass, and it follows the absent inputs while it filters the tape. It also repeats the
 * statistics with Tile, which is very slow on wasm; here they broadcast.
 *
 * The cure uses that the engine hands one object of inputs first to the kernel, then to the
 * gradient's list of what to save, then to the tape: a thin wrapper around each backend's kernel
 * removes the absent names from that object and from the list. The kernels see what they always saw.
 */
import {
  add,
  broadcast_util,
  engine,
  getGradient,
  getKernel,
  mul,
  neg,
  registerGradient,
  registerKernel,
  reshape,
  rsqrt,
  sub,
  sum,
  unregisterKernel,
  type GradConfig,
  type KernelFunc,
  type NamedAttrMap,
  type Tensor,
} from '@tensorflow/tfjs-core';
import {isMarked, mark} from '../mark.js';

const kernelName = 'FusedBatchNorm';
const always = ['x', 'mean', 'variance'];

/**
 * Installs the gradient, and the wrapper for every backend that is registered now. Calling it
 * again does nothing, except for backends that were registered in between.
 */
export function installBatchNormGradient(): void {
  for (const backendName of Object.keys(engine().registryFactory)) {
    const kernel = getKernel(kernelName, backendName);
    // A backend registers its kernels when it is imported, its factory with them.
    if (kernel === undefined || isMarked(kernel.kernelFunc)) continue;
    unregisterKernel(kernelName, backendName);
    registerKernel({...kernel, kernelFunc: mark(forgetAbsentInputs(kernel.kernelFunc))});
  }
  if (isMarked(getGradient(kernelName)?.gradFunc)) return;
  registerGradient({kernelName, inputsToSave: [...always, 'scale'], gradFunc: mark(batchNormGradient)});
}

function forgetAbsentInputs(kernelFunc: KernelFunc): KernelFunc {
  return (params) => {
    const result = kernelFunc(params);
    const {inputs} = params;
    for (const name of ['scale', 'offset']) if (inputs[name] == null) Reflect.deleteProperty(inputs, name);
    // Read by the engine right after this returns, and set again before the next reading.
    const gradient = getGradient(kernelName) as GradConfig | undefined;
    if (gradient !== undefined) gradient.inputsToSave = 'scale' in inputs ? [...always, 'scale'] : [...always];
    return result;
  };
}

/**
 * Computes the derivatives of `y = (x − mean) / sqrt(variance + ε) · scale + offset`. The
 * statistics have the shape of the last axis of x, or any shape of x's rank that broadcasts to it.
 */
function batchNormGradient(slope: Tensor | Tensor[], saved: Tensor[], attributes: NamedAttrMap): ReturnType<GradConfig['gradFunc']> {
  const dy = slope as Tensor;
  const [x, mean, variance, scale] = saved as [Tensor, Tensor, Tensor, Tensor | undefined];
  const epsilon = attributes['varianceEpsilon'] as number;
  // Each of these is computed where it is needed: the engine runs every function in a tidy of its
  // own, and frozen layers need the first one only.
  const inverseDeviation = (): Tensor => rsqrt(add(variance, epsilon));
  const factor = (): Tensor => (scale === undefined ? inverseDeviation() : mul(inverseDeviation(), scale));
  const reduce = (full: Tensor): Tensor => {
    const axes = broadcast_util.getReductionAxes(mean.shape, full.shape);
    return reshape(axes.length > 0 ? sum(full, axes) : full, mean.shape);
  };
  const slopeTimesCentred = (): Tensor => reduce(mul(dy, sub(x, mean)));
  return {
    x: () => mul(dy, factor()),
    mean: () => neg(mul(reduce(dy), factor())),
    variance: () => {
      const inverse = inverseDeviation();
      return mul(mul(slopeTimesCentred(), factor()), mul(mul(inverse, inverse), -0.5));
    },
    scale: () => mul(slopeTimesCentred(), inverseDeviation()),
    offset: () => reduce(dy),
  };
}
