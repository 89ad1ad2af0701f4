/** What Keras puts in front of a network: scaling, normalising, resizing and cropping of images `[N,H,W,C]`. */
import {add, image, maximum, mul, reshape, slice, sqrt, sub, div, tensor, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import type {Shape} from '@tensorflow/tfjs-layers';
import {at} from '../../core/at.js';
import {absentMeans, boolean, integer, list, number, oneOf, required, withDefault} from '../../core/fields.js';
import type {OptionsSchema} from '../../core/options.js';
import {resizeBilinear} from '../../data/resize.js';
import {nameField} from '../layer-config.js';
import {axisOf, firstShape, KerasLayer, knownSize, withSizes} from './_keras-layer.js';

interface RescalingSettings {
  readonly name: string | undefined;
  readonly scale: readonly number[];
  readonly offset: readonly number[];
}

const rescalingSchema: OptionsSchema<RescalingSettings> = {
  where: 'KerasRescaling',
  fields: {name: nameField, scale: required(list(number(), 1)), offset: required(list(number(), 1))},
};

/** `x · scale + offset`, one value each, or one per channel. */
export class KerasRescaling extends KerasLayer<RescalingSettings> {
  static className = 'KerasRescaling';

  constructor(config: object) {
    super(rescalingSchema, config);
  }

  protected override compute(x: Tensor): Tensor {
    return add(mul(x, tensor([...this.settings.scale])), tensor([...this.settings.offset]));
  }
}

interface NormalizationSettings {
  readonly name: string | undefined;
  readonly axis: readonly number[];
  readonly mean: readonly number[] | undefined;
  readonly variance: readonly number[] | undefined;
  readonly invert: boolean;
}

const normalizationSchema: OptionsSchema<NormalizationSettings> = {
  where: 'KerasNormalization',
  fields: {
    name: nameField,
    axis: required(list(integer(-8, 8))),
    mean: absentMeans(list(number(), 1), 'a weight'),
    variance: absentMeans(list(number(), 1), 'a weight'),
    invert: withDefault(boolean(), false),
  },
};

// Keras' backend epsilon: the least standard deviation.
const EPSILON = 1e-7;

/** `(x − mean) / √variance` over the axes that are kept, with values that were given or learned. */
export class KerasNormalization extends KerasLayer<NormalizationSettings> {
  static className = 'KerasNormalization';

  constructor(config: object) {
    super(normalizationSchema, config);
  }

  override build(inputShape: Shape | Shape[]): void {
    const {mean, axis} = this.settings;
    if (mean === undefined) {
      const shape = firstShape(inputShape);
      const sizes = axis.map((each) => knownSize(this.name, shape, each));
      for (const weight of ['mean', 'variance']) this.addFilled(weight, sizes);
    }
    super.build(inputShape);
  }

  protected override compute(x: Tensor): Tensor {
    const {axis, mean, variance, invert} = this.settings;
    const kept = axis.map((each) => axisOf(each, x.rank));
    const shape = x.shape.map((size, place) => (kept.includes(place) ? size : 1));
    const placed = (values: readonly number[] | undefined, weight: number): Tensor => {
      const held = values === undefined ? at(this.weights, weight).read() : tensor([...values]);
      return reshape(held, held.size === 1 ? [] : shape);
    };
    const [centre, width] = [placed(mean, 0), maximum(sqrt(placed(variance, 1)), EPSILON)];
    return invert ? add(mul(x, width), centre) : div(sub(x, centre), width);
  }
}

interface SizeSettings {
  readonly name: string | undefined;
  readonly height: number;
  readonly width: number;
}

interface ResizingSettings extends SizeSettings {
  readonly interpolation: 'bilinear' | 'nearest';
}

const sizes = {
  name: nameField,
  height: /* @__PURE__ */ required(/* @__PURE__ */ integer(1)),
  width: /* @__PURE__ */ required(/* @__PURE__ */ integer(1)),
};

const resizingSchema: OptionsSchema<ResizingSettings> = {
  where: 'KerasResizing',
  fields: {...sizes, interpolation: withDefault(oneOf('bilinear', 'nearest'), 'bilinear')},
};

/** Resizes with half-pixel centres, without antialiasing. */
export class KerasResizing extends KerasLayer<ResizingSettings> {
  static className = 'KerasResizing';

  constructor(config: object) {
    super(resizingSchema, config);
  }

  protected override compute(x: Tensor): Tensor {
    const {height, width, interpolation} = this.settings;
    if (interpolation === 'bilinear') return resizeBilinear(x as Tensor4D, [height, width]);
    return image.resizeNearestNeighbor(x as Tensor4D, [height, width], false, true);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return withSizes(firstShape(inputShape), {1: this.settings.height, 2: this.settings.width});
  }
}

const cropSchema: OptionsSchema<SizeSettings> = {where: 'KerasCenterCrop', fields: sizes};

/** Cuts out the middle; an image that is smaller is refused, since Keras would resize it. */
export class KerasCenterCrop extends KerasLayer<SizeSettings> {
  static className = 'KerasCenterCrop';

  constructor(config: object) {
    super(cropSchema, config);
  }

  protected override compute(x: Tensor): Tensor {
    const {height, width} = this.settings;
    const [, rows = 0, columns = 0] = x.shape;
    if (rows < height || columns < width) {
      throw new RangeError(
        `${this.name} cuts ${height}×${width} out of the middle, but its input is ${rows}×${columns}; resize the images first.`,
      );
    }
    return slice(x, [0, (rows - height) >> 1, (columns - width) >> 1, 0], [-1, height, width, -1]);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return withSizes(firstShape(inputShape), {1: this.settings.height, 2: this.settings.width});
  }
}

interface UpSamplingSettings {
  readonly name: string | undefined;
  readonly size: readonly number[];
}

const upSamplingSchema: OptionsSchema<UpSamplingSettings> = {
  where: 'KerasUpSampling2D',
  fields: {name: nameField, size: required(list(integer(1), 2))},
};

/** Enlarges bilinearly with half-pixel centres; tf.layers shifts. */
export class KerasUpSampling2D extends KerasLayer<UpSamplingSettings> {
  static className = 'KerasUpSampling2D';

  constructor(config: object) {
    super(upSamplingSchema, config);
  }

  protected override compute(x: Tensor): Tensor {
    const [, height, width] = this.computeOutputShape(x.shape);
    return resizeBilinear(x as Tensor4D, [height as number, width as number]);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [rows, columns] = this.settings.size as [number, number];
    const [, height, width] = firstShape(inputShape);
    return withSizes(firstShape(inputShape), {1: height == null ? null : height * rows, 2: width == null ? null : width * columns});
  }
}
