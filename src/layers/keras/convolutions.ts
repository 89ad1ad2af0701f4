/** Convolutions that tf.layers lacks: in groups of channels, and dilated depthwise ones. */
import {add, concat, conv2d, depthwiseConv2d, pad, reshape, slice, split, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {layers, type Shape} from '@tensorflow/tfjs-layers';
import {at} from '../../core/at.js';
import {boolean, integer, list, oneOf, required, text, withDefault} from '../../core/fields.js';
import type {OptionsSchema} from '../../core/options.js';
import {nameField} from '../layer-config.js';
import {firstShape, KerasLayer, knownSize, withSizes} from './_keras-layer.js';

interface ConvolutionSettings {
  readonly name: string | undefined;
  readonly kernelSize: readonly number[];
  readonly strides: readonly number[];
  readonly padding: 'same' | 'valid';
  readonly dilationRate: readonly number[];
  readonly useBias: boolean;
  readonly activation: string;
}

const pair = /* @__PURE__ */ list(/* @__PURE__ */ integer(1), 2);

const fields: OptionsSchema<ConvolutionSettings>['fields'] = /* @__PURE__ */ (() => ({
  name: nameField,
  kernelSize: required(pair),
  strides: required(pair),
  padding: required(oneOf('same', 'valid')),
  dilationRate: required(pair),
  useBias: withDefault(boolean(), true),
  activation: withDefault(text(), 'linear'),
}))();

/** What both have in common: a bias and an activation behind the sums. */
abstract class KerasConvolution<S extends ConvolutionSettings> extends KerasLayer<S> {
  readonly #activation = layers.activation({activation: this.settings.activation as never});

  protected finish(sums: Tensor): Tensor {
    const biased = this.settings.useBias ? add(sums, at(this.weights, 1).read()) : sums;
    return this.#activation.apply(biased) as Tensor;
  }

  protected shapeWith(inputShape: Shape | Shape[], channels: number): Shape {
    const shape = firstShape(inputShape);
    const {kernelSize, strides, padding, dilationRate} = this.settings;
    const sizes = [0, 1].map((axis) => {
      const size = shape[axis + 1];
      if (size == null) return null;
      const reach = (at(kernelSize, axis) - 1) * at(dilationRate, axis);
      return Math.ceil((padding === 'same' ? size : size - reach) / at(strides, axis));
    });
    return withSizes(shape, {1: at(sizes, 0) as number, 2: at(sizes, 1) as number, 3: channels});
  }
}

interface GroupedSettings extends ConvolutionSettings {
  readonly filters: number;
  readonly groups: number;
}

const groupedSchema: OptionsSchema<GroupedSettings> = {
  where: 'KerasGroupedConv2D',
  fields: /* @__PURE__ */ (() => ({...fields, filters: required(integer(1)), groups: required(integer(1))}))(),
};

/** A Conv2D whose filters read one group of the channels each. */
export class KerasGroupedConv2D extends KerasConvolution<GroupedSettings> {
  static className = 'KerasGroupedConv2D';

  constructor(config: object) {
    super(groupedSchema, config);
  }

  override build(inputShape: Shape | Shape[]): void {
    const {kernelSize, filters, groups, useBias} = this.settings;
    const channels = knownSize(this.name, firstShape(inputShape), 3);
    this.addFilled('kernel', [...kernelSize, channels / groups, filters]);
    if (useBias) this.addFilled('bias', [filters]);
    super.build(inputShape);
  }

  protected override compute(x: Tensor): Tensor {
    const {strides, padding, dilationRate, groups} = this.settings;
    const inputs = split<Tensor4D>(x as Tensor4D, groups, 3);
    const kernels = split<Tensor4D>(at(this.weights, 0).read() as Tensor4D, groups, 3);
    const pairs = [strides, dilationRate] as unknown as [[number, number], [number, number]];
    const sums = inputs.map((input, group) => conv2d(input, at(kernels, group), pairs[0], padding, 'NHWC', pairs[1]));
    return this.finish(concat(sums, 3));
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return this.shapeWith(inputShape, this.settings.filters);
  }
}

interface DepthwiseSettings extends ConvolutionSettings {
  readonly depthMultiplier: number;
}

const depthwiseSchema: OptionsSchema<DepthwiseSettings> = {
  where: 'KerasDepthwiseConv2D',
  fields: /* @__PURE__ */ (() => ({...fields, depthMultiplier: withDefault(integer(1), 1)}))(),
};

/** A dilated depthwise convolution, by a kernel with zeros between its values: so it has a gradient on every backend. */
export class KerasDepthwiseConv2D extends KerasConvolution<DepthwiseSettings> {
  static className = 'KerasDepthwiseConv2D';

  constructor(config: object) {
    super(depthwiseSchema, config);
  }

  override build(inputShape: Shape | Shape[]): void {
    const {kernelSize, depthMultiplier, useBias} = this.settings;
    const channels = knownSize(this.name, firstShape(inputShape), 3);
    this.addFilled('depthwise_kernel', [...kernelSize, channels, depthMultiplier]);
    if (useBias) this.addFilled('bias', [channels * depthMultiplier]);
    super.build(inputShape);
  }

  protected override compute(x: Tensor): Tensor {
    const {strides, padding, dilationRate} = this.settings;
    const kernel = spread(at(this.weights, 0).read() as Tensor4D, dilationRate as [number, number]);
    return this.finish(depthwiseConv2d<Tensor4D>(x as Tensor4D, kernel, strides as unknown as [number, number], padding));
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return this.shapeWith(inputShape, knownSize(this.name, firstShape(inputShape), 3) * this.settings.depthMultiplier);
  }
}

/** A kernel with `rows − 1` rows and `columns − 1` columns of zeros between its own. */
function spread(kernel: Tensor4D, [rows, columns]: readonly [number, number]): Tensor4D {
  const [height, width, channels, multiplier] = kernel.shape;
  const flat = reshape(kernel, [height, 1, width, channels * multiplier]);
  const tall = reshape(
    pad(flat, [
      [0, 0],
      [0, rows - 1],
      [0, 0],
      [0, 0],
    ]),
    [height * rows, width, 1, channels * multiplier],
  );
  const wide = reshape(
    pad(tall, [
      [0, 0],
      [0, 0],
      [0, columns - 1],
      [0, 0],
    ]),
    [height * rows, width * columns, channels, multiplier],
  );
  return slice(wide as Tensor4D, [0, 0, 0, 0], [(height - 1) * rows + 1, (width - 1) * columns + 1, channels, multiplier]);
}
