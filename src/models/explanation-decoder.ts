/**
 * The explanation network E (Lee & Kim, section 3.4, figure 4): three upsample blocks turn the
 * student's Δf at three scales into one map. The deepest Δf goes in first; the two finer ones join,
 * reduced by a 1×1 convolution, when the map has reached their size.
 */
import {initializers, input, layers, model, type LayersModel, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {at} from '../core/at.js';
import {checkInteger, checkSize, MAX_CHANNELS, show} from '../core/check.js';
import {seedField} from '../core/common-options.js';
import {integer, tuple, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import {Random} from '../core/random.js';
import type {SeedOptions} from '../core/types.js';
import {BilinearResize} from '../layers/bilinear-resize.js';
import {UpsampleBlock} from '../layers/upsample-block.js';
import {MAX_FILTERS} from './students/student.js';
import {withoutLeftovers} from '../tfjs/model-variables.js';

const WHERE = 'explanationDecoder';

/** Options of {@link explanationDecoder}. */
export interface ExplanationDecoderOptions extends SeedOptions {
  /** Filters of the three upsample blocks, deepest first, each 1–8192. @default [64, 32, 16] */
  readonly filters?: readonly [number, number, number] | undefined;
}

const filtersOfBlock = integer(1, MAX_FILTERS);

/** The options of {@link explanationDecoder}. */
export const explanationDecoderSchema: OptionsSchema<Settled<ExplanationDecoderOptions>> = {
  where: WHERE,
  fields: {
    filters: withDefault<readonly [number, number, number], readonly [number, number, number]>(
      tuple('[filters of the deepest, the middle, the finest block]', filtersOfBlock, filtersOfBlock, filtersOfBlock),
      [64, 32, 16],
    ),
    seed: seedField,
  },
};

type TapShape = readonly [height: number, width: number, channels: number];

/**
 * Builds the explanation network.
 *
 * @param tapShapes Shapes `[h,w,C]` of the three Δf, finest first, as a student's outputs have them;
 *   any sizes, also equal ones.
 * @param inputSize `[H,W]` of the image and of the map.
 * @returns A model from three Δf, finest first, to `[N,H,W,1]` in (0,1). With its first weights the
 *   map lies around 0.5 and varies over the image, so that neither trivial solution is near.
 * @throws {TypeError} If an argument is of the wrong kind, or an option is unknown.
 * @throws {RangeError} If there are not three taps or a size is not a whole number above 0.
 */
export function explanationDecoder(
  tapShapes: readonly TapShape[],
  inputSize: readonly [number, number],
  options?: ExplanationDecoderOptions,
): LayersModel {
  const {filters, seed} = readOptions(explanationDecoderSchema, options);
  const [fine, middle] = checkTaps(tapShapes);
  checkInputSize(inputSize);
  return withoutLeftovers(() => {
    const random = new Random(seed).split('explanation-decoder');
    const start = (name: string): ReturnType<typeof initializers.heNormal> =>
      initializers.heNormal({seed: random.split(name).int(0x7fffffff)});

    const reduce = (x: SymbolicTensor, to: number, name: string): SymbolicTensor =>
      layers.conv2d({filters: to, kernelSize: 1, activation: 'relu', kernelInitializer: start(name), name}).apply(x) as SymbolicTensor;
    const upsample = (x: SymbolicTensor, to: number, size: [number, number], name: string): SymbolicTensor =>
      new UpsampleBlock({filters: to, size, seed: random.split(name).seed, name}).apply(x) as SymbolicTensor;
    const join = (a: SymbolicTensor, b: SymbolicTensor, name: string): SymbolicTensor =>
      layers.concatenate({name}).apply([a, b]) as SymbolicTensor;

    const names = ['delta_fine', 'delta_middle', 'delta_deep'];
    const inputs = tapShapes.map((shape, index) => input({shape: [...shape], name: at(names, index)}));
    const [fineDelta, middleDelta, deepDelta] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    let x = upsample(deepDelta, filters[0], [middle[0], middle[1]], 'upsample_1');
    x = join(x, reduce(middleDelta, filters[0], 'reduce_middle'), 'join_middle');
    x = upsample(x, filters[1], [fine[0], fine[1]], 'upsample_2');
    x = join(x, reduce(fineDelta, filters[1], 'reduce_fine'), 'join_fine');
    const finest: [number, number] = [Math.min(2 * fine[0], inputSize[0]), Math.min(2 * fine[1], inputSize[1])];
    x = upsample(x, filters[2], finest, 'upsample_3');
    const head = layers.conv2d({
      filters: 1,
      kernelSize: 3,
      padding: 'same',
      activation: 'sigmoid',
      kernelInitializer: start('saliency'),
      name: 'saliency',
    });
    const saliency = new BilinearResize({size: inputSize, name: 'saliency_resize'}).apply(head.apply(x));
    return model({inputs, outputs: saliency as SymbolicTensor, name: 'explanation_decoder'});
  });
}

function checkTaps(tapShapes: unknown): readonly [TapShape, TapShape, TapShape] {
  const rule = `${WHERE}: tapShapes must be three shapes [height, width, channels], finest first, but`;
  if (!Array.isArray(tapShapes)) throw new TypeError(`${rule} is ${show(tapShapes)}.`);
  if (tapShapes.length !== 3) throw new RangeError(`${rule} has ${tapShapes.length}.`);
  tapShapes.forEach((shape: unknown, index) => {
    const name = `${WHERE}: tapShapes[${index}]`;
    if (!Array.isArray(shape)) throw new TypeError(`${name} must be [height, width, channels], but is ${show(shape)}.`);
    if (shape.length !== 3) throw new RangeError(`${name} must be [height, width, channels], but is ${show(shape)}.`);
    checkSize(name, shape[0], shape[1]);
    checkInteger(`${name}: channels`, shape[2], 1, MAX_CHANNELS);
  });
  return tapShapes as unknown as readonly [TapShape, TapShape, TapShape];
}

function checkInputSize(inputSize: unknown): void {
  const rule = `${WHERE}: inputSize must be [height, width], but is ${show(inputSize)}.`;
  if (!Array.isArray(inputSize)) throw new TypeError(rule);
  if (inputSize.length !== 2) throw new RangeError(rule);
  checkSize(`${WHERE}: inputSize`, inputSize[0], inputSize[1]);
}
