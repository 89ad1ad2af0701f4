/**
 * The channel gate of CBAM (Woo et al. 2018, section 3.1): average- and max-pooling over the
 * image, one shared two-layer perceptron, the sum through a sigmoid, one factor per channel.
 */
import {add, matMul, max, mean, mul, relu, reshape, sigmoid, tidy, type Tensor, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {initializers, layers, type LayerVariable, type Shape} from '@tensorflow/tfjs-layers';
import {checkInteger} from '../core/check.js';
import {logit, seededHe} from './_initializers.js';

/** Options of {@link ChannelAttention}. */
export interface ChannelAttentionConfig {
  /** Layer name. */
  readonly name?: string | undefined;
  /** Reduction of the perceptron's hidden layer: C / ratio units, at least 1. @default 16 */
  readonly ratio?: number | undefined;
  /**
   * Value in (0,1) at which every gate starts, whatever the input. Absent: the reference's
   * random start around 0.5.
   */
  readonly initialGate?: number | undefined;
  /** Seed of the initial weights. @default 0 */
  readonly seed?: number | undefined;
}

/**
 * Scales each channel by what the whole image says about it:
 * `y = x · sigmoid(mlp(mean_HW x) + mlp(max_HW x))`, `mlp(v) = relu(v·W₁ + b₁)·W₂ + b₂`.
 *
 * Input and output `[N,H,W,C]`; any H and W. Weights: `fc1_kernel [C,C/ratio]`, `fc1_bias`,
 * `fc2_kernel [C/ratio,C]`, `fc2_bias`.
 *
 * @throws {RangeError} If `ratio` is not a whole number above 0 or `initialGate` is not in (0,1).
 */
export class ChannelAttention extends layers.Layer {
  /** Name under which the layer is saved. */
  static className = 'AttentiveChannelAttention';
  readonly ratio: number;
  readonly initialGate: number | undefined;
  readonly seed: number;
  #weights: LayerVariable[] = [];

  constructor(config: ChannelAttentionConfig = {}) {
    super(config as ConstructorParameters<typeof layers.Layer>[0]);
    this.ratio = checkInteger('ChannelAttention: ratio', config.ratio ?? 16, 1);
    this.initialGate = config.initialGate ?? undefined;
    this.seed = checkInteger('ChannelAttention: seed', config.seed ?? 0);
    if (this.initialGate !== undefined) logit('ChannelAttention: initialGate', this.initialGate);
  }

  override build(inputShape: Shape | Shape[]): void {
    const channels = (inputShape as Shape).at(-1) as number;
    const hidden = Math.max(1, Math.floor(channels / this.ratio));
    // The perceptron runs twice and its results are added, so each run brings half of the logit.
    const open = this.initialGate === undefined ? undefined : logit('initialGate', this.initialGate) / 2;
    const zeros = initializers.zeros();
    this.#weights = [
      this.addWeight('fc1_kernel', [channels, hidden], 'float32', seededHe(this.seed, 'fc1')),
      this.addWeight('fc1_bias', [hidden], 'float32', zeros),
      this.addWeight('fc2_kernel', [hidden, channels], 'float32', open === undefined ? seededHe(this.seed, 'fc2') : zeros),
      this.addWeight('fc2_bias', [channels], 'float32', open === undefined ? zeros : initializers.constant({value: open})),
    ];
    super.build(inputShape);
  }

  /** The gate itself, `[N,C]` in (0,1). The result belongs to the caller. */
  gate(x: Tensor4D): Tensor2D {
    return tidy(() => {
      const [fc1, bias1, fc2, bias2] = this.#weights.map((weight) => weight.read()) as [Tensor2D, Tensor, Tensor2D, Tensor];
      const perceptron = (pooled: Tensor): Tensor => add(matMul(relu(add(matMul(pooled, fc1), bias1)), fc2), bias2);
      return sigmoid(add(perceptron(mean(x, [1, 2])), perceptron(max(x, [1, 2])))) as Tensor2D;
    });
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const x = (Array.isArray(inputs) ? inputs[0] : inputs) as Tensor4D;
      return mul(x, reshape(this.gate(x), [x.shape[0], 1, 1, x.shape[3]]));
    });
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return inputShape;
  }

  override getConfig(): ReturnType<layers.Layer['getConfig']> {
    const {ratio, initialGate = null, seed} = this;
    return {...super.getConfig(), ratio, initialGate, seed};
  }
}
