/**
 * The convolutional block attention module (Woo et al. 2018): the channel gate, then the spatial
 * gate on its result. Lee & Kim (section 3.3) put one into every block of the student's last three
 * stages; what it changes is the explanation's raw material.
 */
import {tidy, type Tensor} from '@tensorflow/tfjs-core';
import {layers, type Shape} from '@tensorflow/tfjs-layers';
import {boolean, withDefault} from '../core/fields.js';
import type {OptionsSchema, Settled} from '../core/options.js';
import {nameField, readLayerConfig} from './layer-config.js';
import {ChannelAttention, channelAttentionSchema} from './channel-attention.js';
import type {Compilable, CompiledRun, OwnTensor} from './compiled-form.js';
import {SpatialAttention, spatialAttentionSchema} from './spatial-attention.js';

/** Options of {@link CBAM}. */
export interface CBAMConfig {
  /** Layer name. @default given by tfjs */
  readonly name?: string | undefined;
  /** Reduction of the channel gate's hidden layer, 1–65536. @default 16 */
  readonly ratio?: number | undefined;
  /** Side of the spatial gate's kernel, odd, 1–255. @default 7 */
  readonly kernelSize?: number | undefined;
  /** Order of the spatial gate's pooled channels. @default 'max-mean' */
  readonly poolOrder?: 'max-mean' | 'mean-max' | undefined;
  /** Whether the spatial gate has a batch norm. @default true */
  readonly spatialBatchNorm?: boolean | undefined;
  /** `false` leaves the channel gate only. @default true */
  readonly spatial?: boolean | undefined;
  /**
   * Value in (0,1) at which both gates start, whatever the input; near 1 keeps trained features
   * as they were. @default the reference's, around 0.5
   */
  readonly initialGate?: number | undefined;
  /** Seed of the initial weights, 0–4294967295. @default 0 */
  readonly seed?: number | undefined;
}

type CBAMSettings = Settled<CBAMConfig, 'name' | 'initialGate'>;

/** The options of {@link CBAM}. */
export const cbamSchema: OptionsSchema<CBAMSettings> = {
  where: 'CBAM',
  fields: {
    name: nameField,
    ratio: channelAttentionSchema.fields.ratio,
    kernelSize: spatialAttentionSchema.fields.kernelSize,
    poolOrder: spatialAttentionSchema.fields.poolOrder,
    spatialBatchNorm: withDefault(boolean(), true),
    spatial: withDefault(boolean(), true),
    initialGate: channelAttentionSchema.fields.initialGate,
    seed: channelAttentionSchema.fields.seed,
  },
};

/**
 * Scales features by a channel gate and a spatial gate: `f̂ = att ⊙ f`, `att` in (0,1).
 *
 * Input and output `[N,H,W,C]`; any H and W. Its weights are those of {@link ChannelAttention}
 * followed by those of {@link SpatialAttention}.
 *
 * @throws {TypeError | RangeError} If the options are not as described.
 */
export class CBAM extends layers.Layer implements Compilable {
  /** Name under which the layer is saved. */
  static className = 'AttentiveCBAM';
  readonly #settings: CBAMSettings;
  readonly #channelGate: ChannelAttention;
  readonly #spatialGate: SpatialAttention | undefined;

  constructor(config: CBAMConfig = {}) {
    const settings = readLayerConfig(cbamSchema, config);
    super(config as ConstructorParameters<typeof layers.Layer>[0]);
    const {ratio, kernelSize, poolOrder, spatialBatchNorm, spatial, initialGate, seed} = settings;
    this.#settings = settings;
    this.#channelGate = new ChannelAttention({ratio, initialGate, seed});
    if (spatial) this.#spatialGate = new SpatialAttention({kernelSize, poolOrder, batchNorm: spatialBatchNorm, initialGate, seed});
  }

  override build(inputShape: Shape | Shape[]): void {
    // The gates are built inside this layer's name scope, so their weights carry its name, and
    // are listed here so that models save, load, freeze and dispose of them with this layer.
    const gates = this.#spatialGate ? [this.#channelGate, this.#spatialGate] : [this.#channelGate];
    for (const gate of gates) gate.build(inputShape);
    this.trainableWeights = gates.flatMap((gate) => gate.trainableWeights);
    this.nonTrainableWeights = gates.flatMap((gate) => gate.nonTrainableWeights);
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[], kwargs?: {training?: boolean}): Tensor {
    return tidy(() => {
      const x = (Array.isArray(inputs) ? inputs[0] : inputs) as Tensor;
      const byChannel = this.#channelGate.call(x);
      return this.#spatialGate ? this.#spatialGate.call(byChannel, kwargs) : byChannel;
    });
  }

  compiledForm(own: OwnTensor): CompiledRun {
    const byChannel = this.#channelGate.compiledForm(own);
    const byPlace = this.#spatialGate?.compiledForm(own);
    return byPlace === undefined ? byChannel : (inputs) => byPlace([byChannel(inputs) as Tensor]);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return inputShape;
  }

  override getConfig(): ReturnType<layers.Layer['getConfig']> {
    const {ratio, kernelSize, poolOrder, spatialBatchNorm, spatial, initialGate = null, seed} = this.#settings;
    return {...super.getConfig(), ratio, kernelSize, poolOrder, spatialBatchNorm, spatial, initialGate, seed};
  }
}
