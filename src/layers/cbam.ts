/**
 * The convolutional block attention module (Woo et al. 2018): the channel gate, then the spatial
 * gate on its result. Lee & Kim (section 3.3) put one into every block of the student's last three
 * stages; what it changes is the explanation's raw material.
 */
import {tidy, type Tensor} from '@tensorflow/tfjs-core';
import {layers, type Shape} from '@tensorflow/tfjs-layers';
import {ChannelAttention} from './channel-attention.js';
import {SpatialAttention} from './spatial-attention.js';

/** Options of {@link CBAM}. */
export interface CBAMConfig {
  /** Layer name. */
  readonly name?: string | undefined;
  /** Reduction of the channel gate's hidden layer. @default 16 */
  readonly ratio?: number | undefined;
  /** Side of the spatial gate's kernel, odd. @default 7 */
  readonly kernelSize?: number | undefined;
  /** Order of the spatial gate's pooled channels. @default 'max-mean' */
  readonly poolOrder?: 'max-mean' | 'mean-max' | undefined;
  /** Whether the spatial gate has a batch norm. @default true */
  readonly spatialBatchNorm?: boolean | undefined;
  /** `false` leaves the channel gate only. @default true */
  readonly spatial?: boolean | undefined;
  /**
   * Value in (0,1) at which both gates start, whatever the input; near 1 keeps trained features
   * as they were. Absent: the reference's start, around 0.5.
   */
  readonly initialGate?: number | undefined;
  /** Seed of the initial weights. @default 0 */
  readonly seed?: number | undefined;
}

/**
 * Scales features by a channel gate and a spatial gate: `f̂ = att ⊙ f`, `att` in (0,1).
 *
 * Input and output `[N,H,W,C]`; any H and W. Its weights are those of {@link ChannelAttention}
 * followed by those of {@link SpatialAttention}.
 */
export class CBAM extends layers.Layer {
  /** Name under which the layer is saved. */
  static className = 'AttentiveCBAM';
  readonly #config: CBAMConfig;
  readonly #channelGate: ChannelAttention;
  readonly #spatialGate: SpatialAttention | undefined;

  constructor(config: CBAMConfig = {}) {
    super(config as ConstructorParameters<typeof layers.Layer>[0]);
    const {ratio = 16, kernelSize = 7, poolOrder = 'max-mean', spatialBatchNorm = true, spatial = true, seed = 0} = config;
    const initialGate = config.initialGate ?? undefined;
    this.#config = {ratio, kernelSize, poolOrder, spatialBatchNorm, spatial, initialGate, seed};
    this.#channelGate = new ChannelAttention({ratio, initialGate, seed});
    if (spatial) {
      this.#spatialGate = new SpatialAttention({kernelSize, poolOrder, batchNorm: spatialBatchNorm, initialGate, seed});
    }
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

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return inputShape;
  }

  override getConfig(): ReturnType<layers.Layer['getConfig']> {
    const {initialGate = null, ...options} = this.#config;
    return {...super.getConfig(), ...options, initialGate} as ReturnType<layers.Layer['getConfig']>;
  }
}
