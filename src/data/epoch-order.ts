/**
 * The order of an epoch and its mirrored items. Both are drawn per item and epoch, never per batch,
 * so the batch size changes neither.
 */
import {checkInteger} from '../core/check.js';
import {Random} from '../core/random.js';

/** Options shared by everything that goes over a set of images again and again. */
export interface EpochOptions {
  /** Images per batch, at least 1; the last batch may be smaller. @default 32 */
  readonly batchSize?: number | undefined;
  /** Draws orders and flips, 0–4294967295. @default 0 */
  readonly seed?: number | undefined;
  /** Whether every epoch has an order of its own. @default true */
  readonly shuffle?: boolean | undefined;
  /** Whether each image is mirrored (left and right) in half of the epochs. @default false */
  readonly flip?: boolean | undefined;
}

/** One item of an epoch: which one, and whether it is mirrored. */
export interface EpochItem {
  readonly index: number;
  readonly flipped: boolean;
}

/** The options with all defaults, checked. @throws {RangeError | TypeError} If one is not allowed. */
export function checkEpochOptions(options: EpochOptions): {readonly [Key in keyof EpochOptions]-?: NonNullable<EpochOptions[Key]>} {
  const {batchSize = 32, seed = 0, shuffle = true, flip = false} = options;
  return {batchSize: checkInteger('batchSize', batchSize, 1), seed: new Random(seed).seed, shuffle, flip};
}

/**
 * Lists the batches of an epoch: every item once.
 *
 * @param count How many items there are.
 * @param epoch Which epoch, from 0.
 * @throws {RangeError} If `epoch` is not a whole number from 0, or an option is not allowed.
 */
export function epochItems(count: number, epoch: number, options: EpochOptions): EpochItem[][] {
  const {batchSize, seed, shuffle, flip} = checkEpochOptions(options);
  checkInteger('epoch', epoch);
  const random = new Random(seed);
  const order = shuffle ? random.split('order').split(epoch).permutation(count) : Uint32Array.from({length: count}, (_, index) => index);
  const flips = random.split('flip').split(epoch);
  const items = Array.from(order, (index) => ({index, flipped: flip && flips.split(index).next() < 0.5}));
  return Array.from({length: Math.ceil(count / batchSize)}, (_, batch) => items.slice(batch * batchSize, (batch + 1) * batchSize));
}
