/** Global pooling that keeps the axes it pools over, as 1. */
import {max, mean, type Tensor} from '@tensorflow/tfjs-core';
import type {Shape} from '@tensorflow/tfjs-layers';
import type {OptionsSchema} from '../../core/options.js';
import {nameField} from '../layer-config.js';
import {firstShape, KerasLayer, withSizes} from './_keras-layer.js';

interface PoolingSettings {
  readonly name: string | undefined;
}

const averageSchema: OptionsSchema<PoolingSettings> = {where: 'KerasGlobalAveragePooling2D', fields: {name: nameField}};

/** `[N,H,W,C]` to the means `[N,1,1,C]`. */
export class KerasGlobalAveragePooling2D extends KerasLayer<PoolingSettings> {
  static className = 'KerasGlobalAveragePooling2D';

  constructor(config: object) {
    super(averageSchema, config);
  }

  protected override compute(x: Tensor): Tensor {
    return mean(x, [1, 2], true);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return withSizes(firstShape(inputShape), {1: 1, 2: 1});
  }
}

const maxSchema: OptionsSchema<PoolingSettings> = {...averageSchema, where: 'KerasGlobalMaxPooling2D'};

/** `[N,H,W,C]` to the maxima `[N,1,1,C]`. */
export class KerasGlobalMaxPooling2D extends KerasLayer<PoolingSettings> {
  static className = 'KerasGlobalMaxPooling2D';

  constructor(config: object) {
    super(maxSchema, config);
  }

  protected override compute(x: Tensor): Tensor {
    return max(x, [1, 2], true);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return withSizes(firstShape(inputShape), {1: 1, 2: 1});
  }
}
