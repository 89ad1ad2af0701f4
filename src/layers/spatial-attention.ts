/**
 * The spatial gate of CBAM (Woo et al. 2018, section 3.2): maximum and mean over the channels, a
 * 7×7 convolution without bias, batch norm on its single channel, a sigmoid, one factor per place.
 */
import {
  add,
  concat,
  conv2d,
  max,
  mean,
  mul,
  rsqrt,
  sigmoid,
  square,
  squeeze,
  sub,
  tidy,
  type Scalar,
  type Tensor,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {initializers, layers, type LayerVariable, type Shape} from '@tensorflow/tfjs-layers';
import {checkInteger, checkOneOf} from '../core/check.js';
import {logit, seededHe} from './_initializers.js';

/** Options of {@link SpatialAttention}. */
export interface SpatialAttentionConfig {
  /** Layer name. */
  readonly name?: string | undefined;
  /** Side of the convolution's kernel, odd. @default 7 */
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
  /** Seed of the initial weights. @default 0 */
  readonly seed?: number | undefined;
}

/** ε of the reference's batch norm. */
export const SPATIAL_EPSILON = 1e-5;
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
 * @throws {RangeError} If `kernelSize` is not odd, or `initialGate` is not in (0,1).
 */
export class SpatialAttention extends layers.Layer {
  /** Name under which the layer is saved. */
  static className = 'AttentiveSpatialAttention';
  readonly kernelSize: number;
  readonly poolOrder: 'max-mean' | 'mean-max';
  readonly batchNorm: boolean;
  readonly initialGate: number;
  readonly seed: number;
  #kernel!: LayerVariable;
  #shift!: LayerVariable;
  #norm: {gamma: LayerVariable; movingMean: LayerVariable; movingVariance: LayerVariable} | undefined;

  constructor(config: SpatialAttentionConfig = {}) {
    super(config as ConstructorParameters<typeof layers.Layer>[0]);
    this.kernelSize = checkInteger('SpatialAttention: kernelSize', config.kernelSize ?? 7, 1);
    if (this.kernelSize % 2 === 0) throw new RangeError(`SpatialAttention: kernelSize must be odd, but is ${this.kernelSize}.`);
    this.poolOrder = checkOneOf('SpatialAttention: poolOrder', config.poolOrder ?? 'max-mean', ['max-mean', 'mean-max']);
    this.batchNorm = config.batchNorm ?? true;
    this.initialGate = config.initialGate ?? 0.5;
    logit('SpatialAttention: initialGate', this.initialGate);
    this.seed = checkInteger('SpatialAttention: seed', config.seed ?? 0);
  }

  override build(inputShape: Shape | Shape[]): void {
    const side = this.kernelSize;
    const zeros = initializers.zeros();
    const ones = initializers.ones();
    const open = initializers.constant({value: logit('initialGate', this.initialGate)});
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
      return sigmoid(add<Tensor4D>(this.#normalise(response, training), this.#shift.read()));
    });
  }

  #normalise(response: Tensor4D, training: boolean): Tensor {
    if (this.#norm === undefined) return response as Tensor;
    const {gamma, movingMean, movingVariance} = this.#norm;
    let centre: Tensor = movingMean.read();
    let variance: Tensor = movingVariance.read();
    if (training) {
      centre = mean(response);
      variance = mean(square(sub(response, centre)));
      remember(movingMean, centre as Scalar);
      remember(movingVariance, variance as Scalar);
    }
    return mul(sub(response, centre), mul(gamma.read(), rsqrt(add(variance, SPATIAL_EPSILON))));
  }

  override call(inputs: Tensor | Tensor[], kwargs?: {training?: boolean}): Tensor {
    return tidy(() => {
      const x = (Array.isArray(inputs) ? inputs[0] : inputs) as Tensor4D;
      return mul(x, this.gate(x, kwargs?.training ?? false));
    });
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
