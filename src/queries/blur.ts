/**
 * The blurred image that insertion starts from. eclique/RISE takes its kernel from a smoothed
 * impulse, whose filter mirrors at the borders of the 11×11 window: the Gaussian (sigma 5, cut at 4
 * sigma) is folded back into the window and nearly flat, other than a Gaussian cut to the window.
 */
import {depthwiseConv2d, tensor4d, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import {checkTensor} from '../core/check-tensor.js';
import {custom, number, oneOf, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';

// Larger blurs are flat, and their folding would take for ever; smaller ones are no blur.
const MAX_LENGTH = 1001;
const MIN_SIGMA = 0.01;
const MAX_SIGMA = 1000;

/** Options of {@link blurImages}. */
export interface BlurOptions {
  /** `'official'`: the Gaussian folded into the window; `'gaussian'`: cut to it and renormalised. @default 'official' */
  readonly kernel?: 'official' | 'gaussian' | undefined;
  /** Width of the square window in pixels, odd, 1–1001. @default 11 */
  readonly length?: number | undefined;
  /** Standard deviation in pixels, 0.01–1000. @default 5 */
  readonly sigma?: number | undefined;
}

/** The options of a blur: fields of whatever takes them. */
export const blurFields: OptionsSchema<Settled<BlurOptions>>['fields'] = {
  kernel: /* @__PURE__ */ withDefault(oneOf('official', 'gaussian'), 'official'),
  length: /* @__PURE__ */ withDefault<number, number>(
    /* @__PURE__ */ custom(`an odd whole number from 1 to ${MAX_LENGTH}`, (value) =>
      typeof value !== 'number'
        ? 'kind'
        : Number.isInteger(value) && value % 2 === 1 && value >= 1 && value <= MAX_LENGTH
          ? undefined
          : 'value',
    ),
    11,
  ),
  sigma: /* @__PURE__ */ withDefault<number, number>(/* @__PURE__ */ number(MIN_SIGMA, MAX_SIGMA), 5),
};

/**
 * Computes the kernel along one axis; the square kernel is its outer product with itself.
 *
 * @returns `length` weights, symmetric, with the sum 1.
 * @throws {TypeError} If an option is unknown or of the wrong kind.
 * @throws {RangeError} If `length` is even or outside 1–1001, or `sigma` outside 0.01–1000.
 */
export function blurWeights(options: BlurOptions = {}): Float64Array {
  return weightsOf(readOptions({where: 'blurWeights', fields: blurFields}, options));
}

function weightsOf({kernel, length, sigma}: Settled<BlurOptions>): Float64Array {
  const centre = (length - 1) / 2;
  const radius = kernel === 'official' ? Math.floor(4 * sigma + 0.5) : centre;
  const weights = new Float64Array(length);
  let sum = 0;
  for (let offset = -radius; offset <= radius; offset++) {
    const weight = Math.exp(-(offset * offset) / (2 * sigma * sigma));
    const at = mirror(centre + offset, length);
    weights[at] = (weights[at] as number) + weight;
    sum += weight;
  }
  return weights.map((weight) => weight / sum);
}

/**
 * Blurs every channel on its own, with zeros around the image.
 *
 * @param images `[N,H,W,C]` as the network sees them, so that zero is the mean colour.
 * @returns `[N,H,W,C]`, the caller's.
 * @throws {TypeError} If `images` is no float32 tensor, or an option is unknown or of the wrong kind.
 * @throws {RangeError} If `images` is not of rank 4 or an option is out of range.
 */
export function blurImages(images: Tensor4D, options: BlurOptions = {}): Tensor4D {
  checkTensor('blurImages: images', images, [null, null, null, null]);
  if (images.dtype !== 'float32') throw new TypeError(`blurImages: images must be a float32 tensor, but is ${images.dtype}.`);
  const weights = weightsOf(readOptions({where: 'blurImages', fields: blurFields}, options));
  const length = weights.length;
  const channels = images.shape[3];
  const filter = Float32Array.from({length: length * channels}, (_, index) => weights[Math.floor(index / channels)] as number);
  return tidy(() => {
    const rows = depthwiseConv2d(images, tensor4d(filter, [length, 1, channels, 1]), 1, 'same');
    return depthwiseConv2d(rows, tensor4d(filter, [1, length, channels, 1]), 1, 'same');
  });
}

/** Folds an index back into 0 … length − 1; the border pixel is repeated (… 1 0 | 0 1 …). */
function mirror(index: number, length: number): number {
  const phase = ((index % (2 * length)) + 2 * length) % (2 * length);
  return phase < length ? phase : 2 * length - 1 - phase;
}
