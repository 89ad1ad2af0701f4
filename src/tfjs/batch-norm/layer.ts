/**
 * Makes tf.layers' BatchNormalization train well. In training mode the layer reads gamma and beta
 * without asking whether it has them (in inference mode it asks), so `scale: false` and `center:
 * false` throw before any gradient is taken; and it is composed of some twenty passes over the
 * values, for which the wasm backend has a kernel of ours.
 */
import {
  engine,
  getKernel,
  mul,
  ones,
  serialization,
  sub,
  tidy,
  zeros,
  type KernelConfig,
  type NamedTensorMap,
  type Tensor,
} from '@tensorflow/tfjs-core';
import {isMarked, mark} from '../mark.js';
import {BATCH_NORM_TRAINING} from '../wasm/batch-norm-training.js';

interface Weight {
  read(): Tensor;
  write(value: Tensor): void;
}

/** As much of the layer as is touched here. */
interface BatchNormalization {
  readonly axis: number;
  readonly momentum: number;
  readonly epsilon: number;
  gamma?: Weight;
  beta?: Weight;
  readonly movingMean: Weight;
  readonly movingVariance: Weight;
}

type Call = (this: BatchNormalization, inputs: Tensor | Tensor[], kwargs: {readonly training?: boolean}) => unknown;

/** Wraps the layer's `call`, once per process; does nothing where tf.layers is not loaded. */
export function installBatchNormLayer(): void {
  const layer = serialization.SerializationMap.getMap().classNameMap['BatchNormalization']?.[0];
  if (layer === undefined) return;
  const prototype = layer.prototype as unknown as {call: Call};
  if (!isMarked(prototype.call)) prototype.call = mark(callBetter(prototype.call));
}

function callBetter(original: Call): Call {
  const forgiving = standInForAbsentWeights(original);
  return function (inputs, kwargs) {
    const x = (Array.isArray(inputs) ? inputs[0] : inputs) as Tensor;
    const last = this.axis === -1 || this.axis === x.rank - 1;
    const kernel = getKernel(BATCH_NORM_TRAINING, engine().backendName) as KernelConfig | undefined;
    const inOnePass = kwargs.training && last && x.rank > 1 && x.dtype === 'float32' && kernel !== undefined;
    return inOnePass ? normaliseBatch(this, x) : forgiving.call(this, inputs, kwargs);
  };
}

/** What the layer does in training, with one kernel. */
function normaliseBatch(layer: BatchNormalization, x: Tensor): Tensor {
  return tidy(() => {
    const channels = x.shape.at(-1) as number;
    const inputs: NamedTensorMap = {x, gamma: layer.gamma?.read() ?? ones([channels]), beta: layer.beta?.read() ?? zeros([channels])};
    const outputs: unknown = engine().runKernel(BATCH_NORM_TRAINING, inputs, {epsilon: layer.epsilon});
    const [y, mean, variance] = outputs as [Tensor, Tensor, Tensor];
    for (const [moving, now] of [
      [layer.movingMean, mean],
      [layer.movingVariance, variance],
    ] as const) {
      const before = moving.read();
      moving.write(tidy(() => sub(before, mul(sub(before, now), 1 - layer.momentum))));
    }
    return y;
  });
}

function standInForAbsentWeights(call: Call): Call {
  return function (inputs, kwargs) {
    const absent = kwargs.training ? (['gamma', 'beta'] as const).filter((name) => this[name] == null) : [];
    // What comes after the reading knows what to do without a value.
    for (const name of absent) this[name] = {read: () => undefined} as unknown as Weight;
    try {
      return call.call(this, inputs, kwargs);
    } finally {
      for (const name of absent) Reflect.deleteProperty(this, name);
    }
  };
}
