/**
 * What stands where pixels are hidden: the option `fill`, and the baseline image that it makes. Deletion
 * ends in the baseline image, insertion starts from it, masks blend the image with it.
 */
import {
  add,
  clone,
  fill as filled,
  mean,
  reshape,
  slice,
  Tensor,
  tensor4d,
  tidy,
  zerosLike,
  type Tensor3D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {checkShape, isNumberList} from '../core/check.js';
import {custom, either, exactly, group, list, number} from '../core/fields.js';
import {settleGroup, type Field} from '../core/options.js';
import {blurFields, blurImages, type BlurOptions} from './blur.js';
import {checkFinite} from './finite-input.js';

/**
 * What stands where pixels are hidden, in the values that the network sees:
 * - `'zeros'`: the mean colour of networks that normalise;
 * - `'mean'`: the image's own mean colour;
 * - `'blur'`, or its options: the image blurred as in eclique/RISE; an object changes the blur;
 * - a number, or one per channel: a constant colour;
 * - a tensor `[H,W,C]` or `[1,H,W,C]`: any image, as the network would see it;
 * - for metrics, a tensor `[N,H,W,C]`, too: one for each of their N images, such as another picture.
 */
export type Fill = 'zeros' | 'mean' | 'blur' | BlurOptions | number | readonly number[] | Tensor3D | Tensor4D;

const fillOf = (tensor: string): Field<Fill | undefined> =>
  either<Fill>(
    exactly('zeros'),
    exactly('mean'),
    exactly('blur'),
    number(),
    list(number(), 1),
    custom(tensor, (value) => (value instanceof Tensor && !value.isDisposed ? undefined : 'kind')),
    group(blurFields),
  );

/** `fill`: what stands where pixels are hidden. */
export const fillField: Field<Fill | undefined> = /* @__PURE__ */ fillOf('a tensor [H,W,C]');

/** `fill` of metrics, which may have a tensor for each of their images. */
export const imagesFillField: Field<Fill | undefined> = /* @__PURE__ */ fillOf('a tensor [H,W,C] or [N,H,W,C]');

/** Where some images stand among all that a metric measures. */
export interface Among {
  /** Number of the first of them. */
  readonly first: number;
  readonly numImages: number;
}

/** A fill as results record it: the blur with its options, a tensor as `'tensor'`, a colour as an array. */
export function recordFill(fill: Fill | 'imputed'): unknown {
  if (fill instanceof Tensor) return 'tensor';
  if (fill === 'blur' || isBlur(fill)) return blurOptions(fill);
  return typeof fill === 'object' ? Array.from(fill) : fill;
}

/**
 * Makes the baseline image of images.
 *
 * @param where Names the caller in messages.
 * @param images `[N,H,W,C]` as the network sees them.
 * @param among Where they stand, if a tensor may hold a baseline for each of all images.
 * @returns `[N,H,W,C]`, or `[1,H,W,C]` for all alike; the caller's.
 * @throws {RangeError} If a tensor has another size than the images, or a colour another number of channels.
 */
export function baselineImages(
  where: string,
  fill: Fill,
  images: Tensor4D,
  {first, numImages}: Among = {first: 0, numImages: 1},
): Tensor4D {
  const size = images.shape.slice(1) as [number, number, number];
  if (fill instanceof Tensor) {
    const forEach = fill.rank === 4 && fill.shape[0] !== 1;
    checkShape(`${where}: fill`, fill.shape, fill.rank === 3 ? size : [forEach ? numImages : 1, ...size]);
    if (forEach) return slice(fill as Tensor4D, [first, 0, 0, 0], [images.shape[0], -1, -1, -1]);
    return fill.rank === 3 ? reshape(fill, [1, ...size]) : (clone(fill) as Tensor4D);
  }
  if (fill === 'zeros') return zerosLike(images);
  if (fill === 'blur' || isBlur(fill)) return blurImages(images, blurOptions(fill));
  return fill === 'mean' ? meanColour(images) : constantColour(where, fill, size);
}

/**
 * As {@link baselineImages}, and refuses a tensor that is not finite: a rectifier may turn NaN into 0, so that nothing
 * shows it later.
 *
 * @throws {RangeError} If a tensor holds NaN or infinite values. (By rejecting, as everything here.)
 */
export async function finiteBaseline(where: string, fill: Fill, images: Tensor4D, among?: Among): Promise<Tensor4D> {
  const baseline = baselineImages(where, fill, images, among);
  if (!(fill instanceof Tensor)) return baseline;
  try {
    await checkFinite(where, baseline, 'fill');
    return baseline;
  } catch (error) {
    baseline.dispose();
    throw error;
  }
}

// A colour may be a typed array, too.
function isBlur(fill: Fill): fill is BlurOptions {
  return typeof fill === 'object' && !isNumberList(fill) && !(fill instanceof Tensor);
}

function blurOptions(fill: 'blur' | BlurOptions): BlurOptions {
  return settleGroup(blurFields, fill === 'blur' ? {} : fill);
}

function meanColour(images: Tensor4D): Tensor4D {
  return tidy(() => add<Tensor4D>(zerosLike(images), mean(images, [1, 2], true)));
}

function constantColour(
  where: string,
  fill: number | readonly number[],
  [height, width, channels]: readonly [number, number, number],
): Tensor4D {
  if (typeof fill === 'number') return filled([1, height, width, channels], fill);
  if (fill.length !== channels) {
    throw new RangeError(`${where}: fill must be one value or ${channels}, one per channel of the network, but has ${fill.length}.`);
  }
  return tensor4d(
    Float32Array.from({length: height * width * channels}, (_, at) => fill[at % channels] as number),
    [1, height, width, channels],
  );
}
