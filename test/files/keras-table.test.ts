/** Every option of every class of the table: honoured, so that another value computes something else, or refused by name. */
import '../helpers/use-wasm.js';
import {tensor, tidy, type Tensor} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import {ModelFileError} from '../../src/core/errors/model-file-error.js';
import {Random} from '../../src/core/random.js';
import {registerLayers} from '../../src/layers/register-layers.js';
import {layerTable} from '../../src/files/keras/layer-table.js';
import {translateKeras} from '../../src/files/keras/translate-keras.js';
import {buildLayersModel, disposeModel} from '../../src/tfjs/model-variables.js';

type Config = Record<string, unknown>;

/** Options by which a class is tried: what it needs, and another value for each of the rest. */
interface Trial {
  readonly shape?: number[];
  readonly base?: Config;
  readonly other: Config;
}

const image = [7, 6, 4];
const conv = {filters: 4, kernel_size: [3, 3], strides: [1, 1], padding: 'valid', use_bias: true, activation: 'linear'};
const depthwise = Object.fromEntries(Object.entries(conv).filter(([key]) => key !== 'filters'));
const otherConv = {
  filters: 5,
  kernel_size: [1, 3],
  strides: [2, 2],
  padding: 'same',
  data_format: 'channels_first',
  dilation_rate: [2, 2],
  use_bias: false,
  activation: 'relu',
};
const transposed = Object.fromEntries(Object.entries(otherConv).filter(([key]) => key !== 'dilation_rate'));
const pool = {
  base: {pool_size: [2, 2], strides: [2, 2], padding: 'valid'},
  other: {pool_size: [3, 3], strides: [1, 1], padding: 'same', data_format: 'channels_first'},
};
const line = {shape: [7, 4], base: {pool_size: 2, strides: 2, padding: 'valid'}, other: {pool_size: 3, strides: 1, padding: 'same'}};

const trials: Record<string, Trial> = {
  Activation: {base: {activation: 'linear'}, other: {activation: 'relu'}},
  AveragePooling1D: line,
  AveragePooling2D: pool,
  BatchNormalization: {base: {axis: -1}, other: {axis: 1, epsilon: 0.5, center: false, scale: false}},
  CenterCrop: {base: {height: 3, width: 3}, other: {height: 2, width: 5}},
  Conv1D: {
    shape: [7, 4],
    base: {...conv, kernel_size: [3], strides: [1]},
    other: {...otherConv, kernel_size: [1], strides: [2], dilation_rate: [2], data_format: undefined},
  },
  Conv2D: {base: conv, other: {...otherConv, groups: 2}},
  Conv2DTranspose: {base: conv, other: transposed},
  Cropping2D: {base: {cropping: [[1, 0], [0, 1]]}, other: {cropping: [[0, 0], [2, 1]], data_format: 'channels_first'}}, // prettier-ignore
  Dense: {base: {units: 3, use_bias: true, activation: 'linear'}, other: {units: 2, use_bias: false, activation: 'tanh'}},
  DepthwiseConv2D: {
    base: depthwise,
    other: {
      kernel_size: [1, 3],
      strides: [2, 2],
      padding: 'same',
      data_format: 'channels_first',
      depth_multiplier: 2,
      use_bias: false,
      activation: 'relu',
      dilation_rate: [2, 2],
    },
  },
  ELU: {other: {alpha: 0.5}},
  Flatten: {other: {data_format: 'channels_first'}},
  GlobalAveragePooling2D: {other: {keepdims: true, data_format: 'channels_first'}},
  GlobalMaxPooling2D: {other: {keepdims: true, data_format: 'channels_first'}},
  GroupNormalization: {base: {groups: 2}, other: {groups: 4, epsilon: 0.5, center: false, scale: false}},
  LayerNormalization: {base: {axis: -1}, other: {axis: [1], epsilon: 0.5, center: false, scale: false}},
  LeakyReLU: {base: {negative_slope: 0.3}, other: {negative_slope: 0.1}},
  MaxPooling1D: line,
  MaxPooling2D: pool,
  Normalization: {base: {axis: -1, mean: [1, 2, 3, 4], variance: 1}, other: {axis: 1, mean: 0, variance: [1, 2, 3, 4], invert: true}},
  PReLU: {other: {shared_axes: [1, 2]}},
  Permute: {base: {dims: [1, 2, 3]}, other: {dims: [3, 1, 2]}},
  ReLU: {other: {max_value: 0.5, negative_slope: 0.2, threshold: 0.4}},
  RepeatVector: {shape: [4], base: {n: 2}, other: {n: 3}},
  Rescaling: {base: {scale: 2, offset: 0}, other: {scale: [1, 2, 3, 4], offset: [1, 0, 0, 0]}},
  Reshape: {base: {target_shape: [42, 4]}, other: {target_shape: [4, 42]}},
  Resizing: {base: {height: 3, width: 4}, other: {height: 5, width: 2, interpolation: 'nearest'}},
  SeparableConv2D: {base: conv, other: {...otherConv, depth_multiplier: 2}},
  Softmax: {base: {axis: -1}, other: {axis: 1}},
  ThresholdedReLU: {base: {theta: 1}, other: {theta: 0.2}},
  UnitNormalization: {base: {axis: -1}, other: {axis: [1, 2]}},
  UpSampling2D: {
    base: {size: [2, 2], interpolation: 'nearest'},
    other: {size: [1, 3], data_format: 'channels_first', interpolation: 'bilinear'},
  },
  ZeroPadding2D: {base: {padding: [[1, 0], [0, 1]]}, other: {padding: [[0, 0], [2, 1]], data_format: 'channels_first'}}, // prettier-ignore
};

