/**
 * Two pictures in one, beside or above each other: most photographs show one object, and teach nothing about a map that has
 * to tell two apart.
 */
import {
  add,
  clone,
  image as images,
  lessEqual,
  linspace,
  mul,
  reshape,
  reverse,
  tensor1d,
  tensor2d,
  tensor4d,
  tidy,
  where,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import type {Random} from '../../core/random.js';

// How much of the height or the width the first of both gets.
const LEAST_PART = 0.3;
const LARGEST_PART = 0.7;

type Box = [top: number, left: number, bottom: number, right: number];

/** What is drawn for an image. */
interface Draw {
  /** Whose pixels come first, and whose after the cut. */
  readonly sources: readonly [number, number];
  /** 1 where they are one above the other, 0 where they are side by side. */
  readonly isVertical: number;
  /** Share of the way from the first pixel to the last at which the cut lies, between two pixels; 1: no cut. */
  readonly cut: number;
}

/**
 * Puts a share of the images of a batch together with another one of it, each squeezed into its part.
 *
 * @param batch `[N,H,W,C]`, borrowed.
 * @param share Of the images that are put together, 0–1; 0 leaves them as they are, as does a batch of one image.
 * @param random Stream of the draw; image i has one of its own.
 * @returns `[N,H,W,C]`, the caller's.
 */
export function composites(batch: Tensor4D, share: number, random: Random): Tensor4D {
  const [count, height, width] = batch.shape;
  if (share === 0 || count < 2 || Math.min(height, width) < 2) return clone(batch);
  const draws = Array.from({length: count}, (_, index): Draw => {
    const own = random.split(index);
    if (own.next() >= share) return {sources: [index, index], isVertical: 0, cut: 1};
    const partner = (index + 1 + own.int(count - 1)) % count;
    const isVertical = own.int(2);
    const last = (isVertical === 1 ? height : width) - 1;
    const cut = (Math.floor(own.uniform(LEAST_PART, LARGEST_PART) * last) + 0.5) / last;
    return {sources: own.int(2) === 0 ? [index, partner] : [partner, index], isVertical, cut};
  });
  return tidy(() => {
    // A box that is larger than the image makes it smaller, and leaves room beside it.
    const squeezed = (which: 0 | 1, box: (draw: Draw) => Box): Tensor4D => {
      const order = tensor1d(
        draws.map(({sources}) => sources[which]),
        'int32',
      );
      return images.cropAndResize(batch, tensor2d(draws.map(box)), order, [height, width], 'bilinear');
    };
    const first = squeezed(0, ({cut, isVertical}) => (isVertical === 1 ? [0, 0, 1 / cut, 1] : [0, 0, 1, 1 / cut]));
    // Turned round and back: tfjs' wasm kernel stops interpolating where the room comes before the image (4.22).
    const turned = squeezed(1, ({cut, isVertical}) => {
      const end = cut === 1 ? 0 : 1 - 1 / (1 - cut);
      return isVertical === 1 ? [1, 1, end, 0] : [1, 1, 0, end];
    });
    const second = reverse(turned, [1, 2]);
    const ofImages = (value: (draw: Draw) => number): Tensor4D => tensor4d(draws.map(value), [count, 1, 1, 1]);
    const way = add(
      mul(
        reshape(linspace(0, 1, height), [1, height, 1, 1]),
        ofImages(({isVertical}) => isVertical),
      ),
      mul(
        reshape(linspace(0, 1, width), [1, 1, width, 1]),
        ofImages(({isVertical}) => 1 - isVertical),
      ),
    );
    const isFirst = lessEqual(
      way,
      ofImages(({cut}) => cut),
    );
    return where(isFirst, first, second);
  });
}
