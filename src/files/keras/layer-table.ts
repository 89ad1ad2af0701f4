/**
 * What becomes of each option of each class of layers when a model of Keras is read: tf.layers ignores options that it
 * does not know, and then computes something else without a word. So every option is passed on because tf.layers
 * honours it, or translated, or left out because it changes nothing in inference, or refused by name.
 */
import {ModelFileError} from '../../core/errors/model-file-error.js';
import {activationName} from './activation-names.js';
import type {Json} from './json.js';
import {
  arithmetic,
  attention,
  dilated,
  enlarged,
  grouped,
  keep,
  keptDims,
  normalization,
  rectified,
  type ReadLayer,
  type TranslatedLayer,
} from './layer-translations.js';

/** The options of a class. */
export interface LayerRule {
  /** Passed on: tf.layers computes what Keras computes. */
  readonly passed?: readonly string[];
  /** Allowed with these values alone, those that tf.layers computes; left out. */
  readonly only?: Readonly<Record<string, readonly Json[]>>;
  /** What they mean for the class and its options: checked already against the two lists, and `read` below. */
  readonly translate?: (layer: ReadLayer) => TranslatedLayer | undefined;
  /** Options that `translate` reads. */
  readonly read?: readonly string[];
}

/** Without effect on what a network computes in inference, or read by others. */
const harmless = [
  'name',
  'trainable',
  'dtype',
  'batch_input_shape',
  'batch_shape',
  'input_shape',
  'input_dtype',
  'input_dim',
  'input_length',
  'sparse',
  'ragged',
  'optional',
  'seed',
  'autocast',
  'lora_alpha',
  'synchronized',
  'fused',
  'build_config',
  'supports_masking',
  'batch_size',
];
const isHarmless = (key: string): boolean =>
  harmless.includes(key) || /_(?:initializer|regularizer|constraint)$|^activity_regularizer$/.test(key);

const off = [null, false] as const;
const untuned = {lora_rank: [null], quantization_config: [null], gptq_unpacked_column_size: [null]};
const spatial = ['strides', 'padding', 'data_format'];
const pooling: LayerRule = {passed: ['pool_size', ...spatial]};
const linePooling: LayerRule = {passed: ['pool_size', 'strides', 'padding'], only: {data_format: ['channels_last', null]}};
const unchanged: LayerRule = {};
const identity = (read: readonly string[]): LayerRule => ({read, translate: ({name}) => ({className: 'KerasIdentity', config: {name}})});

/** What random augmentation reads; in inference it hands on its input. */
const augmentation = identity([
  'factor', 'mode', 'fill_mode', 'fill_value', 'interpolation', 'data_format', 'value_range', 'height_factor', 'width_factor', 'lower', 'upper',
  'x_factor', 'y_factor', 'scale', 'rate', 'num_ops', 'alpha', 'kernel_size', 'sigma', 'bounding_box_format', 'min_value', 'max_value', 'hue_factor',
  'brightness_factor', 'contrast_factor', 'saturation_factor', 'cut_out_factor', 'ratio',
]); // prettier-ignore

const convolution = ['filters', 'kernel_size', ...spatial, 'dilation_rate', 'use_bias', 'activation'];

