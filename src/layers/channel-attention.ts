/**
 * The channel gate of CBAM (Woo et al. 2018, section 3.1): average- and max-pooling over the
 * image, one shared two-layer perceptron, the sum through a sigmoid, one factor per channel.
 */
import {
  add,
  matMul,
  max,
  mean,
  mul,
  relu,
  reshape,
  sigmoid,
  tidy,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {initializers, layers, type LayerVariable, type Shape} from '@tensorflow/tfjs-layers';
import {seedField} from '../core/common-options.js';
import {absentMeans, between, integer, withDefault} from '../core/fields.js';
import type {OptionsSchema, Settled} from '../core/options.js';
import {overPlaces} from './_channel-pooling.js';
import {logit, seededHe} from './_initializers.js';
import {MAX_CHANNELS} from '../core/check.js';
import {checkWeights, nameField, readLayerConfig} from './layer-config.js';
import {channelGateOf} from '../tfjs/channel-gate.js';
import {denseOfInput} from '../tfjs/gradients/input-only.js';
import {CHANNEL_GATE, hasKernel} from '../tfjs/own-kernels.js';
import type {Compilable, CompiledRun, OwnTensor} from './compiled-form.js';

/** Options of {@link ChannelAttention}. */
export interface ChannelAttentionConfig {
  /** Layer name. @default given by tfjs */
  readonly name?: string | undefined;
  /** Reduction of the perceptron's hidden layer, 1–65536: C / ratio units, at least 1. @default 16 */
  readonly ratio?: number | undefined;
  /** Value in (0,1) at which every gate starts, whatever the input. @default the reference's, around 0.5 */
  readonly initialGate?: number | undefined;
  /** Seed of the initial weights, 0–4294967295. @default 0 */
  readonly seed?: number | undefined;
}

/** The options of {@link ChannelAttention}. */
export const channelAttentionSchema: OptionsSchema<Settled<ChannelAttentionConfig, 'name' | 'initialGate'>> = {
  where: 'ChannelAttention',
  fields: {
    name: nameField,
    ratio: withDefault(integer(1, MAX_CHANNELS), 16),
    initialGate: absentMeans(between(0, 1), "the reference's, around 0.5"),
    seed: seedField,
  },
};

type Weights = readonly [fc1: Tensor2D, bias1: Tensor1D, fc2: Tensor2D, bias2: Tensor1D];

/**
 * Scales each channel by what the whole image says about it:
 * `y = x · sigmoid(mlp(mean_HW x) + mlp(max_HW x))`, `mlp(v) = relu(v·W₁ + b₁)·W₂ + b₂`.
 *
 * Input and output `[N,H,W,C]`; any H and W. Weights: `fc1_kernel [C,C/ratio]`, `fc1_bias`,
 * `fc2_kernel [C/ratio,C]`, `fc2_bias`.
 *
 * @throws {TypeError | RangeError} If the options are not as described.
 */
export class ChannelAttention extends layers.Layer implements Compilable {
  /** Name under which the layer is saved. */
  static className = 'AttentiveChannelAttention';
  /** Channels for each unit in the middle of the perceptron. */
  readonly ratio: number;
  /** What every gate is at first, in (0,1), where that was asked for. */
  readonly initialGate: number | undefined;
  /** Decides the first weights. */
  readonly seed: number;
  #variables: LayerVariable[] = [];

  constructor(config: ChannelAttentionConfig = {}) {
    const {ratio, initialGate, seed} = readLayerConfig(channelAttentionSchema, config);
    super(config as ConstructorParameters<typeof layers.Layer>[0]);
    this.ratio = ratio;
    this.initialGate = initialGate;
    this.seed = seed;
  }

  override build(inputShape: Shape | Shape[]): void {
    const channels = (inputShape as Shape).at(-1) as number;
    const hidden = Math.max(1, Math.floor(channels / this.ratio));
    checkWeights('ChannelAttention', [channels, hidden]);
    // The perceptron runs twice and its results are added, so each run brings half of the logit.
    const open = this.initialGate === undefined ? undefined : logit(this.initialGate) / 2;
    const zeros = initializers.zeros();
    this.#variables = [
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
      const [fc1, bias1, fc2, bias2] = this.#read();
      if (hasKernel(CHANNEL_GATE)) {
        return channelGateOf({average: mean(x, [1, 2]), maximum: max(x, [1, 2]), fc1, bias1, fc2, bias2});
      }
      const perceptron = (pooled: Tensor): Tensor => add(matMul(relu(add(matMul(pooled, fc1), bias1)), fc2), bias2);
      return sigmoid(add(perceptron(mean(x, [1, 2])), perceptron(max(x, [1, 2])))) as Tensor2D;
    });
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const x = (Array.isArray(inputs) ? inputs[0] : inputs) as Tensor4D;
      return scaleChannels(x, this.gate(x)) as Tensor;
    });
  }

  compiledForm(own: OwnTensor): CompiledRun {
    // The second layer is linear: once for the sum of both poolings, with its bias counted twice.
    const twice = own(tidy(() => mul<Tensor1D>(this.#read()[3], 2)));
    return ([input]) => {
      const x = input as Tensor4D;
      const [fc1, bias1, fc2] = this.#read();
      const hidden = (pooled: Tensor2D): Tensor2D => denseOfInput(pooled, fc1, bias1, 'relu');
      const both: Tensor2D = add(hidden(overPlaces(x, 'mean')), hidden(overPlaces(x, 'max')));
      return scaleChannels(x, sigmoid(denseOfInput(both, fc2, twice, 'linear')));
    };
  }

  #read(): Weights {
    return this.#variables.map((variable) => variable.read()) as unknown as Weights;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return inputShape;
  }

  override getConfig(): ReturnType<layers.Layer['getConfig']> {
    const {ratio, initialGate = null, seed} = this;
    return {...super.getConfig(), ratio, initialGate, seed};
  }
}

/** `[N,H,W,C]` times one factor per channel, `[N,C]`. */
function scaleChannels(x: Tensor4D, gate: Tensor2D): Tensor4D {
  return mul(x, reshape(gate, [x.shape[0], 1, 1, x.shape[3]]));
}
