/**
 * The explanation network E (Lee & Kim, section 3.4, figure 4): upsample blocks turn the student's
 * Δf at three scales, or more, into one map. The deepest Δf goes in first; the finer ones join,
 * reduced by a 1×1 convolution, when the map has reached their size.
 */
import {initializers, input, layers, model, type LayersModel, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {at} from '../core/at.js';
import {checkInteger, checkSize, MAX_CHANNELS, show} from '../core/check.js';
import {seedField} from '../core/common-options.js';
import {absentMeans, boolean, integer, list, oneOf, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import {Random} from '../core/random.js';
import type {SeedOptions} from '../core/types.js';
import {BilinearResize} from '../layers/bilinear-resize.js';
import {borderField, UpsampleBlock, type BorderMode, type UpsampleBlockConfig} from '../layers/upsample-block.js';
import {MAX_FILTERS} from './students/student.js';
import {withoutLeftovers} from '../tfjs/model-variables.js';

const WHERE = 'explanationDecoder';

/** Options of {@link explanationDecoder}. */
export interface ExplanationDecoderOptions extends SeedOptions {
  /**
   * Filters of the upsample blocks, one per tap, deepest first, each 1–8192.
   * @default 64, 32, 16, with 64 again for every tap beyond three
   */
  readonly filters?: readonly number[] | undefined;
  /** What the convolutions see beyond the image: `'zeros'`, or `'replicate'`, which draws no frame. @default 'zeros' */
  readonly border?: BorderMode | undefined;
  /**
   * `'sigmoid'`: the map H in (0,1). `'linear'`: any real values, of which only the order counts, for the ranking loss.
   * @default 'sigmoid'
   */
  readonly head?: 'sigmoid' | 'linear' | undefined;
  /**
   * Whether a 1×1 convolution reduces the deepest tap, too, to as many channels as its block has filters. Figure 4 has
   * none; with thousands of channels most of the network's weights would be in that one block.
   * @default false
   */
  readonly reduceDeepest?: boolean | undefined;
}

const MIN_TAPS = 2;
const FILTERS = [64, 32, 16] as const;

/** The options of {@link explanationDecoder}. */
export const explanationDecoderSchema: OptionsSchema<Settled<ExplanationDecoderOptions, 'filters'>> = {
  where: WHERE,
  fields: {
    filters: absentMeans(list(integer(1, MAX_FILTERS), MIN_TAPS), '64, 32, 16, with 64 again for every tap beyond three'),
    border: borderField,
    head: withDefault(oneOf('sigmoid', 'linear'), 'sigmoid'),
    reduceDeepest: withDefault(boolean(), false),
    seed: seedField,
  },
};

/** The shape of what a tap gives of one image. */
export type TapShape = readonly [height: number, width: number, channels: number];

/**
 * Builds the explanation network.
 *
 * @param tapShapes Shapes `[h,w,C]` of the Δf, finest first, as a student's outputs have them; two or more (the paper
 *   has three), of any sizes, also equal ones.
 * @param inputSize `[H,W]` of the image and of the map.
 * @returns A model from the Δf, finest first, to `[N,H,W,1]`: in (0,1), or any values with `head: 'linear'`. With its
 *   first weights a map in (0,1) lies around 0.5 and varies over the image, so that neither trivial solution is near.
 * @throws {TypeError} If an argument is of the wrong kind, or an option is unknown.
 * @throws {RangeError} If there are too few taps, there are not as many filters, or a size is not a whole number above 0.
 */
export function explanationDecoder(
  tapShapes: readonly TapShape[],
  inputSize: readonly [number, number],
  options?: ExplanationDecoderOptions,
): LayersModel {
  const {border, head, reduceDeepest, seed, ...given} = readOptions(explanationDecoderSchema, options);
  checkTaps(tapShapes);
  checkInputSize(inputSize);
  checkFilters(`${WHERE}: filters`, tapShapes.length, given.filters);
  const filters = filtersFor(tapShapes.length, given.filters);
  return withoutLeftovers(() => {
    const random = new Random(seed).split('explanation-decoder');
    const start = (name: string): ReturnType<typeof initializers.heNormal> =>
      initializers.heNormal({seed: random.split(name).int(0x7fffffff)});
    const reduce = (x: SymbolicTensor, to: number, name: string): SymbolicTensor =>
      layers.conv2d({filters: to, kernelSize: 1, activation: 'relu', kernelInitializer: start(name), name}).apply(x) as SymbolicTensor;
    const upsample = (x: SymbolicTensor, config: UpsampleBlockConfig & {readonly name: string}): SymbolicTensor =>
      new UpsampleBlock({...config, border, seed: random.split(config.name).seed}).apply(x) as SymbolicTensor;

    const names = tapNames(tapShapes.length);
    const inputs = tapShapes.map((shape, index) => input({shape: [...shape], name: `delta_${at(names, index)}`}));
    const deepest = inputs.length - 1;
    let x = at(inputs, deepest);
    if (reduceDeepest) x = reduce(x, at(filters, 0), `reduce_${at(names, deepest)}`);
    for (const [block, to] of filters.entries()) {
      const next = tapShapes.length - 2 - block;
      const [height, width] = next >= 0 ? at(tapShapes, next) : twice(at(tapShapes, 0), inputSize);
      x = upsample(x, {filters: to, size: [height, width], name: `upsample_${block + 1}`});
      if (next < 0) break;
      const reduced = reduce(at(inputs, next), to, `reduce_${at(names, next)}`);
      x = layers.concatenate({name: `join_${at(names, next)}`}).apply([x, reduced]) as SymbolicTensor;
    }
    const map = head === 'linear' ? upsample(x, {filters: 1, size: inputSize, activation: 'linear', name: 'ranking'}) : saliencyOf(x);
    return model({inputs, outputs: map, name: 'explanation_decoder'});

    function saliencyOf(features: SymbolicTensor): SymbolicTensor {
      const kernelInitializer = start('saliency');
      const convolution = layers.conv2d({
        filters: 1,
        kernelSize: 3,
        padding: 'same',
        activation: 'sigmoid',
        kernelInitializer,
        name: 'saliency',
      });
      return new BilinearResize({size: inputSize, name: 'saliency_resize'}).apply(convolution.apply(features)) as SymbolicTensor;
    }
  });
}

/** @throws {RangeError} If filters are given, and not one for each tap. */
export function checkFilters(name: string, taps: number, given: readonly number[] | undefined): void {
  if (given !== undefined && given.length !== taps)
    throw new RangeError(`${name} must be ${taps} numbers, one per tap, but are ${given.length}.`);
}

/** Filters of each block, deepest first. */
function filtersFor(taps: number, given: readonly number[] | undefined): readonly number[] {
  if (given === undefined)
    return taps < FILTERS.length ? FILTERS.slice(-taps) : [...Array<number>(taps - FILTERS.length).fill(FILTERS[0]), ...FILTERS];
  return given;
}

/** Names of the taps, finest first. */
function tapNames(taps: number): readonly string[] {
  return taps === 3 ? ['fine', 'middle', 'deep'] : Array.from({length: taps}, (_, index) => `${index + 1}`);
}

function twice([height, width]: TapShape, [mostHeight, mostWidth]: readonly [number, number]): [number, number] {
  return [Math.min(2 * height, mostHeight), Math.min(2 * width, mostWidth)];
}

function checkTaps(tapShapes: unknown): void {
  const rule = `${WHERE}: tapShapes must be at least ${MIN_TAPS} shapes [height, width, channels], finest first, but`;
  if (!Array.isArray(tapShapes)) throw new TypeError(`${rule} is ${show(tapShapes)}.`);
  if (tapShapes.length < MIN_TAPS) throw new RangeError(`${rule} has ${tapShapes.length}.`);
  tapShapes.forEach((shape: unknown, index) => {
    const name = `${WHERE}: tapShapes[${index}]`;
    if (!Array.isArray(shape)) throw new TypeError(`${name} must be [height, width, channels], but is ${show(shape)}.`);
    if (shape.length !== 3) throw new RangeError(`${name} must be [height, width, channels], but is ${show(shape)}.`);
    checkSize(name, shape[0], shape[1]);
    checkInteger(`${name}: channels`, shape[2], 1, MAX_CHANNELS);
  });
}

function checkInputSize(inputSize: unknown): void {
  const rule = `${WHERE}: inputSize must be [height, width], but is ${show(inputSize)}.`;
  if (!Array.isArray(inputSize)) throw new TypeError(rule);
  if (inputSize.length !== 2) throw new RangeError(rule);
  checkSize(`${WHERE}: inputSize`, inputSize[0], inputSize[1]);
}
