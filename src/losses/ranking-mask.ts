/**
 * A map as a soft mask at a random point of its insertion and deletion curves: what the ranking loss is taken of. Only
 * the order and the spacing of a map's values count, so that no map can collapse and no sparsity has to be weighed.
 */
import {
  add,
  customGrad,
  div,
  gather,
  mean,
  mul,
  reshape,
  sigmoid,
  sqrt,
  square,
  sub,
  tensor1d,
  tidy,
  type GradSaveFunc,
  type Tensor,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {at} from '../core/at.js';
import {checkTensor} from '../core/check-tensor.js';
import {seedField} from '../core/common-options.js';
import {number, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import {Random} from '../core/random.js';
import type {SeedOptions} from '../core/types.js';

/** τ where none is given, in standard deviations of the map. */
export const SOFTNESS = 0.35;

/** Options of {@link rankingMask}. */
export interface RankingMaskOptions extends SeedOptions {
  /** τ, how soft the cut is, in standard deviations of the map; at least 0.001. @default 0.35 */
  readonly softness?: number | undefined;
}

/** The options of {@link rankingMask}. */
export const rankingMaskSchema: OptionsSchema<Settled<RankingMaskOptions>> = {
  where: 'rankingMask',
  fields: {softness: withDefault(number(1e-3), SOFTNESS), seed: seedField},
};

// Of the size of the values: what varies less is the rounding of equal values, and stays near zero instead of 0/0.
const EPSILON = 1e-5;
// Keeps the derivative of the root finite.
const TINY = 1e-24;

/**
 * Standardises maps: mean 0 and standard deviation 1 over each image. A map of equal values stays near zero.
 *
 * @param map `[N,H,W,1]`, of any size.
 * @returns `[N,H,W,1]`, the caller's; differentiable.
 * @throws {TypeError} If `map` is no tensor.
 * @throws {RangeError} If it has another shape.
 */
export function standardizeMap(map: Tensor4D): Tensor4D {
  checkTensor('standardizeMap: map', map, [null, null, null, 1]);
  return standardized(map);
}

function standardized(map: Tensor4D): Tensor4D {
  return tidy(() => {
    const centred = sub<Tensor4D>(map, mean(map, [1, 2, 3], true));
    const size = (values: Tensor4D): Tensor => sqrt(add(mean(square(values), [1, 2, 3], true), TINY));
    return div<Tensor4D>(centred, add(size(centred), mul(size(map), EPSILON)));
  });
}

/**
 * Makes a mask of a map: `m = sigmoid((z − z_r) / softness)`, with z the standardised map and z_r its value at a pixel
 * that is drawn per image, with equal chances. That value is the q-quantile of the map for a uniform q, without
 * sorting: m shows a random share of the pixels, those that the map ranks highest.
 *
 * @param map `[N,H,W,1]`, any real values; only their order and their spacing in an image count.
 * @param options `seed` draws the pixels; image i of a batch has a stream of its own.
 * @returns `[N,H,W,1]` in (0,1), the caller's. Differentiable with respect to the map; the level z_r counts as constant.
 * @throws {TypeError} If `map` is no tensor, or an option is unknown or of the wrong kind.
 * @throws {RangeError} If a shape or an option is out of range.
 * @example
 * const shown = rankingMask(map, {seed: step});
 * const inserted = add(mul(images, shown), mul(baseline, sub(1, shown)));
 */
export function rankingMask(map: Tensor4D, options?: RankingMaskOptions): Tensor4D {
  const settings = readOptions(rankingMaskSchema, options);
  checkTensor('rankingMask: map', map, [null, null, null, 1]);
  return rankingMaskOfPart(map, 0, settings);
}

/**
 * {@link rankingMask} of some of the maps of a batch, which have the masks that they have in all of it.
 *
 * @param first Index of the first of them in the batch.
 */
export function rankingMaskOfPart(map: Tensor4D, first: number, {softness, seed}: Settled<RankingMaskOptions>): Tensor4D {
  const [count, height, width] = map.shape;
  const random = new Random(seed).split('ranking-mask');
  const places = Int32Array.from({length: count}, (_, image) => image * height * width + random.split(first + image).int(height * width));
  return rankingMaskAt(map, places, softness);
}

/**
 * The mask of {@link rankingMask} with z_r at known pixels.
 *
 * @param places For each image the index of its pixel among all values of the batch.
 */
export function rankingMaskAt(map: Tensor4D, places: Int32Array, softness: number): Tensor4D {
  return tidy(() => cutSoftly(standardized(map), places, softness));
}

/** `sigmoid((z − z_r) / softness)`, as a function of z with z_r fixed. */
function cutSoftly(z: Tensor4D, places: Int32Array, softness: number): Tensor4D {
  const cut = (x: Tensor): Tensor4D =>
    tidy(() => {
      const level = reshape(gather(reshape(x, [-1]), tensor1d(places, 'int32')), [-1, 1, 1, 1]);
      return sigmoid(div(sub(x, level), softness)) as Tensor4D;
    });
  const operation = customGrad<Tensor4D>((...given) => {
    const [x, save] = given as [Tensor, GradSaveFunc];
    const value = cut(x);
    // What was given, not what was computed: tfjs' profiler takes that for a leak. After it, since nobody frees what is
    // saved where something throws.
    save([x]);
    const gradFunc = (dy: Tensor, saved: Tensor[]): Tensor => {
      const m = cut(at(saved, 0));
      return mul(dy, div(mul(m, sub(1, m)), softness));
    };
    return {value, gradFunc};
  });
  return operation(z);
}
