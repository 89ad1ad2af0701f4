/**
 * The attention-delta tap (Lee & Kim, section 3.3): Δf = f̂ − f, what the attention module changed,
 * taken around the module and before any residual add. The decoder draws the map from it.
 */
import {add, div, mean, neg, relu, sqrt, square, sub, tidy, type Tensor} from '@tensorflow/tfjs-core';
import {layers, type Shape} from '@tensorflow/tfjs-layers';
import {checkOneOf, show} from '../core/check.js';

/** How Δf is handed on; see {@link AttentionDelta}. */
export type DeltaMode = 'signed' | 'rectified' | 'normalised';

/** Options of {@link AttentionDelta}. */
export interface AttentionDeltaConfig {
  /** Layer name. */
  readonly name?: string | undefined;
  /**
   * `'signed'`: Δf as printed. `'rectified'`: relu(−Δf), how much was taken away. `'normalised'`:
   * −Δf divided by its root mean square over one image, so that its size does not depend on how
   * far the gates have closed.
   * @default 'signed'
   */
  readonly mode?: DeltaMode | undefined;
}

/** Keeps an image whose gates changed nothing at zero instead of 0/0. */
export const DELTA_EPSILON = 1e-6;

/**
 * Subtracts the features from the attended features. Inputs: `[f̂, f]`, both `[N,H,W,C]`; output
 * `[N,H,W,C]`.
 *
 * @throws {RangeError} If the two shapes differ or `mode` is unknown.
 */
export class AttentionDelta extends layers.Layer {
  /** Name under which the layer is saved. */
  static className = 'AttentiveDelta';
  readonly mode: DeltaMode;

  constructor(config: AttentionDeltaConfig = {}) {
    super(config as ConstructorParameters<typeof layers.Layer>[0]);
    this.mode = checkOneOf('AttentionDelta: mode', config.mode ?? 'signed', ['signed', 'rectified', 'normalised']);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const [attended, features] = inputs as [Tensor, Tensor];
      const delta = sub(attended, features);
      if (this.mode === 'signed') return delta;
      if (this.mode === 'rectified') return relu(neg(delta));
      const size = sqrt(mean(square(delta), [1, 2, 3], true)); // [N,1,1,1]
      return div(neg(delta), add(size, DELTA_EPSILON));
    });
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
