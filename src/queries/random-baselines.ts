/**
 * Baseline images drawn at random, for training: a map that is trained against one of them learns what that one hides
 * badly; against several it has to find what the model looks at.
 */
import {
  add,
  concat,
  gather,
  mean,
  mul,
  slice,
  sqrt,
  square,
  tensor1d,
  tensor4d,
  tidy,
  type Tensor,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
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
    const streams = Array.from({length: count}, (_, index) => random.split(`baseline ${index}`));
    const drawn = streams.map((stream) =>
      Array.from({length: numImages}, (_, image) => {
        const own = stream.split(first + image);
        return {kind: at(kinds, own.int(kinds.length)), share: own.next()};
      }),
    );
    const blurred = Array.from({length: numImages}, (_, image) => image).filter((image) =>
      drawn.some((draws) => at(draws, image).kind === 'blur'),
    );
    const [once, twice] = blurred.length > 0 ? blurSome(images, blurred) : [];
    const average = kinds.includes('mean') ? mean(images, [1, 2], true) : undefined; // [N,1,1,C]
    return drawn.map((draws, index) => {
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
        parts.push(mul(noiseLike(images, at(streams, index).split('noise')), size));
      }
      return parts.reduce((sum, part) => add(sum, part)) as Tensor4D;
    });
  });
}

/** Images blurred once and twice, where they are among `some`; the others are zeros, since a blur costs much. */
function blurSome(images: Tensor4D, some: readonly number[]): [once: Tensor4D, twice: Tensor4D] {
  const once = blurImages(gather(images, tensor1d(Int32Array.from(some), 'int32')));
  const zeros = mul<Tensor4D>(slice(images, 0, 1), 0);
  const places = Array.from({length: images.shape[0]}, (_, image) => 1 + some.indexOf(image));
  const spread = (blurred: Tensor4D): Tensor4D => gather(concat([zeros, blurred], 0), tensor1d(Int32Array.from(places), 'int32'));
  return [spread(once), spread(blurImages(once))];
}

/** Uniform numbers in −1 … 1, `[1,H,W,C]`. */
function noiseLike({shape: [, height, width, channels]}: Tensor4D, random: Random): Tensor4D {
  return tensor4d(
    Float32Array.from({length: height * width * channels}, () => random.uniform(-1, 1)),
    [1, height, width, channels],
  );
}
