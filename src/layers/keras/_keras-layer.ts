/** What the layers here have in common: they compute what Keras does where tf.layers does not, and hold checked settings. */
import {tidy, type Tensor} from '@tensorflow/tfjs-core';
import {initializers, layers, type Shape} from '@tensorflow/tfjs-layers';
import {at} from '../../core/at.js';
import type {OptionsSchema} from '../../core/options.js';
import {checkWeights, readLayerConfig} from '../layer-config.js';

type LayerConfig = ConstructorParameters<typeof layers.Layer>[0];

/** A layer of Keras that has one output. */
export abstract class KerasLayer<S extends object> extends layers.Layer {
  /** What it was made with. */
  readonly settings: S;

  protected constructor(schema: OptionsSchema<S>, config: unknown) {
    const settings = readLayerConfig(schema, config);
    super(config as LayerConfig);
    this.settings = settings;
  }

  /** Computes the output; runs inside `tidy`. */
  protected abstract compute(x: Tensor, ...others: Tensor[]): Tensor;

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => this.compute(...([inputs].flat() as [Tensor, ...Tensor[]])));
  }

  /** Adds a weight, which a file fills. */
  protected addFilled(name: string, shape: readonly number[]): void {
    checkWeights(`${this.name}: ${name}`, shape);
    this.addWeight(name, [...shape], 'float32', initializers.zeros());
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return firstShape(inputShape);
  }

  override getConfig(): ReturnType<layers.Layer['getConfig']> {
    return {...(this.settings as object), ...super.getConfig()};
  }
}

/** The shape of the first input. */
export function firstShape(inputShape: Shape | Shape[]): Shape {
  return (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as Shape;
}

/** The size of an axis that has to be known when weights are made. @throws {RangeError} If it is not. */
export function knownSize(where: string, shape: Shape, axis: number): number {
  const size = shape.at(axis);
  if (typeof size === 'number') return size;
  throw new RangeError(
    `${where} needs the size of axis ${axis}, which its input [${shape.map((each) => each ?? '?').join(', ')}] leaves open.`,
  );
}

/** An axis as a place from the front. */
export function axisOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** A shape with other sizes at some axes. */
export function withSizes(shape: Shape, sizes: Readonly<Record<number, number | null>>): Shape {
  return shape.map((size, axis) => (axis in sizes ? (at(Object.values(sizes), Object.keys(sizes).indexOf(String(axis))) as number) : size));
}
