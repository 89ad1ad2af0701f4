/** Random resized crops: what makes many images of few. */
import {clone, image as images, tensor1d, tensor2d, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import type {Random} from '../../core/random.js';
import {randomRectangle} from '../../data/random-rectangle.js';

/**
 * Cuts from each image a rectangle of its own and enlarges that to the size of the image.
 *
 * @param batch `[N,H,W,C]`, borrowed.
 * @param leastArea The smallest share of an image's area that is cut, above 0; 1 leaves the images as they are.
 * @param random Stream of the draw; image i has one of its own.
 * @returns `[N,H,W,C]`, the caller's.
 */
export function randomCrops(batch: Tensor4D, leastArea: number, random: Random): Tensor4D {
  const [count, height, width] = batch.shape;
  if (leastArea >= 1) return clone(batch);
  return tidy(() => {
    const boxes = Array.from({length: count}, (_, index): [number, number, number, number] => {
      const {top, left, height: down, width: across} = randomRectangle(random.split(index), {leastArea});
      return [top, left, top + down, left + across];
    });
    const order = tensor1d(
      Int32Array.from({length: count}, (_, index) => index),
      'int32',
    );
    return images.cropAndResize(batch, tensor2d(boxes), order, [height, width], 'bilinear');
  });
}
