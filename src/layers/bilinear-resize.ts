/** Bilinear interpolation to a given size as a layer: the explanation network's last step. */
import {tidy, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {layers, type Shape} from '@tensorflow/tfjs-layers';
import {checkInteger, show} from '../core/check.js';
import {resizeBilinear} from '../data/resize.js';

/** Options of {@link BilinearResize}. */
export interface BilinearResizeConfig {
  /** Layer name. */
  readonly name?: string | undefined;
  /** `[height, width]` of the result. */
  readonly size: readonly [number, number];
}

/**
 * Resizes `[N,h,w,C]` to `[N,size[0],size[1],C]` with half-pixel centres; differentiable. (The
 * resizing layers of tfjs shift the image and have a wrong gradient.)
 *
 * @throws {RangeError} If a size is not a whole number above 0.
 */
export class BilinearResize extends layers.Layer {
  /** Name under which the layer is saved. */
  static className = 'AttentiveBilinearResize';
  readonly size: readonly [number, number];

  constructor(config: BilinearResizeConfig) {
    super(config as unknown as ConstructorParameters<typeof layers.Layer>[0]);
    if (!Array.isArray(config.size) || config.size.length !== 2) {
      throw new TypeError(`BilinearResize: size must be [height, width], but is ${show(config.size)}.`);
    }
    for (const side of config.size) checkInteger('BilinearResize: size', side, 1);
    this.size = config.size;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => resizeBilinear((Array.isArray(inputs) ? inputs[0] : inputs) as Tensor4D, this.size));
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch, , , channels] = inputShape as Shape;
    return [batch ?? null, ...this.size, channels ?? null];
  }

  override getConfig(): ReturnType<layers.Layer['getConfig']> {
    return {...super.getConfig(), size: [...this.size]};
  }
}
