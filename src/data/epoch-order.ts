/**
 * The order of an epoch and its mirrored items. Both are drawn per item and epoch, never per batch,
 * so the batch size changes neither.
 */
import {checkInteger} from '../core/check.js';
import {batchSizeField, seedField} from '../core/common-options.js';
import {boolean, withDefault} from '../core/fields.js';
import type {OptionsSchema, Settled} from '../core/options.js';
import {Random} from '../core/random.js';

/** Options shared by everything that goes over a set of images again and again. */
export interface EpochOptions {
  /** Images per batch, at least 1; the last batch may be smaller. @default 16 */
  readonly batchSize?: number | undefined;
  /** Decides everything random: orders, flips and crops, 0–4294967295. @default 0 */
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

/** The options with their defaults. */
export type EpochSettings = Settled<EpochOptions>;

/** The fields of {@link EpochOptions}. */
export const epochFields: OptionsSchema<EpochSettings>['fields'] = /* @__PURE__ */ (() => ({
  batchSize: batchSizeField,
  seed: seedField,
  shuffle: withDefault(boolean(), true),
  flip: withDefault(boolean(), false),
}))();

/**
 * Goes over the batches of an epoch: every item once. Of a large set only the order is held, not its items.
 *
 * @param where Names the caller in messages.
 * @param count How many items there are.
 * @param epoch Which epoch, from 0.
 * @throws {TypeError | RangeError} If `epoch` is not a whole number from 0.
 */
export function* epochItems(
  where: string,
  count: number,
  epoch: number,
  settings: EpochSettings,
): Generator<readonly EpochItem[], void, undefined> {
  const {batchSize, seed, shuffle, flip} = settings;
  checkInteger(`${where}: epoch`, epoch);
  const random = new Random(seed);
  const order = shuffle ? random.split('order').split(epoch).permutation(count) : Uint32Array.from({length: count}, (_, index) => index);
  const flips = random.split('flip').split(epoch);
  for (let first = 0; first < count; first += batchSize) {
    const batch = order.subarray(first, first + batchSize);
    yield Array.from(batch, (index) => ({index, flipped: flip && flips.split(index).next() < 0.5}));
  }
}
