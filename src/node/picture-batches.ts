/**
 * Training batches of pictures on disk, whatever set they belong to: read, cut and mirrored by the seed, and decoded
 * ahead of the training that uses them. What the pictures are, and their labels and boxes, comes from the sets.
 */
import {at} from '../core/at.js';
import {signalField} from '../core/common-options.js';
import {ModelFileError} from '../core/errors/model-file-error.js';
import {absentMeans, callback, integer, number, oneOf, withDefault} from '../core/fields.js';
import {inOrder} from '../core/in-order.js';
import {nodeBuiltin} from '../core/node-builtin.js';
import type {OptionsSchema, Settled} from '../core/options.js';
import {Random} from '../core/random.js';
import type {DecodedImage} from '../core/types.js';
import type {TrainingBatch} from '../data/batches.js';
import {epochFields, epochItems, type EpochItem, type EpochOptions} from '../data/epoch-order.js';
import type {Box} from '../metrics/of-map/region.js';
import {decodeImageSchema, type DecodeImageOptions} from './decode-image.js';
import {decodeView} from './decode-view.js';
import {choosePart} from './picture-part.js';
import {shownBoxes, type PixelBox} from './shown-boxes.js';

/** Options of every set of pictures on disk. */
export interface PictureOptions extends EpochOptions, DecodeImageOptions {
  /** At most so many pictures: drawn by the seed with `shuffle`, the first without. @default all */
  readonly limit?: number | undefined;
  /**
   * Random resized crops: a rectangle of at least this share of a picture's area, another in every epoch, is cut while it is
   * decoded, and scaled to `size`. It has the aspect that `fit` would show. 0.01–1; 1: whole pictures. @default 1
   */
  readonly leastCrop?: number | undefined;
  /** The aspect of such a rectangle is changed by a factor from 1 / maxStretch to maxStretch, 1–4; 1: never. @default 4/3 */
  readonly maxStretch?: number | undefined;
  /** How many batches are decoded ahead of the one in use, 0–64; each holds `batchSize` decoded pictures. @default 2 */
  readonly prefetch?: number | undefined;
  /** What a picture that cannot be decoded does: stop the run, or be left out. @default 'error' */
  readonly onUnreadable?: 'error' | 'skip' | undefined;
  /** Called once for every picture that is left out. @default none */
  readonly onSkip?: ((file: string, error: Error) => void) | undefined;
  /** Stops between two batches; the iteration rejects with the signal's reason. @default none */
  readonly signal?: AbortSignal | undefined;
}

/** The options without a default. */
export type AbsentPictureOptions = 'limit' | 'onSkip' | 'signal' | 'size';

/** The options with their defaults. */
export type PictureSettings = Settled<PictureOptions, AbsentPictureOptions>;

/** The fields of {@link PictureOptions}. */
export const pictureFields: OptionsSchema<PictureSettings>['fields'] = {
  ...epochFields,
  ...decodeImageSchema.fields,
  limit: absentMeans(integer(1), 'all'),
  leastCrop: withDefault(number(0.01, 1), 1),
  maxStretch: withDefault(number(1, 4), 4 / 3, '4/3'),
  prefetch: withDefault(integer(0, 64), 2),
  onUnreadable: withDefault(oneOf('error', 'skip'), 'error'),
  onSkip: absentMeans(callback(), 'none'),
  signal: signalField,
};

/** The pictures of a set. */
export interface PictureList {
  /** Absolute path. */
  readonly root: string;
  /** Names relative to it, with `/`. */
  readonly files: readonly string[];
  /** Class index of each file, where it is known. */
  readonly labels?: Int32Array | undefined;
  /** The boxes of a file, by its place in `files`, in a picture of this size. */
  readonly boxesOf?: ((index: number, height: number, width: number) => readonly PixelBox[] | Promise<readonly PixelBox[]>) | undefined;
  /** Whether pictures are turned upright by their EXIF orientation; where boxes are, these are about the stored pixels. */
  readonly upright: boolean;
  /** Rows at the bottom that do not belong to the picture. */
  readonly bannerHeight?: number | undefined;
}

/** A batch of a set that knows classes and boxes. */
export interface AnnotatedBatch extends TrainingBatch {
  readonly images: readonly DecodedImage[];
  /** Class index of each image. */
  readonly labels: Int32Array;
  /**
   * The boxes of each image, as fractions of what the image shows, so as metrics take a region. A box that a crop leaves
   * out altogether is not there.
   */
  readonly boxes: readonly (readonly Box[])[];
}

/** Batches of a set as a function of the epoch, from 0. */
export interface PictureBatches {
  (epoch: number): AsyncGenerator<TrainingBatch, void, undefined>;
  /** The pictures' names relative to the folder. */
  readonly files: readonly string[];
  /** How many pictures there are. */
  readonly length: number;
  /** How many batches an epoch has; fewer where pictures are left out that cannot be decoded. */
  readonly batchesPerEpoch: number;
  /** Class index of each file, where it is known. */
  readonly labels: Int32Array | undefined;
}

