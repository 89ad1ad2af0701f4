/**
 * Images in which the most salient pixels have been exchanged. The rank of every pixel is uploaded
 * once per image; a step then is a threshold on the device.
 */
import {add, clipByValue, concat, mul, slice, sub, tensor4d, tidy, tile, type Tensor4D} from '@tensorflow/tfjs-core';

/** What images turn from and into. Each `[N,H,W,C]`, or `[1,H,W,C]` for all alike. */
export interface Transition {
  readonly start: Tensor4D;
  readonly finish: Tensor4D;
  /** `[N,H,W,1]`: 0 for the pixel that changes first. */
  readonly ranks: Tensor4D;
}

/** One perturbed image: `count` pixels of image number `image` have changed. */
export interface Job {
  readonly image: number;
  readonly count: number;
}

/**
 * Builds a batch, all channels of a pixel changing together. `mask · finish + (1 − mask) · start` is
 * exact, since the mask is 0 or 1.
 *
 * @returns `[jobs,H,W,C]`, the caller's.
 */
export function perturb({start, finish, ranks}: Transition, jobs: readonly Job[]): Tensor4D {
  return buildByImage(jobs, (image, run) => {
    const counts = tensor4d(
      run.map(({count}) => count),
      [run.length, 1, 1, 1],
    );
    // Ranks and counts are whole, so count − rank is ≥ 1 for what has changed and ≤ 0 for what has
    // not. A comparison would say the same, but costs wasm 25 times as much when it broadcasts; so
    // does a mask of one channel.
    const rank: Tensor4D = tile(rowOf(ranks, image), [1, 1, 1, start.shape[3]]); // [1,H,W,C]
    const mask = clipByValue(sub<Tensor4D>(counts, rank), 0, 1); // [run,H,W,C]
    return blend(rowOf(start, image), rowOf(finish, image), mask);
  });
}

/** Takes `finish` where the mask is 1 and `start` where it is 0; all `[N or 1,H,W,C]`. */
export function blend(start: Tensor4D, finish: Tensor4D, mask: Tensor4D): Tensor4D {
  return add<Tensor4D>(mul(mask, finish), mul(sub(1, mask), start));
}

/** Builds a batch from runs of jobs that belong to the same image, so that each reads it once. */
export function buildByImage<J extends {readonly image: number}>(
  jobs: readonly J[],
  build: (image: number, run: readonly J[]) => Tensor4D,
): Tensor4D {
  return tidy(() => {
    const parts = runs(jobs).map((run) => build((run[0] as J).image, run));
    return parts.length === 1 ? (parts[0] as Tensor4D) : concat(parts, 0);
  });
}

/** Returns one image as `[1,H,W,C]`; the only one there is, if it stands for all. Call it in a `tidy`. */
export function rowOf(images: Tensor4D, index: number): Tensor4D {
  return images.shape[0] === 1 ? images : slice(images, [index, 0, 0, 0], [1, -1, -1, -1]);
}

/** Returns the ranks of an order as values of a map: the inverse permutation. */
export function ranksOf(order: Uint32Array): Float32Array {
  const ranks = new Float32Array(order.length);
  order.forEach((pixel, rank) => {
    ranks[pixel] = rank;
  });
  return ranks;
}

/** Splits jobs where the image changes. */
function runs<J extends {readonly image: number}>(jobs: readonly J[]): J[][] {
  const parts: J[][] = [];
  for (const job of jobs) {
    const last = parts.at(-1);
    if (last !== undefined && last[0]?.image === job.image) last.push(job);
    else parts.push([job]);
  }
  return parts;
}
