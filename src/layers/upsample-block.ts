/**
 * One "upsample" block of the explanation network (Lee & Kim, section 3.4, figure 4): a
 * convolution, then interpolation towards the size of the input. The interpolation is bilinear
 * with half-pixel centres and a right gradient, so that nothing shifts on the way up.
 */
import {add, conv2d, relu, tidy, type Tensor, type Tensor1D, type Tensor4D} from '@tensorflow/tfjs-core';
import {initializers, layers, type LayerVariable, type Shape} from '@tensorflow/tfjs-layers';
import {seedField} from '../core/common-options.js';
import {absentMeans, integer, oneOf, required, withDefault} from '../core/fields.js';
import type {Field, OptionsSchema, Settled} from '../core/options.js';
import {resizeBilinear} from '../data/resize.js';
import {seededHe} from './_initializers.js';
import {interpolate} from './_interpolate.js';
import {MAX_CHANNELS} from '../core/check.js';
import {checkWeights, nameField, readLayerConfig, sizeField} from './layer-config.js';
import {replicateBorder} from './_replicate-border.js';
import type {Compilable, CompiledRun} from './compiled-form.js';
import {fastConvolution} from './fast-convolution.js';

/** Options of {@link UpsampleBlock}. */
export interface UpsampleBlockConfig {
  /** Layer name. @default given by tfjs */
  readonly name?: string | undefined;
  /** Channels of the result, 1–65536. @default none */
  readonly filters: number;
  /** `[height, width]` of the result, at most 67108864 pixels. @default twice the input */
  readonly size?: readonly [number, number] | undefined;
  /** Side of the convolution's kernel, 1–255. @default 3 */
  readonly kernelSize?: number | undefined;
  /**
   * What the convolution sees beyond its input: `'zeros'`, as usual, or `'replicate'`, the outermost pixels again, which
   * draws no frame.
   * @default 'zeros'
   */
  readonly border?: BorderMode | undefined;
  /** What follows the convolution. @default 'relu' */
  readonly activation?: 'relu' | 'linear' | undefined;
  /** Seed of the initial weights, 0–4294967295. @default 0 */
  readonly seed?: number | undefined;
}

/** What a convolution sees beyond its input. */
export type BorderMode = 'zeros' | 'replicate';

/** `border` of a layer. */
export const borderField: Field<BorderMode> = /* @__PURE__ */ withDefault<BorderMode, 'zeros'>(
  /* @__PURE__ */ oneOf('zeros', 'replicate'),
  'zeros',
);

const MAX_KERNEL = 255;

/** The options of {@link UpsampleBlock}. */
export const upsampleBlockSchema: OptionsSchema<Settled<UpsampleBlockConfig, 'name' | 'size'>> = {
  where: 'UpsampleBlock',
  fields: {
    name: nameField,
    filters: required(integer(1, MAX_CHANNELS)),
    size: absentMeans(sizeField, 'twice the input'),
    kernelSize: withDefault(integer(1, MAX_KERNEL), 3),
    border: borderField,
    activation: withDefault(oneOf('relu', 'linear'), 'relu'),
    seed: seedField,
  },
};

/**
 * Convolves, rectifies (or not) and enlarges: `[N,h,w,C]` to `[N,size[0],size[1],filters]`.
 *
 * Weights: `kernel [k,k,C,filters]`, `bias [filters]`.
 *
 * @throws {TypeError | RangeError} If the options are not as described, or there are more than 2²⁸ weights.
 */
export class UpsampleBlock extends layers.Layer implements Compilable {
  /** Name under which the layer is saved. */
  static className = 'AttentiveUpsampleBlock';
  /** Channels of the output. */
  readonly filters: number;
  /** Height and width of the output in pixels, where they were given. */
  readonly size: readonly [number, number] | undefined;
  /** Side of the kernel, in pixels of the output. */
  readonly kernelSize: number;
  /** What lies beyond the border for the convolution. */
  readonly border: BorderMode;
  /** What follows the convolution. */
  readonly activation: 'relu' | 'linear';
  /** Decides the first weights. */
  readonly seed: number;
  #kernel!: LayerVariable;
  #bias!: LayerVariable;

  constructor(config: UpsampleBlockConfig) {
    const {filters, size, kernelSize, border, activation, seed} = readLayerConfig(upsampleBlockSchema, config);
    super(config as unknown as ConstructorParameters<typeof layers.Layer>[0]);
    this.filters = filters;
    this.size = size;
    this.kernelSize = kernelSize;
    this.border = border;
    this.activation = activation;
    this.seed = seed;
  }

  override build(inputShape: Shape | Shape[]): void {
    const channels = (inputShape as Shape).at(-1) as number;
    const side = this.kernelSize;
    checkWeights('UpsampleBlock', [side, side, channels, this.filters]);
    this.#kernel = this.addWeight('kernel', [side, side, channels, this.filters], 'float32', seededHe(this.seed, 'kernel'));
    this.#bias = this.addWeight('bias', [this.filters], 'float32', initializers.zeros());
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const x = (Array.isArray(inputs) ? inputs[0] : inputs) as Tensor4D;
      const size = this.#outputSize(x.shape) as [number, number];
      const [input, pad] = this.#bordered(x);
      const convolved: Tensor4D = add(conv2d(input, this.#kernel.read() as Tensor4D, 1, pad), this.#bias.read());
      return resizeBilinear(this.activation === 'relu' ? relu(convolved) : convolved, size);
    });
  }

  compiledForm(): CompiledRun {
    return ([x]) => {
      const [filter, bias] = [this.#kernel.read() as Tensor4D, this.#bias.read() as Tensor1D];
      const [input, pad] = this.#bordered(x as Tensor4D);
      const convolved = fastConvolution({x: input, filter, bias, strides: 1, pad, activation: this.activation});
      return interpolate(convolved, this.#outputSize(convolved.shape) as [number, number]);
    };
  }

  #bordered(x: Tensor4D): [x: Tensor4D, pad: 'same' | 'valid'] {
    return this.border === 'zeros' ? [x, 'same'] : [replicateBorder(x, this.kernelSize), 'valid'];
  }

  #outputSize(shape: Shape): [number | null, number | null] {
    if (this.size) return [...this.size];
    const twice = (side: number | null | undefined): number | null => (side == null ? null : 2 * side);
    return [twice(shape[1]), twice(shape[2])];
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = inputShape as Shape;
    return [shape[0] ?? null, ...this.#outputSize(shape), this.filters];
  }

  override getConfig(): ReturnType<layers.Layer['getConfig']> {
    const {filters, size, kernelSize, border, activation, seed} = this;
    return {...super.getConfig(), filters, size: size ? [...size] : null, kernelSize, border, activation, seed};
  }
}