/** A picture that was decoded, with what is known about it. */
interface Picture {
  readonly index: number;
  readonly image: DecodedImage;
  readonly boxes: readonly Box[] | undefined;
}

/**
 * Makes batches of a set. The same seed gives the same order, crops and flips whatever the batch size.
 *
 * @param where Names the caller in messages.
 * @param more What the function is to carry beside its own properties.
 */
export function pictureBatches<More extends object>(
  where: string,
  list: PictureList,
  settings: PictureSettings,
  more: More,
): PictureBatches & More {
  const {limit, leastCrop, maxStretch, prefetch, onUnreadable, onSkip, signal, size, fit, background, maxPixels, ...order} = settings;
  const {root, upright, bannerHeight = 0} = list;
  const chosen = limit === undefined ? undefined : choose(list.files.length, limit, order.shuffle ? order.seed : null);
  const placeOf = (index: number): number => (chosen === undefined ? index : at(chosen, index));
  const files = chosen === undefined ? list.files : Array.from(chosen, (place) => list.files[place] as string);
  const labels = list.labels && chosen ? chosen.map((place) => at(list.labels as Int32Array, place)) : list.labels;
  const skipped = new Set<number>();
  const {join} = nodeBuiltin('node:path');

  const decode = async ({index, flipped}: EpochItem, random: Random): Promise<Picture | ModelFileError | undefined> => {
    if (skipped.has(index)) return undefined;
    const bounds = {size, fit, leastCrop, maxStretch, bannerHeight};
    const partOf = (height: number, width: number): ReturnType<typeof choosePart> => choosePart(height, width, random, bounds);
    try {
      const decoding = {size, fit, background, maxPixels};
      const view = await decodeView(where, join(root, files[index] as string), decoding, {upright, mirrored: flipped, partOf});
      const boxes = await list.boxesOf?.(placeOf(index), view.height, view.width);
      return {index, image: view.image, boxes: boxes && shownBoxes(boxes, view.part, flipped)};
    } catch (error) {
      if (error instanceof ModelFileError) return error;
      throw error;
    }
  };

  const skip = (index: number, error: ModelFileError): void => {
    if (onUnreadable === 'error') throw error;
    if (skipped.has(index)) return;
    onSkip?.(files[index] as string, error);
    skipped.add(index);
    if (skipped.size < files.length) return;
    throw new ModelFileError(`${where}: none of the ${files.length} pictures in ${root} can be decoded.`, {cause: error});
  };

  const batchOf = (pictures: readonly Picture[]): TrainingBatch & Partial<AnnotatedBatch> => ({
    images: pictures.map(({image}) => image),
    ...(labels && {labels: Int32Array.from(pictures, ({index}) => at(labels, index))}),
    ...(list.boxesOf && {boxes: pictures.map(({boxes}) => boxes as readonly Box[])}),
  });

  async function* epochBatches(epoch: number): AsyncGenerator<TrainingBatch, void, undefined> {
    const crops = new Random(order.seed).split('crop').split(epoch);
    const load = async (items: readonly EpochItem[]): Promise<[readonly EpochItem[], Awaited<ReturnType<typeof decode>>[]]> => [
      items,
      await Promise.all(items.map((item) => decode(item, crops.split(item.index)))),
    ];
    for await (const [items, decoded] of inOrder(epochItems(where, files.length, epoch, order), load, {threads: prefetch, signal})) {
      signal?.throwIfAborted();
      // Pictures are decoded in any order, and skipped in the order of the batches.
      items.forEach(({index}, position) => {
        if (decoded[position] instanceof ModelFileError) skip(index, decoded[position]);
      });
      const pictures = decoded.filter((each): each is Picture => each !== undefined && !(each instanceof ModelFileError));
      if (pictures.length > 0) yield batchOf(pictures);
    }
  }

  const perEpoch = Math.ceil(files.length / order.batchSize);
  const fields = {files, length: files.length, batchesPerEpoch: perEpoch, labels, ...more};
  // A function's own length cannot be assigned, only defined.
  const properties = Object.entries(fields).map(([name, value]) => [name, {value, enumerable: true}]);
  return Object.defineProperties(epochBatches, Object.fromEntries(properties)) as unknown as PictureBatches & More;
}

function choose(count: number, limit: number, seed: number | null): Int32Array {
  if (seed === null || limit >= count) return Int32Array.from({length: Math.min(limit, count)}, (_, index) => index);
  return Int32Array.from(new Random(seed).split('limit').permutation(count).slice(0, limit)).sort();
}
