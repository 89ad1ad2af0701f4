/** Normalisations that tf.layers lacks: over groups of channels, and to unit length. */
import {add, div, maximum, mean, mul, reshape, rsqrt, sqrt, square, sub, sum, type Tensor} from '@tensorflow/tfjs-core';
import type {Shape} from '@tensorflow/tfjs-layers';
import {at} from '../../core/at.js';
import {boolean, integer, list, number, required, withDefault} from '../../core/fields.js';
import type {OptionsSchema} from '../../core/options.js';
import {nameField} from '../layer-config.js';
import {axisOf, firstShape, KerasLayer, knownSize} from './_keras-layer.js';

interface GroupSettings {
  readonly name: string | undefined;
  /** −1: one channel per group. */
  readonly groups: number;
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
}

const groupSchema: OptionsSchema<GroupSettings> = {
  where: 'KerasGroupNormalization',
  fields: {
    name: nameField,
    groups: withDefault(integer(-1), 32),
    epsilon: withDefault(number(0), 1e-3),
    center: withDefault(boolean(), true),
    scale: withDefault(boolean(), true),
  },
};

/** Mean 0 and variance 1 over space and the channels of a group (Wu & He 2018); channels last. */
export class KerasGroupNormalization extends KerasLayer<GroupSettings> {
  static className = 'KerasGroupNormalization';

  constructor(config: object) {
    super(groupSchema, config);
  }

  override build(inputShape: Shape | Shape[]): void {
    const channels = knownSize(this.name, firstShape(inputShape), -1);
    if (this.settings.scale) this.addFilled('gamma', [channels]);
    if (this.settings.center) this.addFilled('beta', [channels]);
    super.build(inputShape);
  }

  protected override compute(x: Tensor): Tensor {
    const {groups, epsilon, scale, center} = this.settings;
    const channels = x.shape.at(-1) as number;
    const count = groups === -1 ? channels : groups;
    const grouped = reshape(x, [...x.shape.slice(0, -1), count, channels / count]);
    const axes = Array.from({length: grouped.rank}, (_, axis) => axis).filter((axis) => axis !== 0 && axis !== grouped.rank - 2);
    const centred = sub(grouped, mean(grouped, axes, true));
    const unit = reshape(mul(centred, rsqrt(add(mean(square(centred), axes, true), epsilon))), x.shape);
    const scaled = scale ? mul(unit, at(this.weights, 0).read()) : unit;
    return center ? add(scaled, at(this.weights, scale ? 1 : 0).read()) : scaled;
  }
}

interface UnitSettings {
  readonly name: string | undefined;
  readonly axis: readonly number[];
}

const unitSchema: OptionsSchema<UnitSettings> = {
  where: 'KerasUnitNormalization',
  fields: {name: nameField, axis: required(list(integer(-8, 8), 1))},
};

const EPSILON = 1e-12;

/** Length 1 over the given axes. */
export class KerasUnitNormalization extends KerasLayer<UnitSettings> {
  static className = 'KerasUnitNormalization';

  constructor(config: object) {
    super(unitSchema, config);
  }

  protected override compute(x: Tensor): Tensor {
    const axes = this.settings.axis.map((axis) => axisOf(axis, x.rank));
    return div(x, maximum(sqrt(sum(square(x), axes, true)), EPSILON));
  }
}
