/** Bilinear interpolation to a given size as a layer: the explanation network's last step. */
import {tidy, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {layers, type Shape} from '@tensorflow/tfjs-layers';
import {required} from '../core/fields.js';
import type {OptionsSchema, Settled} from '../core/options.js';
import {resizeBilinear} from '../data/resize.js';
import {interpolate} from './_interpolate.js';
import {nameField, readLayerConfig, sizeField} from './layer-config.js';
import type {Compilable, CompiledRun} from './compiled-form.js';

/** Options of {@link BilinearResize}. */
export interface BilinearResizeConfig {
  /** Layer name. @default given by tfjs */
  readonly name?: string | undefined;
  /** `[height, width]` of the result, at most 67108864 pixels. @default none */
  readonly size: readonly [number, number];
}

/** The options of {@link BilinearResize}. */
export const bilinearResizeSchema: OptionsSchema<Settled<BilinearResizeConfig, 'name'>> = {
  where: 'BilinearResize',
  fields: {name: nameField, size: required(sizeField)},
};

/**
 * Resizes `[N,h,w,C]` to `[N,size[0],size[1],C]` with half-pixel centres; differentiable. (The
 * resizing layers of tfjs shift the image and have a wrong gradient.)
 *
 * @throws {TypeError | RangeError} If the options are not as described.
 */
export class BilinearResize extends layers.Layer implements Compilable {
  /** Name under which the layer is saved. */
  static className = 'AttentiveBilinearResize';
  /** Height and width of the output, in pixels. */
  readonly size: readonly [number, number];

  constructor(config: BilinearResizeConfig) {
    const {size} = readLayerConfig(bilinearResizeSchema, config);
    super(config as unknown as ConstructorParameters<typeof layers.Layer>[0]);
    this.size = size;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => resizeBilinear((Array.isArray(inputs) ? inputs[0] : inputs) as Tensor4D, this.size));
  }

  compiledForm(): CompiledRun {
    return ([x]) => interpolate(x as Tensor4D, this.size);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch, , , channels] = inputShape as Shape;
    return [batch ?? null, ...this.size, channels ?? null];
  }

  override getConfig(): ReturnType<layers.Layer['getConfig']> {
    return {...super.getConfig(), size: [...this.size]};
  }
}
