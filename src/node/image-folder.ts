/** Training batches from a folder of pictures. */
import {absentMeans, callback, either, list, oneOf, text} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import {toFilePath} from '../files/file-path.js';
import {labelImages, listImages, type LabelSource} from './list-images.js';
import {pictureBatches, pictureFields, type AbsentPictureOptions, type PictureBatches, type PictureOptions} from './picture-batches.js';

/** Options of {@link imageFolder}. */
export interface ImageFolderOptions extends PictureOptions {
  /** These pictures alone, in this order: names relative to the folder, with `/`. @default all below the folder */
  readonly files?: readonly string[] | undefined;
  /** Where class labels come from. @default none */
  readonly labels?: LabelSource | undefined;
}

/** The options of {@link imageFolder}. */
export const imageFolderSchema: OptionsSchema<Settled<ImageFolderOptions, AbsentPictureOptions | 'files' | 'labels'>> = {
  where: 'imageFolder',
  fields: {
    ...pictureFields,
    files: absentMeans(list<string>(text(), 1), 'all below the folder'),
    labels: absentMeans(either<LabelSource>(oneOf('folders', 'index'), callback()), 'none'),
  },
};

/** Training batches of a folder: call it with the epoch, or pass it to training as it is. */
export interface ImageFolder extends PictureBatches {
  /** The pictures' names relative to the folder, sorted. */
  readonly files: readonly string[];
  /** Class index of each file, where `labels` was given. */
  readonly labels: Int32Array | undefined;
  /** Names of the classes, with `labels: 'folders'`; those that `limit` left out included. */
  readonly classNames: readonly string[] | undefined;
}

/**
 * Reads the pictures below a folder as training batches. The same seed gives the same order, crops and
 * flips whatever the batch size; the next batches are decoded while one is in use.
 *
 * @param folder A path, `file://…` or a URL object.
 * @throws {ModelFileError} If the folder holds no picture or a label is missing; and while running,
 *   if a picture cannot be decoded (with `onUnreadable: 'skip'`: if none can).
 * @throws {RangeError | TypeError} If an option is not allowed.
 * @example
 * const photos = await imageFolder('photos', {size: [224, 224], batchSize: 16, seed: 7, flip: true, leastCrop: 0.25});
 */
export async function imageFolder(folder: string | URL, options?: ImageFolderOptions): Promise<ImageFolder> {
  const where = 'imageFolder';
  const {files: named, labels: labelSource, ...settings} = readOptions(imageFolderSchema, options);
  const root = toFilePath(folder, `${where}: folder`);
  const files = named ?? (await listImages(where, root));
  const {labels, classNames} = labelSource === undefined ? {} : await labelImages(where, root, files, labelSource);
  return pictureBatches(where, {root, files, labels, upright: true}, settings, {classNames});
}
