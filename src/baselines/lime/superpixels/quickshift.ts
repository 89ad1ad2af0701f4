/**
 * Quickshift superpixels (Vedaldi & Soatto 2008), the form that LIME uses by default: every pixel
 * climbs to the nearest one where pixels of its colour and place lie denser; those without a denser
 * one in reach are the roots of segments. Agrees with scikit-image's `quickshift` up to its noise.
 */
import {seedField} from '../../../core/common-options.js';
import {number, withDefault} from '../../../core/fields.js';
import {atOnce, type Pausable} from '../../../core/in-turns.js';
import {readOptions, type OptionsSchema, type Settled} from '../../../core/options.js';
import {Random} from '../../../core/random.js';
import type {DecodedImage, SeedOptions} from '../../../core/types.js';
import {toLab, type LabImage} from './lab.js';
import type {Segments} from './segments.js';

// As large as scikit-image's: decides between equal densities, which are the rule where a picture
// has areas of one colour, and is lost in those of photographs.
const NOISE = 1e-5;

/** Options of {@link quickshift}. */
export interface QuickshiftOptions extends SeedOptions {
  /** Standard deviation of the Gaussian that measures density, above 0 and at most 1000; the window reaches 3 of it. @default 4 */
  readonly kernelSize?: number | undefined;
  /** How far a pixel may climb, at least 0, in pixels and weighted Lab units together. @default 200 */
  readonly maxDistance?: number | undefined;
  /** Weight of the colour against the place, 0–1. @default 0.2 */
  readonly ratio?: number | undefined;
}

/** The options of {@link quickshift}; the seed decides between equal densities. */
export const quickshiftSchema: OptionsSchema<Settled<QuickshiftOptions>> = {
  where: 'quickshift',
  fields: {
    kernelSize: withDefault(number(Number.MIN_VALUE, 1000), 4),
    maxDistance: withDefault(number(0), 200),
    ratio: withDefault(number(0, 1), 0.2),
    seed: seedField,
  },
};

/**
 * Cuts a picture into superpixels. With features `(ratio · Lab, y, x)` and distance d, the density
 * of a pixel is `Σ exp(−d² / (2 · kernelSize²))` over the square window of ±ceil(3 · kernelSize)
 * pixels, plus noise of 1e-5; its parent the nearest pixel of the window with a higher density,
 * the first in reading order among equally near ones, if within `maxDistance`.
 *
 * @param image Pixels in 0–255: RGB, RGBA (alpha ignored) or grey. Borrowed.
 * @returns Segments in reading order of their roots. The defaults are LIME's.
 * @throws {TypeError} If `image` is no picture.
 * @throws {RangeError} If the picture is malformed or an option is out of range.
 * @see Vedaldi & Soatto 2008, "Quick Shift and Kernel Methods for Mode Seeking".
 * @example
 * const {labels, numSegments} = quickshift(imageData, {kernelSize: 3});
 */
export function quickshift(image: DecodedImage, options?: QuickshiftOptions): Segments {
  return atOnce(quickshiftInTurns(image, options));
}

/** {@link quickshift}, which pauses after every row. */
export function* quickshiftInTurns(image: DecodedImage, options?: QuickshiftOptions): Pausable<Segments> {
  const {kernelSize, maxDistance, ratio, seed} = readOptions(quickshiftSchema, options);
  const random = new Random(seed).split('quickshift');
  const lab = toLab('quickshift: image', image);
  const colours = lab.data.map((value) => value * ratio);
  const reach = Math.ceil(3 * kernelSize);
  const densities = yield* measureDensities({...lab, data: colours}, reach, -0.5 / kernelSize ** 2);
  for (let pixel = 0; pixel < densities.length; pixel++) densities[pixel] = (densities[pixel] as number) + NOISE * random.normal();
  const parents = yield* findParents({...lab, data: colours}, reach, densities, maxDistance ** 2);
  return {...labelTrees(parents), height: lab.height, width: lab.width};
}

// Both passes meet every pair of pixels once, from its first pixel in reading order. So each pixel
// still meets its partners in reading order: the earlier ones during their turns, then the later
// ones during its own.

function* measureDensities({data, height, width}: LabImage, reach: number, scale: number): Pausable<Float64Array> {
  const densities = new Float64Array(height * width);
  for (let y = 0; y < height; y++) {
    yield;
    for (let x = 0; x < width; x++) {
      const here = y * width + x;
      const [l, a, b] = [data[here * 3] as number, data[here * 3 + 1] as number, data[here * 3 + 2] as number];
      let density = (densities[here] as number) + 1;
      const bottom = Math.min(y + reach, height - 1);
      const right = Math.min(x + reach, width - 1);
      for (let row = y; row <= bottom; row++) {
        const left = row === y ? x + 1 : Math.max(x - reach, 0);
        for (let column = left, there = row * width + left; column <= right; column++, there++) {
          const dl = l - (data[there * 3] as number);
          const da = a - (data[there * 3 + 1] as number);
          const db = b - (data[there * 3 + 2] as number);
          const near = Math.exp(scale * (dl * dl + da * da + db * db + (row - y) * (row - y) + (column - x) * (column - x)));
          density += near;
          densities[there] = (densities[there] as number) + near;
        }
      }
      densities[here] = density;
    }
  }
  return densities;
}

function* findParents({data, height, width}: LabImage, reach: number, densities: Float64Array, limit: number): Pausable<Int32Array> {
  const parents = Int32Array.from({length: height * width}, (_, pixel) => pixel);
  const nearest = new Float64Array(height * width).fill(Infinity);
  for (let y = 0; y < height; y++) {
    yield;
    for (let x = 0; x < width; x++) {
      const here = y * width + x;
      const [l, a, b] = [data[here * 3] as number, data[here * 3 + 1] as number, data[here * 3 + 2] as number];
      const density = densities[here] as number;
      const bottom = Math.min(y + reach, height - 1);
      const right = Math.min(x + reach, width - 1);
      for (let row = y; row <= bottom; row++) {
        const left = row === y ? x + 1 : Math.max(x - reach, 0);
        for (let column = left, there = row * width + left; column <= right; column++, there++) {
          const dl = l - (data[there * 3] as number);
          const da = a - (data[there * 3 + 1] as number);
          const db = b - (data[there * 3 + 2] as number);
          const distance = dl * dl + da * da + db * db + (row - y) * (row - y) + (column - x) * (column - x);
          const other = densities[there] as number;
          if (other === density) continue;
          const [child, parent] = other > density ? [here, there] : [there, here];
          if (distance < (nearest[child] as number)) {
            nearest[child] = distance;
            parents[child] = parent;
          }
        }
      }
    }
  }
  for (let pixel = 0; pixel < parents.length; pixel++) if ((nearest[pixel] as number) > limit) parents[pixel] = pixel;
  return parents;
}

/** Gives every pixel the number of the root that it climbs to. */
function labelTrees(parents: Int32Array): {labels: Int32Array; numSegments: number} {
  const labels = new Int32Array(parents.length);
  let numSegments = 0;
  const numbers = parents.map((parent, pixel) => (parent === pixel ? numSegments++ : -1));
  for (let pixel = 0; pixel < parents.length; pixel++) {
    let root = pixel;
    while (parents[root] !== root) root = parents[root] as number;
    // What has been climbed once is remembered, or long chains would cost their length squared.
    for (let at = pixel; parents[at] !== root;) {
      const next = parents[at] as number;
      parents[at] = root;
      at = next;
    }
    labels[pixel] = numbers[root] as number;
  }
  return {labels, numSegments};
}
