/**
 * Levels at which maps are cut, drawn in pairs: one from the lower half of an image's values and one from the upper, so
 * that few steps see the whole of the insertion and deletion curves.
 */
import {gather, reshape, tensor1d, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import type {Random} from '../../core/random.js';

// Levels of an image at a time.
const STRATA = 2;
// Of the pixels that a level is chosen from.
const SAMPLE = 4096;

/**
 * Draws for each stratum the pixel of each image whose value is the level: that of quantile (stratum + u) / 2 among evenly
 * spread pixels, with the same uniform u for both.
 *
 * @param maps `[N,H,W,1]`, borrowed.
 * @param random Stream of the draw; each image has one of its own, by its index among all images.
 * @param first Index among all images of the first of these.
 * @returns One list per stratum: for each image the index of its pixel among all values of the batch. `undefined` where
 *   a value is not finite.
 */
export async function stratifiedPlaces(maps: Tensor4D, random: Random, first: number): Promise<Int32Array[] | undefined> {
  const [count, height, width] = maps.shape;
  const size = height * width;
  const stride = Math.max(1, Math.floor(size / SAMPLE));
  const offset = random.split('offset').int(stride);
  const pixels = Int32Array.from({length: Math.floor(size / stride)}, (_, index) => index * stride + offset);
  const sample = tidy(() => gather(reshape(maps, [count, size]), tensor1d(pixels, 'int32'), 1));
  const values = await sample.data<'float32'>().finally(() => sample.dispose());
  if (values.some((value) => !Number.isFinite(value))) return undefined;
  const places = Array.from({length: STRATA}, () => new Int32Array(count));
  for (let image = 0; image < count; image++) {
    const row = values.subarray(image * pixels.length, (image + 1) * pixels.length);
    const sorted = row.slice().sort();
    const drawn = random.split(first + image).next();
    places.forEach((of, stratum) => {
      const level = at(sorted, Math.floor(((stratum + drawn) / STRATA) * sorted.length));
      of[image] = image * size + at(pixels, row.indexOf(level));
    });
  }
  return places;
}