/** What changes nothing in inference, or is tried where several inputs come together (keras.test.ts). */
const without: Record<string, readonly string[]> = {
  AlphaDropout: ['rate', 'noise_shape'],
  BatchNormalization: ['momentum'],
  Concatenate: ['axis'],
  Dot: ['axes', 'normalize'],
  Dropout: ['rate', 'noise_shape'],
  Embedding: ['input_dim', 'output_dim', 'mask_zero'],
  GaussianDropout: ['rate'],
  GaussianNoise: ['stddev'],
  LeakyReLU: ['alpha'],
  MultiHeadAttention: ['num_heads', 'key_dim', 'value_dim', 'use_bias', 'output_shape'],
};

/** A model of one layer, as Keras 3 writes it. */
function topology(className: string, config: Config, shape: readonly number[]): object {
  const layers = [
    {class_name: 'InputLayer', config: {name: 'input', batch_shape: [null, ...shape], dtype: 'float32'}},
    {class_name: className, module: 'keras.layers', config: {name: 'layer', trainable: true, ...config}},
  ];
  return {keras_version: '3.15.1', model_config: {class_name: 'Sequential', config: {name: 'model', layers}}};
}

async function outputOf(className: string, config: Config, shape: readonly number[]): Promise<unknown> {
  const defined = Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
  const {modelTopology} = translateKeras('file', {modelTopology: topology(className, defined, shape)});
  const model = await buildLayersModel({modelTopology});
  try {
    model.weights.forEach((weight, index) => {
      const random = new Random(3).split(index);
      weight.write(
        tidy(() =>
          tensor(
            Array.from({length: weight.shape.reduce<number>((a, b) => a * b!, 1)}, () =>
              random.uniform(weight.originalName.includes('variance') ? 0.2 : -0.8, 1),
            ),
            weight.shape as number[],
          ),
        ),
      );
    });
    const random = new Random(4);
    const size = 2 * shape.reduce((a, b) => a * b, 1);
    const output = tidy(
      () =>
        model.predict(
          tensor(
            Array.from({length: size}, () => random.uniform(-1, 2)),
            [2, ...shape],
          ),
        ) as Tensor,
    );
    const found = [output.shape, ...(await output.data())];
    output.dispose();
    return found;
  } finally {
    disposeModel(model);
  }
}

registerLayers();

describe.each(Object.entries(layerTable))('%s', (className, {passed = [], read = [], only = {}}) => {
  const {shape = image, base = {}, other = {}} = trials[className] ?? {};
  const tried = [...passed, ...read].filter((key) => key !== 'arithmetic' && !without[className]?.includes(key));
  const isIdentity = read.length > 0 && trials[className] === undefined && /^(Random|Aug|Cut|Mix|Rand|Spatial|Activity)/.test(className);

  it.skipIf(isIdentity || tried.length === 0)('honours its options', async () => {
    expect(
      Object.keys(other)
        .filter((key) => other[key] !== undefined)
        .sort(),
      'tried',
    ).toEqual([...tried].filter((key) => !(key in other) || other[key] !== undefined).sort());
    const usual = await outputOf(className, base, shape);
    for (const [key, value] of Object.entries(other)) {
      if (value === undefined) continue;
      const changed = await outputOf(className, {...base, [key]: value}, shape).catch((error: unknown) => error);
      if (changed instanceof ModelFileError)
        expect(changed.message, key).toMatch(new RegExp(`'layer' \\(${className}\\) cannot be computed`));
      else expect(changed, `${key}: ${JSON.stringify(value)}`).not.toEqual(usual);
    }
  });

  it.runIf(isIdentity)('hands on what it gets, whatever its options', async () => {
    const identity = await outputOf('Activation', {activation: 'linear'}, image);
    expect(await outputOf(className, Object.fromEntries(read.map((key) => [key, 0.5])), image)).toEqual(identity);
  });

  it('refuses other options by name', () => {
    for (const [key, allowed] of [...Object.entries(only), ['an_option', [null]] as const]) {
      const load = (value: unknown): unknown =>
        translateKeras('file', {modelTopology: topology(className, {...base, [key]: value}, shape)});
      if (allowed.length > 0)
        expect(() => load('odd'), key).toThrow(new RegExp(`'layer' \\(${className}\\) cannot be computed: its option ${key} is "odd"`));
      for (const value of allowed) expect(() => load(value), key).not.toThrow();
    }
  });
});
