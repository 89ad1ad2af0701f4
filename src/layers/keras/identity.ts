/** Layers that change images in training only: in inference they hand on what they get. */
import {clone, type Tensor} from '@tensorflow/tfjs-core';
import type {OptionsSchema} from '../../core/options.js';
import {nameField} from '../layer-config.js';
import {KerasLayer} from './_keras-layer.js';

const schema: OptionsSchema<{name: string | undefined}> = {where: 'KerasIdentity', fields: {name: nameField}};

/** Hands on its input: `SpatialDropout2D`, `RandomFlip` and their like. */
export class KerasIdentity extends KerasLayer<{name: string | undefined}> {
  static className = 'KerasIdentity';

  constructor(config: object) {
    super(schema, config);
  }

  protected override compute(x: Tensor): Tensor {
    return clone(x);
  }
}