/** The classes that are known, with their options. */
export const layerTable: Readonly<Record<string, LayerRule>> = {
  Activation: {passed: ['activation']},
  Add: {read: ['arithmetic'], translate: arithmetic('add')},
  AlphaDropout: {passed: ['rate', 'noise_shape']},
  Average: unchanged,
  AveragePooling1D: linePooling,
  AveragePooling2D: pooling,
  BatchNormalization: {
    passed: ['axis', 'momentum', 'epsilon', 'center', 'scale'],
    only: {
      renorm: off,
      virtual_batch_size: [null],
      adjustment: [null],
      renorm_clipping: [null],
      renorm_momentum: [null, 0.99],
      mode: [0, null],
    },
    // Keras writes a list of one as well.
    translate: ({className, config}) => ({className, config: {...config, axis: [config['axis'] ?? -1].flat()[0] as number}}),
  },
  CenterCrop: {
    read: ['height', 'width'],
    only: {data_format: ['channels_last', null]},
    translate: keep('KerasCenterCrop', 'height', 'width'),
  },
  Concatenate: {passed: ['axis']},
  Conv1D: {passed: convolution, only: {groups: [1, null], ...untuned}},
  Conv2D: {passed: convolution, only: untuned, read: ['groups'], translate: grouped},
  Conv2DTranspose: {
    passed: ['filters', 'kernel_size', ...spatial, 'use_bias', 'activation'],
    only: {output_padding: [null], dilation_rate: [null, 1, [1, 1]], groups: [1, null], ...untuned},
  },
  Cropping2D: {passed: ['cropping', 'data_format']},
  Dense: {passed: ['units', 'use_bias', 'activation'], only: untuned},
  DepthwiseConv2D: {
    passed: ['kernel_size', ...spatial, 'depth_multiplier', 'use_bias', 'activation'],
    only: {groups: [1, null], filters: [null]},
    read: ['dilation_rate'],
    translate: dilated,
  },
  Divide: {read: ['arithmetic'], translate: arithmetic('divide')},
  Dot: {passed: ['axes', 'normalize']},
  Dropout: {passed: ['rate', 'noise_shape']},
  ELU: {
    read: ['alpha'],
    translate: ({name, className, config}) =>
      Number(config['alpha'] ?? 1) === 1
        ? {className, config: {name}}
        : {className: 'KerasELU', config: {name, alpha: config['alpha'] as number}},
  },
  Embedding: {passed: ['input_dim', 'output_dim', 'mask_zero'], only: untuned},
  Flatten: {passed: ['data_format']},
  GaussianDropout: {passed: ['rate']},
  GaussianNoise: {passed: ['stddev']},
  GlobalAveragePooling1D: {only: {keepdims: off, data_format: ['channels_last', null]}},
  GlobalAveragePooling2D: {passed: ['data_format'], read: ['keepdims'], translate: keptDims},
  GlobalMaxPooling1D: {only: {keepdims: off, data_format: ['channels_last', null]}},
  GlobalMaxPooling2D: {passed: ['data_format'], read: ['keepdims'], translate: keptDims},
  GroupNormalization: {
    read: ['groups', 'epsilon', 'center', 'scale'],
    only: {axis: [-1, null, 3, [3], [-1]]},
    translate: keep('KerasGroupNormalization', 'groups', 'epsilon', 'center', 'scale'),
  },
  Identity: identity([]),
  InputLayer: unchanged,
  LayerNormalization: {passed: ['axis', 'epsilon', 'center', 'scale'], only: {rms_scaling: off}},
  LeakyReLU: {
    read: ['alpha', 'negative_slope'],
    translate: ({name, className, config}) => ({className, config: {name, alpha: config['negative_slope'] ?? config['alpha'] ?? 0.3}}),
  },
  MaxPooling1D: linePooling,
  MaxPooling2D: pooling,
  Maximum: {read: ['arithmetic'], translate: arithmetic('maximum')},
  Minimum: {read: ['arithmetic'], translate: arithmetic('minimum')},
  MultiHeadAttention: {
    read: ['num_heads', 'key_dim', 'value_dim', 'use_bias', 'output_shape'],
    only: {
      dropout: [],
      attention_axes: [null, 1, [1], [-2]],
      flash_attention: [null, false, true],
      query_shape: [],
      key_shape: [],
      value_shape: [],
      use_gate: off,
    },
    translate: attention,
  },
  Multiply: {read: ['arithmetic'], translate: arithmetic('multiply')},
  Normalization: {read: ['axis', 'mean', 'variance', 'invert'], translate: normalization},
  PReLU: {passed: ['shared_axes']},
  Permute: {passed: ['dims']},
  Power: {read: ['arithmetic'], translate: arithmetic('power')},
  ReLU: {read: ['max_value', 'negative_slope', 'threshold'], translate: rectified},
  RepeatVector: {passed: ['n']},
  Rescaling: {
    read: ['scale', 'offset'],
    translate: ({name, className, config}) => {
      const {scale = 1, offset = 0} = config;
      if (typeof scale === 'number' && typeof offset === 'number') return {className, config: {name, scale, offset}};
      return {className: 'KerasRescaling', config: {name, scale: [scale].flat(), offset: [offset].flat()}};
    },
  },
  Reshape: {passed: ['target_shape']},
  Resizing: {
    read: ['height', 'width', 'interpolation'],
    only: {
      crop_to_aspect_ratio: off,
      pad_to_aspect_ratio: off,
      antialias: off,
      fill_mode: ['constant', null],
      fill_value: [0, null],
      data_format: ['channels_last', null],
    },
    translate: (layer) => {
      const {interpolation = 'bilinear'} = layer.config;
      if (!['bilinear', 'nearest'].includes(String(interpolation)))
        layer.refuse(`its interpolation is ${JSON.stringify(interpolation)}, known are 'bilinear' and 'nearest'`);
      return keep('KerasResizing', 'height', 'width', 'interpolation')(layer);
    },
  },
  SeparableConv2D: {passed: [...convolution, 'depth_multiplier'], only: {groups: [1, null]}},
  Softmax: {passed: ['axis']},
  SpatialDropout1D: identity(['rate', 'data_format']),
  SpatialDropout2D: identity(['rate', 'data_format', 'noise_shape']),
  Subtract: {read: ['arithmetic'], translate: arithmetic('subtract')},
  ThresholdedReLU: {passed: ['theta']},
  UnitNormalization: {
    read: ['axis'],
    translate: ({name, config}) => ({className: 'KerasUnitNormalization', config: {name, axis: [config['axis'] ?? -1].flat()}}),
  },
  UpSampling2D: {passed: ['size', 'data_format', 'interpolation'], translate: enlarged},
  ZeroPadding2D: {passed: ['padding', 'data_format']},
  ActivityRegularization: identity(['l1', 'l2']),
  AugMix: augmentation,
  CutMix: augmentation,
  MixUp: augmentation,
  RandAugment: augmentation,
  RandomBrightness: augmentation,
  RandomColorDegeneration: augmentation,
  RandomColorJitter: augmentation,
  RandomContrast: augmentation,
  RandomElasticTransform: augmentation,
  RandomErasing: augmentation,
  RandomFlip: augmentation,
  RandomGaussianBlur: augmentation,
  RandomGrayscale: augmentation,
  RandomHeight: augmentation,
  RandomHue: augmentation,
  RandomInvert: augmentation,
  RandomPerspective: augmentation,
  RandomPosterization: augmentation,
  RandomRotation: augmentation,
  RandomSaturation: augmentation,
  RandomSharpness: augmentation,
  RandomShear: augmentation,
  RandomTranslation: augmentation,
  RandomWidth: augmentation,
  RandomZoom: augmentation,
};

