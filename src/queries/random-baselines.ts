/**
 * Baseline images drawn at random, for training: a map that is trained against one of them learns what that one hides
 * badly; against several it has to find what the model looks at.
 */
import {add, mean, mul, sqrt, square, tensor4d, tidy, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {at} from '../core/at.js';
import type {Random} from '../core/random.js';
import {blurImages} from './blur.js';

/** What a baseline image can be: blurred by a random width, zeros, the image's mean colour, noise of a random strength. */
export type BaselineKind = 'blur' | 'zeros' | 'mean' | 'noise';

/** All kinds. */
export const baselineKinds: readonly BaselineKind[] = ['blur', 'zeros', 'mean', 'noise'];

/**
 * Draws baseline images: for each image its own kind, with equal chances.
 *
 * @param images `[N,H,W,C]`, borrowed.
 * @param kinds Which kinds, at least one.
 * @param random Stream of the draw; image i has one of its own, but for the noise, which has one pattern per call.
 * @param count How many baselines for each image.
 * @param first Index of the first image, where these are some of several: image i has the stream of its index.
 * @returns `count` tensors `[N,H,W,C]`; the caller's.
 */
export function randomBaselines(
  images: Tensor4D,
  kinds: readonly BaselineKind[],
  random: Random,
  count: number,
  first: number = 0,
): Tensor4D[] {
  const numImages = images.shape[0];
  return tidy(() => {
    const once = kinds.includes('blur') ? blurImages(images) : undefined;
    const twice = once && blurImages(once);
    const average = kinds.includes('mean') ? mean(images, [1, 2], true) : undefined; // [N,1,1,C]
    return Array.from({length: count}, (_, index) => {
      const stream = random.split(`baseline ${index}`);
      const draws = Array.from({length: numImages}, (_unused, image) => {
        const own = stream.split(first + image);
        return {kind: at(kinds, own.int(kinds.length)), share: own.next()};
      });
      // One number per image: how much of each ingredient.
      const weightOf = (weight: (draw: (typeof draws)[number]) => number): Tensor4D => tensor4d(draws.map(weight), [numImages, 1, 1, 1]);
      const parts: Tensor[] = [mul(images, 0)];
      if (once !== undefined && twice !== undefined) {
        parts.push(
          mul(
            once,
            weightOf(({kind, share}) => (kind === 'blur' ? share : 0)),
          ),
        );
        parts.push(
          mul(
            twice,
            weightOf(({kind, share}) => (kind === 'blur' ? 1 - share : 0)),
          ),
        );
      }
      if (average !== undefined)
        parts.push(
          mul(
            average,
            weightOf(({kind}) => (kind === 'mean' ? 1 : 0)),
          ),
        );
      if (kinds.includes('noise')) {
        // As strong as the image, whatever its preprocessing: up to twice its root mean square.
        const size = mul(
          sqrt(mean(square(images), [1, 2, 3], true)),
          weightOf(({kind, share}) => (kind === 'noise' ? 2 * share : 0)),
        );
        parts.push(mul(noiseLike(images, stream.split('noise')), size));
      }
      return parts.reduce((sum, part) => add(sum, part)) as Tensor4D;
    });
  });
}

/** Uniform numbers in −1 … 1, `[1,H,W,C]`. */
function noiseLike({shape: [, height, width, channels]}: Tensor4D, random: Random): Tensor4D {
  return tensor4d(
    Float32Array.from({length: height * width * channels}, () => random.uniform(-1, 1)),
    [1, height, width, channels],
  );
}
