/**
 * One "upsample" block of the explanation network (Lee & Kim, section 3.4, figure 4): a
 * convolution, then interpolation towards the size of the input. The interpolation is bilinear
 * with half-pixel centres and a right gradient, so that nothing shifts on the way up.
 */
import {add, conv2d, relu, tidy, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {initializers, layers, type LayerVariable, type Shape} from '@tensorflow/tfjs-layers';
import {checkInteger} from '../core/check.js';
import {resizeBilinear} from '../data/resize.js';
import {seededHe} from './_initializers.js';

/** Options of {@link UpsampleBlock}. */
export interface UpsampleBlockConfig {
  /** Layer name. */
  readonly name?: string | undefined;
  /** Channels of the result. */
  readonly filters: number;
  /** `[height, width]` of the result. Absent: twice the input. */
  readonly size?: readonly [number, number] | undefined;
  /** Side of the convolution's kernel. @default 3 */
  readonly kernelSize?: number | undefined;
  /** Seed of the initial weights. @default 0 */
  readonly seed?: number | undefined;
}

/**
 * Convolves, rectifies and enlarges: `[N,h,w,C]` to `[N,size[0],size[1],filters]`.
 *
 * Weights: `kernel [k,k,C,filters]`, `bias [filters]`.
 *
 * @throws {RangeError} If `filters`, `size` or `kernelSize` is not a whole number above 0.
 */
export class UpsampleBlock extends layers.Layer {
  /** Name under which the layer is saved. */
  static className = 'AttentiveUpsampleBlock';
  readonly filters: number;
  readonly size: readonly [number, number] | undefined;
  readonly kernelSize: number;
  readonly seed: number;
  #kernel!: LayerVariable;
  #bias!: LayerVariable;

  constructor(config: UpsampleBlockConfig) {
    super(config as unknown as ConstructorParameters<typeof layers.Layer>[0]);
    this.filters = checkInteger('UpsampleBlock: filters', config.filters, 1);
    this.size = config.size ?? undefined;
    for (const side of this.size ?? []) checkInteger('UpsampleBlock: size', side, 1);
    this.kernelSize = checkInteger('UpsampleBlock: kernelSize', config.kernelSize ?? 3, 1);
    this.seed = checkInteger('UpsampleBlock: seed', config.seed ?? 0);
  }

  override build(inputShape: Shape | Shape[]): void {
    const channels = (inputShape as Shape).at(-1) as number;
    const side = this.kernelSize;
    this.#kernel = this.addWeight('kernel', [side, side, channels, this.filters], 'float32', seededHe(this.seed, 'kernel'));
    this.#bias = this.addWeight('bias', [this.filters], 'float32', initializers.zeros());
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const x = (Array.isArray(inputs) ? inputs[0] : inputs) as Tensor4D;
      const size = this.#outputSize(x.shape) as [number, number];
      const convolved = relu(add(conv2d(x, this.#kernel.read() as Tensor4D, 1, 'same'), this.#bias.read()));
      return resizeBilinear(convolved as Tensor4D, size);
    });
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
    const {filters, size, kernelSize, seed} = this;
    return {...super.getConfig(), filters, size: size ? [...size] : null, kernelSize, seed};
  }
}