/**
 * Translates a layer; a class that is not in the table comes back as it is.
 *
 * @throws {ModelFileError} If an option has a value that cannot be honoured.
 */
export function translateLayer(file: string, layer: Omit<ReadLayer, 'refuse'>): TranslatedLayer {
  const {name, className, config} = layer;
  const rule = Object.hasOwn(layerTable, className) ? layerTable[className] : undefined;
  const refuse = (problem: string): never => {
    const remedy =
      'Leave it out of the model that is exported, write it with other layers, or wrap the model in a Teacher or score function of your own.';
    throw new ModelFileError(`${file}: layer '${name}' (${className}) cannot be computed: ${problem}. ${remedy}`);
  };
  if (rule === undefined) return {className, config};
  const {passed = [], only = {}, read = [], translate} = rule;
  for (const [key, value] of Object.entries(config)) {
    if (isHarmless(key) || passed.includes(key) || read.includes(key)) continue;
    const allowed = Object.hasOwn(only, key) ? only[key] : [null];
    // An empty list: any value, since it has no effect in inference.
    if (allowed?.length === 0 || allowed?.some((each) => JSON.stringify(each) === JSON.stringify(value))) continue;
    refuse(`its option ${key} is ${JSON.stringify(value)}`);
  }
  const kept = Object.fromEntries(
    Object.entries(config).filter(([key]) => (isHarmless(key) || passed.includes(key) || read.includes(key)) && !ofKeras3(key)),
  );
  const named = passed.includes('activation')
    ? {...kept, activation: activationName(config['activation'], layer.version.major >= 3, (what) => refuse(`its activation is ${what}`))}
    : kept;
  const known = {...layer, config: named, refuse};
  const {className: newName, config: own} = translate?.(known) ?? {className, config: named};
  // Where the layer begins a model, the shape of its input says so.
  const start = Object.fromEntries(
    Object.entries(kept).filter(([key]) => ['batch_input_shape', 'batch_shape', 'dtype', 'trainable'].includes(key)),
  );
  return {className: newName, config: {...start, ...own}};
}

/** Options that nobody here knows and that change nothing. */
function ofKeras3(key: string): boolean {
  return ['autocast', 'lora_alpha', 'synchronized', 'optional', 'build_config'].includes(key);
}
