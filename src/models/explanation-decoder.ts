/**
 * The explanation network E (Lee & Kim, section 3.4, figure 4): three upsample blocks turn the
 * student's Δf at three scales into one map. The deepest Δf goes in first; the two finer ones join,
 * reduced by a 1×1 convolution, when the map has reached their size.
 */
import {initializers, input, layers, model, type LayersModel, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {checkInteger} from '../core/check.js';
import {Random} from '../core/random.js';
import {withoutLeftovers} from '../core/tensors.js';
import {BilinearResize} from '../layers/bilinear-resize.js';
import {UpsampleBlock} from '../layers/upsample-block.js';

/** Options of {@link explanationDecoder}. */
export interface ExplanationDecoderOptions {
  /** Filters of the three upsample blocks, deepest first. @default [64, 32, 16] */
  readonly filters?: readonly [number, number, number] | undefined;
  /** Seed of the initial weights. @default 0 */
  readonly seed?: number | undefined;
}

type TapShape = readonly [height: number, width: number, channels: number];

/**
 * Builds the explanation network.
 *
 * @param tapShapes Shapes `[h,w,C]` of the three Δf, finest first, as a student's outputs have them;
 *   any sizes, also equal ones.
 * @param inputSize `[H,W]` of the image and of the map.
 * @returns A model from three Δf, finest first, to `[N,H,W,1]` in (0,1). With its first weights the
 *   map lies around 0.5 and varies over the image, so that neither trivial solution is near.
 * @throws {RangeError} If there are not three taps or a size is not a whole number above 0.
 */
export function explanationDecoder(
  tapShapes: readonly TapShape[],
  inputSize: readonly [number, number],
  options: ExplanationDecoderOptions = {},
): LayersModel {
  const {filters = [64, 32, 16], seed = 0} = options;
  if (tapShapes.length !== 3) throw new RangeError(`explanationDecoder needs three tap shapes, but got ${tapShapes.length}.`);
  for (const side of tapShapes.flat()) checkInteger('explanationDecoder: tapShapes', side, 1);
  const [fine, middle] = tapShapes as [TapShape, TapShape, TapShape];
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

    const inputs = tapShapes.map((shape, index) =>
      input({shape: [...shape], name: ['delta_fine', 'delta_middle', 'delta_deep'][index] as string}),
    );
    const [fineDelta, middleDelta, deepDelta] = inputs as [SymbolicTensor, SymbolicTensor, SymbolicTensor];
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
