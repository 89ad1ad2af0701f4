/** Images in which the pixels that are hidden have been imputed: what stands there depends on what is left. */
import {tensor4d, type Tensor4D} from '@tensorflow/tfjs-core';
import {inTurns} from '../core/in-turns.js';
import type {Random} from '../core/random.js';
import {imputePixels, rangeOf} from './impute.js';
import type {Job} from './perturb.js';

/** Standard deviation of the noise, as a fraction of the range of the image's values. */
const NOISE = 0.01;

/** What is hidden. */
export interface Hiding {
  /** Per pixel of every image: 0 for the one that changes first. */
  readonly ranks: Float32Array;
  /** Whether the pixels that have changed are hidden, or those that have not. */
  readonly hides: 'changed' | 'unchanged';
  /** Draws the noise of image number `image`, the same for all its jobs. */
  readonly noiseOf: (image: number) => Random;
}

/**
 * Reads images, and returns what builds batches of them.
 *
 * @param originals `[N,H,W,C]` as the network sees them; borrowed, and read once.
 * @returns A function of jobs that makes `[jobs,H,W,C]`, the caller's.
 */
export async function imputing(
  originals: Tensor4D,
  {ranks, hides, noiseOf}: Hiding,
): Promise<(jobs: readonly Job[], signal: AbortSignal | undefined) => Promise<Tensor4D>> {
  const [, height, width, channels] = originals.shape;
  const numPixels = height * width;
  const size = numPixels * channels;
  const values = await originals.data<'float32'>();
  let drawn: {readonly image: number; readonly noise: Float32Array} | undefined;
  const noiseFor = (image: number, pixels: Float32Array): Float32Array => {
    if (drawn?.image === image) return drawn.noise; // Jobs come image by image.
    const [low, high] = rangeOf(pixels);
    const random = noiseOf(image);
    const noise = Float32Array.from({length: size}, () => NOISE * (high - low) * random.normal());
    drawn = {image, noise};
    return noise;
  };
  return async (jobs, signal) => {
    const batch = new Float32Array(jobs.length * size);
    for (const [index, {image, count}] of jobs.entries()) {
      const pixels = values.subarray(image * size, (image + 1) * size);
      const rank = ranks.subarray(image * numPixels, (image + 1) * numPixels);
      const hidden = Uint8Array.from(rank, (each) => Number(each < count === (hides === 'changed')));
      const filled = await inTurns(imputePixels(pixels, hidden, [height, width, channels]), signal);
      const noise = noiseFor(image, pixels);
      for (let at = 0; at < size; at++) {
        if (hidden[Math.floor(at / channels)] === 1) filled[at] = (filled[at] as number) + (noise[at] as number);
      }
      batch.set(filled, index * size);
    }
    return tensor4d(batch, [jobs.length, height, width, channels]);
  };
}
