/** Training batches from a folder of pictures, decoded while the batch before is trained on. */
import {at} from '../core/at.js';
import {signalField} from '../core/common-options.js';
import {ModelFileError} from '../core/errors/model-file-error.js';
import {absentMeans, callback, either, integer, list, oneOf, text, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import {Random} from '../core/random.js';
import type {DecodedImage} from '../core/types.js';
import type {TrainingBatch} from '../data/batches.js';
import {flipImage} from '../data/decoded-image.js';
import {epochFields, epochItems, type EpochItem, type EpochOptions} from '../data/epoch-order.js';
import {toFilePath} from '../files/file-path.js';
import {nodeBuiltin} from '../core/node-builtin.js';
import {decodeFrom, decodeImageSchema, type DecodeImageOptions} from './decode-image.js';
import {labelImages, listImages, type LabelSource} from './list-images.js';

/** Options of {@link imageFolder}. */
export interface ImageFolderOptions extends EpochOptions, DecodeImageOptions {
  /** These pictures alone, in this order: names relative to the folder, with `/`. @default all below the folder */
  readonly files?: readonly string[] | undefined;
  /** At most so many pictures: drawn by the seed with `shuffle`, the first without. @default all */
  readonly limit?: number | undefined;
  /** Where class labels come from. @default none */
  readonly labels?: LabelSource | undefined;
  /** What a picture that cannot be decoded does: stop the run, or be left out. @default 'error' */
  readonly onUnreadable?: 'error' | 'skip' | undefined;
  /** Called once for every picture that is left out. @default none */
  readonly onSkip?: ((file: string, error: Error) => void) | undefined;
  /** Stops between two batches; the iteration rejects with the signal's reason. @default none */
  readonly signal?: AbortSignal | undefined;
}

/** The options of {@link imageFolder}. */
export const imageFolderSchema: OptionsSchema<Settled<ImageFolderOptions, 'files' | 'limit' | 'labels' | 'onSkip' | 'signal' | 'size'>> = {
  where: 'imageFolder',
  fields: {
    ...epochFields,
    ...decodeImageSchema.fields,
    files: absentMeans(list<string>(text(), 1), 'all below the folder'),
    limit: absentMeans(integer(1), 'all'),
    labels: absentMeans(either<LabelSource>(oneOf('folders', 'index'), callback()), 'none'),
    onUnreadable: withDefault(oneOf('error', 'skip'), 'error'),
    onSkip: absentMeans(callback(), 'none'),
    signal: signalField,
  },
};

/** Training batches of a folder: call it with the epoch, or pass it to training as it is. */
export interface ImageFolder {
  (epoch: number): AsyncGenerator<TrainingBatch, void, undefined>;
  /** The pictures' names relative to the folder, sorted. */
  readonly files: readonly string[];
  /** How many pictures there are. */
  readonly length: number;
  /** How many batches an epoch has; fewer where pictures are left out that cannot be decoded. */
  readonly batchesPerEpoch: number;
  /** Class index of each file, where `labels` was given. */
  readonly labels: Int32Array | undefined;
  /** Names of the classes, with `labels: 'folders'`; those that `limit` left out included. */
  readonly classNames: readonly string[] | undefined;
}

/**
 * Reads the pictures below a folder as training batches. The same seed gives the same order and
 * flips whatever the batch size; the next batch is decoded while one is in use.
 *
 * @param folder A path, `file://…` or a URL object.
 * @throws {ModelFileError} If the folder holds no picture or a label is missing; and while running,
 *   if a picture cannot be decoded (with `onUnreadable: 'skip'`: if none can).
 * @throws {RangeError | TypeError} If an option is not allowed.
 * @example
 * const photos = await imageFolder('photos', {size: [224, 224], batchSize: 16, seed: 7});
 */
export async function imageFolder(folder: string | URL, options?: ImageFolderOptions): Promise<ImageFolder> {
  const where = 'imageFolder';
  const {
    files: named,
    limit,
    labels: labelSource,
    onUnreadable,
    onSkip,
    signal,
    size,
    fit,
    background,
    maxPixels,
    ...order
  } = readOptions(imageFolderSchema, options);
  const root = toFilePath(folder, `${where}: folder`);
  const found = named ?? (await listImages(where, root));
  const labelled = labelSource === undefined ? undefined : await labelImages(where, root, found, labelSource);
  const kept = limit === undefined ? found.keys() : choose(found.length, limit, order.shuffle ? order.seed : null);
  const chosen = [...kept];
  const files = chosen.map((index) => found[index] as string);
  const labels = labelled && Int32Array.from(chosen, (index) => at(labelled.labels, index));
  const skipped = new Set<number>();

  const decode = async ({index, flipped}: EpochItem): Promise<DecodedImage | ModelFileError | undefined> => {
    if (skipped.has(index)) return undefined;
    const file = nodeBuiltin('node:path').join(root, files[index] as string);
    try {
      const image = await decodeFrom(where, file, {size, fit, background, maxPixels});
      return flipped ? flipImage(image) : image;
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

  const load = async (items: readonly EpochItem[]): Promise<TrainingBatch> => {
    signal?.throwIfAborted();
    const decoded = await Promise.all(items.map(decode));
    const images: DecodedImage[] = [];
    const readable: number[] = [];
    // Pictures are decoded in any order, and skipped in the order of the batch.
    for (const [position, {index}] of items.entries()) {
      const image = decoded[position];
      if (image instanceof ModelFileError) skip(index, image);
      else if (image !== undefined) {
        images.push(image);
        readable.push(index);
      }
    }
    if (labels === undefined) return {images};
    return {images, labels: Int32Array.from(readable, (index) => at(labels, index))};
  };

  async function* epochBatches(epoch: number): AsyncGenerator<TrainingBatch, void, undefined> {
    const batches = epochItems(where, files.length, epoch, order);
    let next = load(batches[0] as EpochItem[]);
    for (let position = 1; position <= batches.length; position++) {
      const batch = await next;
      const following = batches[position];
      if (following !== undefined) next = load(following);
      next.catch(() => undefined); // Reported when it is awaited; the loop may end before.
      signal?.throwIfAborted();
      if ((batch.images as readonly DecodedImage[]).length > 0) yield batch;
    }
  }

  const perEpoch = Math.ceil(files.length / order.batchSize);
  const fields = {files, length: files.length, batchesPerEpoch: perEpoch, labels, classNames: labelled?.classNames};
  // A function's own length cannot be assigned, only defined.
  const properties = Object.entries(fields).map(([name, value]) => [name, {value, enumerable: true}]);
  return Object.defineProperties(epochBatches, Object.fromEntries(properties)) as unknown as ImageFolder;
}

function choose(count: number, limit: number, seed: number | null): Iterable<number> {
  if (seed === null || limit >= count) return Array.from({length: Math.min(limit, count)}, (_, index) => index);
  return new Random(seed).split('limit').permutation(count).slice(0, limit).sort();
}
