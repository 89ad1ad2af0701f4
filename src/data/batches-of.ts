/** Batches from pictures in memory. */
import {at} from '../core/at.js';
import {checkInteger, checkNumbers, isNumberList, show} from '../core/check.js';
import {absentMeans, custom} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import type {DecodedImage} from '../core/types.js';
import type {TrainingBatch} from './batches.js';
import {checkDecodedImage, flipImage} from './decoded-image.js';
import {epochFields, epochItems, type EpochOptions} from './epoch-order.js';

/** Options of {@link batchesOf}. */
export interface BatchesOfOptions extends EpochOptions {
  /** Class indices from 0, one per image. @default none */
  readonly labels?: ArrayLike<number> | undefined;
}

/** The options of {@link batchesOf}. */
export const batchesOfSchema: OptionsSchema<Settled<BatchesOfOptions, 'labels'>> = /* @__PURE__ */ (() => ({
  where: 'batchesOf',
  fields: {
    ...epochFields,
    labels: absentMeans(
      custom<ArrayLike<number>>('a list of class indices', (value) => (isNumberList(value) ? undefined : 'kind')),
      'none',
    ),
  },
}))();

/** Batches as a function of the epoch, from 0. */
export interface EpochBatches {
  (epoch: number): Iterable<TrainingBatch>;
  /** How many batches an epoch has. */
  readonly batchesPerEpoch: number;
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
export function batchesOf(images: readonly DecodedImage[], options?: BatchesOfOptions): EpochBatches {
  const where = 'batchesOf';
  const {labels, ...settings} = readOptions(batchesOfSchema, options);
  if (!Array.isArray(images)) throw new TypeError(`${where}: images must be an array of pictures, but is ${show(images)}.`);
  if (images.length === 0) throw new RangeError(`${where}: images must hold at least one picture, but is empty.`);
  images.forEach((image, index) => checkDecodedImage(`${where}: images[${index}]`, image));
  if (labels !== undefined) checkLabels(where, labels, images.length);
  function* epochBatches(epoch: number): Iterable<TrainingBatch> {
    for (const items of epochItems(where, images.length, epoch, settings)) {
      const pictures = items.map(({index, flipped}) => {
        const image = images[index] as DecodedImage;
        return flipped ? flipImage(image) : image;
      });
      yield labels === undefined ? {images: pictures} : {images: pictures, labels: Int32Array.from(items, ({index}) => at(labels, index))};
    }
  }
  return Object.assign(epochBatches, {batchesPerEpoch: Math.ceil(images.length / settings.batchSize)});
}

function checkLabels(where: string, labels: ArrayLike<number>, count: number): void {
  if (checkNumbers(`${where}: labels`, labels).length !== count) {
    throw new RangeError(`${where}: labels must be as many as the ${count} images, but are ${labels.length}.`);
  }
  for (let index = 0; index < labels.length; index++) checkInteger(`${where}: labels[${index}]`, labels[index]);
}
