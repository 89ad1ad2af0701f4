/** Batch normalisation with the statistics of its batch, where the backend has a kernel for it: forward, backward, and moving. */
import {
  engine,
  getGradient,
  mul,
  registerGradient,
  sub,
  tidy,
  type GradConfig,
  type NamedAttrMap,
  type NamedTensorMap,
  type Tensor,
} from '@tensorflow/tfjs-core';
import {BATCH_NORM_TRAINING, BATCH_NORM_TRAINING_GRADIENT, hasKernel, MOVING_STEP} from '../own-kernels.js';

/** A weight of a layer that only training writes. */
export interface Moving {
  read(): Tensor;
  write(value: Tensor): void;
}

/** What is normalised with. */
export interface Normalization {
  /** `[C]`. */
  readonly gamma: Tensor;
  readonly beta: Tensor;
  readonly epsilon: number;
  readonly movingMean: Moving;
  readonly movingVariance: Moving;
  /** The share of a moving statistic that stays. */
  readonly momentum: number;
}

/** Installs the gradient of the kernel, once per process. */
export function installBatchNormTrainingGradient(): void {
  if ((getGradient(BATCH_NORM_TRAINING) as GradConfig | undefined) !== undefined) return;
  registerGradient({
    kernelName: BATCH_NORM_TRAINING,
    inputsToSave: ['x', 'gamma'],
    outputsToSave: [false, true, true],
    gradFunc: slopes,
  });
}

/** Whether {@link normalizeBatch} can be used on the backend in use. */
export function canNormalizeBatch(x: Tensor): boolean {
  return x.rank > 1 && x.dtype === 'float32' && hasKernel(BATCH_NORM_TRAINING);
}

/** Normalises `[…,C]` over all axes but the last, and moves the moving statistics; the result is the caller's. */
export function normalizeBatch(x: Tensor, {gamma, beta, epsilon, movingMean, movingVariance, momentum}: Normalization): Tensor {
  return tidy(() => {
    const outputs: unknown = engine().runKernel(BATCH_NORM_TRAINING, {x, gamma, beta} as NamedTensorMap, {epsilon});
    const [y, mean, variance] = outputs as [Tensor, Tensor, Tensor];
    const [nextMean, nextVariance] = moved(
      {movingMean: movingMean.read(), mean, movingVariance: movingVariance.read(), variance},
      momentum,
    );
    movingMean.write(nextMean);
    movingVariance.write(nextVariance);
    return y;
  });
}

type Statistics = Readonly<Record<'movingMean' | 'mean' | 'movingVariance' | 'variance', Tensor>>;

function moved(statistics: Statistics, momentum: number): [Tensor, Tensor] {
  if (hasKernel(MOVING_STEP)) {
    return engine().runKernel(MOVING_STEP, {...statistics} as unknown as NamedTensorMap, {momentum}) as unknown as [Tensor, Tensor];
  }
  const towards = (before: Tensor, now: Tensor): Tensor => tidy(() => sub(before, mul(sub(before, now), 1 - momentum)));
  return [towards(statistics.movingMean, statistics.mean), towards(statistics.movingVariance, statistics.variance)];
}

/** All three at once, since they share their sums; the engine frees what is not asked for. */
function slopes(dys: Tensor | Tensor[], saved: Tensor[], attributes: NamedAttrMap): ReturnType<GradConfig['gradFunc']> {
  const [x, gamma, mean, variance] = saved as [Tensor, Tensor, Tensor, Tensor];
  const inputs: NamedTensorMap = {dy: (dys as Tensor[])[0] as Tensor, x, gamma, mean, variance};
  const [dx, dgamma, dbeta] = engine().runKernel(BATCH_NORM_TRAINING_GRADIENT, inputs, attributes) as unknown as [Tensor, Tensor, Tensor];
  return {x: () => dx, gamma: () => dgamma, beta: () => dbeta};
}
