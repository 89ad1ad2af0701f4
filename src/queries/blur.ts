/**
 * The blurred image that insertion starts from. eclique/RISE takes its kernel from a smoothed
 * impulse, whose filter mirrors at the borders of the 11×11 window: the Gaussian (sigma 5, cut at 4
 * sigma) is folded back into the window and nearly flat, other than a Gaussian cut to the window.
 */
import {depthwiseConv2d, tensor4d, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import {checkInteger, checkNumber, checkOneOf, checkShape} from '../core/check.js';

/** Options of {@link blurImages}. */
export interface BlurOptions {
  /** `'official'`: the Gaussian folded into the window; `'gaussian'`: cut to it and renormalised. @default 'official' */
  readonly kernel?: 'official' | 'gaussian' | undefined;
  /** Width of the square window in pixels, odd. @default 11 */
  readonly length?: number | undefined;
  /** Standard deviation in pixels, above 0. @default 5 */
  readonly sigma?: number | undefined;
}

/**
 * Computes the kernel along one axis; the square kernel is its outer product with itself.
 *
 * @returns `length` weights, symmetric, with the sum 1.
 * @throws {RangeError} If `length` is even or below 1, or `sigma` is not above 0.
 */
export function blurWeights(options: BlurOptions = {}): Float64Array {
  const {kernel = 'official', length = 11, sigma = 5} = options;
  checkOneOf('blur kernel', kernel, ['official', 'gaussian']);
  checkInteger('blur length', length, 1);
  if (length % 2 === 0) throw new RangeError(`blur length must be odd, but is ${length}.`);
  checkNumber('blur sigma', sigma, Number.MIN_VALUE);
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
 * @throws {RangeError} If `images` is not of rank 4 or an option is out of range.
 */
export function blurImages(images: Tensor4D, options: BlurOptions = {}): Tensor4D {
  checkShape('images', images.shape, [null, null, null, null]);
  const weights = blurWeights(options);
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
