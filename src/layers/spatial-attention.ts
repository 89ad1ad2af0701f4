/**
 * The spatial gate of CBAM (Woo et al. 2018, section 3.2): maximum and mean over the channels, a
 * 7×7 convolution without bias, batch norm on its single channel, a sigmoid, one factor per place.
 */
import {
  add,
  clone,
  concat,
  conv2d,
  max,
  mean,
  mul,
  rsqrt,
  sigmoid,
  slice,
  square,
  squeeze,
  sub,
  tidy,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {initializers, layers, type LayerVariable, type Shape} from '@tensorflow/tfjs-layers';
import {seedField} from '../core/common-options.js';
import {between, boolean, custom, oneOf, withDefault} from '../core/fields.js';
import type {OptionsSchema, Settled} from '../core/options.js';
import {canNormalizeBatch, normalizeBatch} from '../tfjs/batch-norm/training.js';
import {overChannels} from './_channel-pooling.js';
import {logit, seededHe} from './_initializers.js';
import {nameField, readLayerConfig} from './layer-config.js';
import {affineOf} from './affine.js';
import type {Compilable, CompiledRun, OwnTensor} from './compiled-form.js';

/** Options of {@link SpatialAttention}. */
export interface SpatialAttentionConfig {
  /** Layer name. @default given by tfjs */
  readonly name?: string | undefined;
  /** Side of the convolution's kernel, odd, 1–255. @default 7 */
  readonly kernelSize?: number | undefined;
  /**
   * Order of the two pooled channels. `'max-mean'` is the reference's; `'mean-max'` lets weights
   * of other implementations be loaded. @default 'max-mean'
   */
  readonly poolOrder?: 'max-mean' | 'mean-max' | undefined;
  /** Whether batch norm follows the convolution, as in the reference. @default true */
  readonly batchNorm?: boolean | undefined;
  /** Value in (0,1) at which every gate starts. The reference starts at exactly 0.5. @default 0.5 */
  readonly initialGate?: number | undefined;
  /** Seed of the initial weights, 0–4294967295. @default 0 */
  readonly seed?: number | undefined;
}

const MAX_KERNEL = 255;

/** The options of {@link SpatialAttention}. */
export const spatialAttentionSchema: OptionsSchema<Settled<SpatialAttentionConfig, 'name'>> = {
  where: 'SpatialAttention',
  fields: {
    name: nameField,
    kernelSize: withDefault(
      custom<number>(`an odd whole number from 1 to ${MAX_KERNEL}`, (value) => {
        if (typeof value !== 'number') return 'kind';
        return value >= 1 && value <= MAX_KERNEL && value % 2 === 1 ? undefined : 'value';
      }),
      7,
    ),
    poolOrder: withDefault(oneOf('max-mean', 'mean-max'), 'max-mean'),
    batchNorm: withDefault(boolean(), true),
    initialGate: withDefault(between(0, 1), 0.5),
    seed: seedField,
  },
};

// Of the reference's batch norm.
const EPSILON = 1e-5;
// The reference's momentum 0.01 in PyTorch's sense is 0.99 in Keras'.
const MOMENTUM = 0.99;

/**
 * Scales each place by what its channels say about it:
 * `y = x · sigmoid(batchNorm(conv7×7(concat[max_C x, mean_C x])))`.
 *
 * Input and output `[N,H,W,C]`; any H and W. The batch norm's gamma starts at 0, so that the first
 * gate is the same everywhere. Weights: `conv_kernel [k,k,2,1]`, then with batch norm `bn_gamma`,
 * `bn_beta`, `bn_moving_mean`, `bn_moving_variance` (all `[1]`; the variance is the biased one),
 * else `bias [1]`.
 *
 * @throws {TypeError | RangeError} If the options are not as described.
 */
export class SpatialAttention extends layers.Layer implements Compilable {
  /** Name under which the layer is saved. */
  static className = 'AttentiveSpatialAttention';
  /** Side of the kernel, in pixels of the feature map. */
  readonly kernelSize: number;
  /** Which of the two pooled planes comes first. */
  readonly poolOrder: 'max-mean' | 'mean-max';
  /** Whether the gate is normalised before the sigmoid. */
  readonly batchNorm: boolean;
  /** What every gate is at first, in (0,1). */
  readonly initialGate: number;
  /** Decides the first weights. */
  readonly seed: number;
  #kernel!: LayerVariable;
  #shift!: LayerVariable;
  #norm: {gamma: LayerVariable; movingMean: LayerVariable; movingVariance: LayerVariable} | undefined;

  constructor(config: SpatialAttentionConfig = {}) {
    const {kernelSize, poolOrder, batchNorm, initialGate, seed} = readLayerConfig(spatialAttentionSchema, config);
    super(config as ConstructorParameters<typeof layers.Layer>[0]);
    this.kernelSize = kernelSize;
    this.poolOrder = poolOrder;
    this.batchNorm = batchNorm;
    this.initialGate = initialGate;
    this.seed = seed;
  }

  override build(inputShape: Shape | Shape[]): void {
    const side = this.kernelSize;
    const zeros = initializers.zeros();
    const ones = initializers.ones();
    const open = initializers.constant({value: logit(this.initialGate)});
    // Without batch norm nothing holds the convolution at 0, so an opened gate needs a zero kernel.
    const kernelStart = this.batchNorm || this.initialGate === 0.5 ? seededHe(this.seed, 'conv') : zeros;
    this.#kernel = this.addWeight('conv_kernel', [side, side, 2, 1], 'float32', kernelStart);
    if (this.batchNorm) {
      const gamma = this.addWeight('bn_gamma', [1], 'float32', zeros);
      this.#shift = this.addWeight('bn_beta', [1], 'float32', open);
      const movingMean = this.addWeight('bn_moving_mean', [1], 'float32', zeros, undefined, false);
      const movingVariance = this.addWeight('bn_moving_variance', [1], 'float32', ones, undefined, false);
      this.#norm = {gamma, movingMean, movingVariance};
    } else {
      this.#shift = this.addWeight('bias', [1], 'float32', open);
    }
    super.build(inputShape);
  }

  /** The gate itself, `[N,H,W,1]` in (0,1). In training, batch statistics are used and remembered. */
  gate(x: Tensor4D, training: boolean = false): Tensor4D {
    return tidy(() => {
      const pooled = [max(x, 3, true), mean(x, 3, true)] as [Tensor4D, Tensor4D];
      if (this.poolOrder === 'mean-max') pooled.reverse();
      const response = conv2d(concat(pooled, 3), this.#kernel.read() as Tensor4D, 1, 'same'); // [N,H,W,1]
      return sigmoid(this.#normalize(response, training) as Tensor4D);
    });
  }

  #normalize(response: Tensor4D, training: boolean): Tensor {
    const beta = this.#shift.read();
    if (this.#norm === undefined) return add(response, beta);
    const {gamma, movingMean, movingVariance} = this.#norm;
    if (training && canNormalizeBatch(response)) {
      return normalizeBatch(response, {gamma: gamma.read(), beta, epsilon: EPSILON, movingMean, movingVariance, momentum: MOMENTUM});
    }
    let centre: Tensor = movingMean.read();
    let variance: Tensor = movingVariance.read();
    if (training) {
      centre = mean(response);
      variance = mean(square(sub(response, centre)));
      remember(movingMean, centre as Scalar);
      remember(movingVariance, variance as Scalar);
    }
    return add(mul(sub(response, centre), mul(gamma.read(), rsqrt(add(variance, EPSILON)))), beta);
  }

  override call(inputs: Tensor | Tensor[], kwargs?: {training?: boolean}): Tensor {
    return tidy(() => {
      const x = (Array.isArray(inputs) ? inputs[0] : inputs) as Tensor4D;
      return mul(x, this.gate(x, kwargs?.training ?? false));
    });
  }

  compiledForm(own: OwnTensor): CompiledRun {
    const {kernels, bias} = tidy(() => this.#folded());
    const [first, second] = kernels.map(own) as [Tensor4D, Tensor4D];
    const shift = own(bias);
    const [byMax, byMean] = this.poolOrder === 'max-mean' ? [first, second] : [second, first];
    return ([input]) => {
      const x = input as Tensor4D;
      // Two convolutions of one channel: joining the channels would cost more than the second one.
      const ofMax = conv2d(overChannels(x, 'max'), byMax, 1, 'same');
      const ofMean = conv2d(overChannels(x, 'mean'), byMean, 1, 'same');
      return mul(x, sigmoid(add(ofMax, add(ofMean, shift))));
    };
  }

  /** The batch norm inside the convolution: one kernel `[k,k,1,1]` per pooled channel, and what is added to their sum, `[1]`. */
  #folded(): {kernels: [Tensor4D, Tensor4D]; bias: Tensor1D} {
    const kernel = this.#kernel.read() as Tensor4D;
    const [height, width] = kernel.shape;
    const half = (at: number): Tensor4D => slice(kernel, [0, 0, at, 0], [height, width, 1, 1]);
    const reader = (variable: LayerVariable) => (): Tensor1D => variable.read() as Tensor1D;
    if (this.#norm === undefined) return {kernels: [half(0), half(1)], bias: clone(reader(this.#shift)())};
    const {gamma, movingMean, movingVariance} = this.#norm;
    const {factor, shift} = affineOf({
      gamma: reader(gamma),
      beta: reader(this.#shift),
      mean: reader(movingMean),
      variance: reader(movingVariance),
      epsilon: EPSILON,
    });
    return {kernels: [mul(half(0), factor), mul(half(1), factor)], bias: shift};
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return inputShape;
  }

  override getConfig(): ReturnType<layers.Layer['getConfig']> {
    const {kernelSize, poolOrder, batchNorm, initialGate, seed} = this;
    return {...super.getConfig(), kernelSize, poolOrder, batchNorm, initialGate, seed};
  }
}

function remember(moving: LayerVariable, batch: Scalar): void {
  moving.write(tidy(() => add(mul(moving.read(), MOMENTUM), mul(squeeze(batch), 1 - MOMENTUM))));
}
