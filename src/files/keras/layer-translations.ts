/** What layers of Keras become where their options decide: a layer of tf.layers, or one of this library. */
import {isObject, type Json, type JsonObject} from './json.js';
import type {KerasVersion} from './version.js';

/** A layer as it is read. */
export interface ReadLayer {
  readonly name: string;
  readonly className: string;
  readonly config: JsonObject;
  readonly version: KerasVersion;
  /** Says that this layer cannot be read, and why. */
  refuse(problem: string): never;
}

/** A layer in the words of tf.layers. */
export interface TranslatedLayer {
  readonly className: string;
  readonly config: JsonObject;
}

/** The class of ours that has these options under the same names. */
export function keep(className: string, ...keys: readonly string[]): (layer: ReadLayer) => TranslatedLayer {
  return ({name, config}) => ({
    className,
    config: {name, ...Object.fromEntries(keys.filter((key) => config[key] !== undefined).map((key) => [key, config[key] as Json]))},
  });
}

/** As the merging layer that it is, or as arithmetic where tf.layers has none or a number takes part. */
export function arithmetic(operation: string): (layer: ReadLayer) => TranslatedLayer | undefined {
  const merges = ['add', 'multiply', 'maximum', 'minimum'].includes(operation);
  return ({name, className, config}) => {
    const numbers = config['arithmetic'];
    if (!isObject(numbers)) return merges ? {className, config: {name}} : {className: 'KerasArithmetic', config: {name, operation}};
    return {className: 'KerasArithmetic', config: {name, operation, ...numbers}};
  };
}

function pairOf(value: Json | undefined): Json[] {
  const list = [value ?? 1].flat() as number[];
  return list.length === 1 ? [list[0] as number, list[0] as number] : list;
}

/** A convolution in groups of channels, which tf.layers has not. */
export function grouped(layer: ReadLayer): TranslatedLayer | undefined {
  const {name, className, config} = layer;
  const {groups, ...rest} = config;
  if (groups === undefined || groups === null || groups === 1) return {className, config: rest};
  return ofConvolution(layer, 'KerasGroupedConv2D', {name, groups, filters: config['filters'] as number});
}

/** A dilated depthwise convolution, of which tf.layers ignores the dilation. */
export function dilated(layer: ReadLayer): TranslatedLayer | undefined {
  const {name, className, config} = layer;
  const {dilation_rate: rate, ...rest} = config;
  if (pairOf(rate).every((each) => each === 1)) return {className, config: rest};
  return ofConvolution(layer, 'KerasDepthwiseConv2D', {name, depth_multiplier: config['depth_multiplier'] ?? 1});
}

function ofConvolution({config, refuse}: ReadLayer, className: string, own: JsonObject): TranslatedLayer {
  if ((config['data_format'] ?? 'channels_last') !== 'channels_last') refuse('its channels come first');
  const pairs = Object.fromEntries(['kernel_size', 'strides', 'dilation_rate'].map((key) => [key, pairOf(config[key])]));
  const rest = {padding: config['padding'] ?? 'valid', use_bias: config['use_bias'] ?? true, activation: config['activation'] ?? 'linear'};
  return {className, config: {...own, ...pairs, ...rest}};
}

/** Global pooling that keeps its axes. */
export function keptDims({name, className, config, refuse}: ReadLayer): TranslatedLayer | undefined {
  const {keepdims, ...rest} = config;
  if (keepdims !== true) return {className, config: rest};
  if ((config['data_format'] ?? 'channels_last') !== 'channels_last') refuse('its channels come first');
  return {className: `Keras${className}`, config: {name}};
}

/** A ReLU, ours where it has a slope or a threshold. */
export function rectified({name, className, config}: ReadLayer): TranslatedLayer {
  const {max_value: most = null, negative_slope: slope, threshold} = config;
  const [negative, from] = [Number([slope ?? 0].flat()[0]), Number([threshold ?? 0].flat()[0])];
  if (negative === 0 && from === 0) return {className, config: {name, max_value: most}};
  const ceiling = most === null ? {} : {max_value: most};
  return {className: 'KerasReLU', config: {name, negative_slope: negative, threshold: from, ...ceiling}};
}

/** Enlarging, bilinearly with half-pixel centres where that version of Keras has them. */
export function enlarged({name, className, config, version, refuse}: ReadLayer): TranslatedLayer | undefined {
  const {interpolation = 'nearest', data_format: format} = config;
  if (interpolation === 'nearest') return undefined;
  if (interpolation !== 'bilinear') refuse(`its interpolation is ${JSON.stringify(interpolation)}, known are 'nearest' and 'bilinear'`);
  if (version.shiftsBilinear === undefined)
    refuse(`Keras ${version.text} enlarges bilinearly in one way or the other, which its file does not say`);
  if (version.shiftsBilinear) return {className, config};
  if ((format ?? 'channels_last') !== 'channels_last') refuse('its channels come first');
  return {className: 'KerasUpSampling2D', config: {name, size: pairOf(config['size'] ?? 2)}};
}

/** A Normalization with values that were given, or with weights. */
export function normalization({name, config, refuse}: ReadLayer): TranslatedLayer {
  const {mean, variance, invert = false} = config;
  const axis = config['axis'] === null ? [] : [config['axis'] ?? -1].flat();
  const given = mean === undefined || mean === null ? {} : {mean: numbersIn(mean), variance: numbersIn(variance ?? 1)};
  if (axis.length > 1 && 'mean' in given) refuse(`its option axis is ${JSON.stringify(axis)}, with values that are given`);
  return {className: 'KerasNormalization', config: {name, axis, invert, ...given}};
}

/** The numbers of a value that may be nested, as Keras shapes it. */
function numbersIn(value: Json): Json[] {
  return ([value] as Json[]).flat(8 as 1) as Json[];
}

/** Attention over the tokens of a sequence. */
export function attention({name, config, refuse}: ReadLayer): TranslatedLayer {
  const {output_shape: output} = config;
  const width = [output ?? []].flat();
  if (width.length > 1) refuse(`its option output_shape is ${JSON.stringify(output)}`);
  const sizes = Object.fromEntries(
    Object.entries({value_dim: config['value_dim'], output_dim: width[0]}).filter(([, value]) => value !== undefined && value !== null),
  ) as JsonObject;
  return {
    className: 'KerasMultiHeadAttention',
    config: {name, num_heads: config['num_heads'] ?? 1, key_dim: config['key_dim'] ?? 1, use_bias: config['use_bias'] ?? true, ...sizes},
  };
}
