/** ReLU with a slope, a threshold and a ceiling, and ELU with a scale. */
import {add, exp, greaterEqual, maximum, minimum, mul, sub, where, type Tensor} from '@tensorflow/tfjs-core';
import {absentMeans, number, withDefault} from '../../core/fields.js';
import type {OptionsSchema} from '../../core/options.js';
import {nameField} from '../layer-config.js';
import {KerasLayer} from './_keras-layer.js';

interface ReluSettings {
  readonly name: string | undefined;
  readonly maxValue: number | undefined;
  readonly negativeSlope: number;
  readonly threshold: number;
}

const reluSchema: OptionsSchema<ReluSettings> = {
  where: 'KerasReLU',
  fields: {
    name: nameField,
    maxValue: absentMeans(number(), 'none'),
    negativeSlope: withDefault(number(), 0),
    threshold: withDefault(number(), 0),
  },
};

/** `min(x, maxValue)` from `threshold` on, `negativeSlope · (x − threshold)` below. */
export class KerasReLU extends KerasLayer<ReluSettings> {
  static className = 'KerasReLU';

  constructor(config: object) {
    super(reluSchema, config);
  }

  protected override compute(x: Tensor): Tensor {
    const {maxValue, negativeSlope, threshold} = this.settings;
    const above = maxValue === undefined ? x : minimum(x, maxValue);
    return where(greaterEqual(x, threshold), above, mul(sub(x, threshold), negativeSlope));
  }
}

interface EluSettings {
  readonly name: string | undefined;
  readonly alpha: number;
}

const eluSchema: OptionsSchema<EluSettings> = {where: 'KerasELU', fields: {name: nameField, alpha: withDefault(number(), 1)}};

/** `x` above 0, `alpha · (eˣ − 1)` below. */
export class KerasELU extends KerasLayer<EluSettings> {
  static className = 'KerasELU';

  constructor(config: object) {
    super(eluSchema, config);
  }

  protected override compute(x: Tensor): Tensor {
    return add(maximum(x, 0), mul(sub(exp(minimum(x, 0)), 1), this.settings.alpha));
  }
}
