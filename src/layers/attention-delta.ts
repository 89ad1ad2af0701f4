/**
 * The attention-delta tap (Lee & Kim, section 3.3): Δf = f̂ − f, what the attention module changed,
 * taken around the module and before any residual add. The decoder draws the map from it.
 */
import {add, div, mean, mul, neg, relu, reshape, sqrt, square, sub, tidy, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {layers, type Shape} from '@tensorflow/tfjs-layers';
import {show} from '../core/check.js';
import {oneOf, withDefault} from '../core/fields.js';
import type {OptionsSchema, Settled} from '../core/options.js';
import {overPlaces} from './_channel-pooling.js';
import {nameField, readLayerConfig} from './layer-config.js';
import type {Compilable, CompiledRun} from './compiled-form.js';

/** How Δf is handed on; see {@link AttentionDelta}. */
export type DeltaMode = 'signed' | 'rectified' | 'normalized';

/** Options of {@link AttentionDelta}. */
export interface AttentionDeltaConfig {
  /** Layer name. @default given by tfjs */
  readonly name?: string | undefined;
  /**
   * `'signed'`: Δf as printed. `'rectified'`: relu(−Δf), how much was taken away. `'normalized'`:
   * −Δf divided by its root mean square over one image, so that its size does not depend on how
   * far the gates have closed.
   * @default 'signed'
   */
  readonly mode?: DeltaMode | undefined;
}

/** The options of {@link AttentionDelta}. */
export const attentionDeltaSchema: OptionsSchema<Settled<AttentionDeltaConfig, 'name'>> = {
  where: 'AttentionDelta',
  fields: {name: nameField, mode: withDefault(oneOf('signed', 'rectified', 'normalized'), 'signed')},
};

// Keeps an image whose gates changed nothing at zero instead of 0/0.
const EPSILON = 1e-6;

/**
 * Subtracts the features from the attended features. Inputs: `[f̂, f]`, both `[N,H,W,C]`; output
 * `[N,H,W,C]`.
 *
 * @throws {TypeError | RangeError} If the options are not as described, or the two shapes differ.
 */
export class AttentionDelta extends layers.Layer implements Compilable {
  /** Name under which the layer is saved. */
  static className = 'AttentiveDelta';
  /** See {@link DeltaMode}. */
  readonly mode: DeltaMode;

  constructor(config: AttentionDeltaConfig = {}) {
    const {mode} = readLayerConfig(attentionDeltaSchema, config);
    super(config as ConstructorParameters<typeof layers.Layer>[0]);
    this.mode = mode;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() =>
      this.#handOn(inputs as Tensor[], (delta) => {
        const size = sqrt(mean(square(delta), [1, 2, 3], true)); // [N,1,1,1]
        return div(neg(delta), add(size, EPSILON));
      }),
    );
  }

  compiledForm(): CompiledRun {
    return (inputs) =>
      this.#handOn(inputs, (delta) => {
        const size = sqrt(mean(overPlaces(square(delta), 'mean'), 1)); // [N]
        return mul(delta, reshape(div(-1, add(size, EPSILON)), [-1, 1, 1, 1]));
      });
  }

  #handOn(inputs: readonly Tensor[], normalize: (delta: Tensor4D) => Tensor4D): Tensor {
    const [attended, features] = inputs as readonly [Tensor4D, Tensor4D];
    const delta: Tensor4D = sub(attended, features);
    if (this.mode === 'signed') return delta as Tensor;
    return (this.mode === 'rectified' ? relu(neg(delta)) : normalize(delta)) as Tensor;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [attended, features] = inputShape as Shape[];
    const same = Array.isArray(attended) && attended.length === features?.length && attended.every((size, i) => size === features[i]);
    if (!same) {
      throw new RangeError(`AttentionDelta takes two inputs of one shape [attended, features], but got ${show(inputShape)}.`);
    }
    return attended;
  }

  override getConfig(): ReturnType<layers.Layer['getConfig']> {
    return {...super.getConfig(), mode: this.mode};
  }
}
