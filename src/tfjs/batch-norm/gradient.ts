/**
 * The gradient of batch normalisation, on every backend. The engine's own repeats the statistics with Tile, which is
 * very slow on wasm; here they broadcast. Scale and offset have to be there: a layer that lacks one of them gets a
 * stand-in for it, see layer.ts.
 */
import {
  add,
  broadcast_util,
  getGradient,
  mul,
  neg,
  registerGradient,
  reshape,
  rsqrt,
  sub,
  sum,
  type GradConfig,
  type NamedAttrMap,
  type Tensor,
} from '@tensorflow/tfjs-core';
import {isMarked, mark} from '../mark.js';

const kernelName = 'FusedBatchNorm';

/** Installs the gradient, once per process. */
export function installBatchNormGradient(): void {
  if (isMarked((getGradient(kernelName) as GradConfig | undefined)?.gradFunc)) return;
  registerGradient({kernelName, inputsToSave: ['x', 'mean', 'variance', 'scale'], gradFunc: mark(batchNormGradient)});
}

/**
 * Computes the derivatives of `y = (x − mean) / sqrt(variance + ε) · scale + offset`. The
 * statistics have the shape of the last axis of x, or any shape of x's rank that broadcasts to it.
 */
function batchNormGradient(slope: Tensor | Tensor[], saved: Tensor[], attributes: NamedAttrMap): ReturnType<GradConfig['gradFunc']> {
  const dy = slope as Tensor;
  const [x, mean, variance, scale] = saved as [Tensor, Tensor, Tensor, Tensor];
  const epsilon = attributes['varianceEpsilon'] as number;
  // Each of these is computed where it is needed: the engine runs every function in a tidy of its
  // own, and frozen layers need the first one only.
  const inverseDeviation = (): Tensor => rsqrt(add(variance, epsilon));
  const factor = (): Tensor => mul(inverseDeviation(), scale);
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
