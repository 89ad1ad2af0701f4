/** Batches from pictures in memory. */
import {checkInteger} from '../core/check.js';
import type {DecodedImage} from '../core/types.js';
import type {TrainingBatch} from './batches.js';
import {checkDecodedImage, flipImage} from './decoded-image.js';
import {checkEpochOptions, epochItems, type EpochOptions} from './epoch-order.js';

/** Options of {@link batchesOf}. */
export interface BatchesOfOptions extends EpochOptions {
  /** Class indices from 0, one per image. @default none */
  readonly labels?: ArrayLike<number> | undefined;
}

/**
 * Makes training batches of pictures, shuffled anew for every epoch.
 *
 * @param images At least one, of any sizes; borrowed, never changed.
 * @returns A function of the epoch (from 0), as training takes it. The same seed gives the same
 *   order and flips, whatever the batch size.
 * @throws {TypeError | RangeError} If an image or option is not allowed, or labels are not as many.
 * @example
 * const batches = batchesOf(photos, {batchSize: 16, seed: 7, flip: true});
 */
export function batchesOf(images: readonly DecodedImage[], options: BatchesOfOptions = {}): (epoch: number) => Iterable<TrainingBatch> {
  const {labels, ...epochOptions} = options;
  checkEpochOptions(epochOptions);
  if (images.length === 0) throw new RangeError('images must hold at least one image, but is empty.');
  images.forEach((image, index) => checkDecodedImage(`images[${index}]`, image));
  if (labels !== undefined) {
    if (labels.length !== images.length)
      throw new RangeError(`labels must be as many as the ${images.length} images, but are ${labels.length}.`);
    for (let index = 0; index < labels.length; index++) checkInteger(`labels[${index}]`, labels[index]);
  }
  return function* (epoch) {
    for (const items of epochItems(images.length, epoch, epochOptions)) {
      const pictures = items.map(({index, flipped}) => {
        const image = images[index] as DecodedImage;
        return flipped ? flipImage(image) : image;
      });
      yield labels === undefined
        ? {images: pictures}
        : {images: pictures, labels: Int32Array.from(items, ({index}) => labels[index] as number)};
    }
  };
}
