/** ImageNet, the 1000 classes of ILSVRC 2012: Russakovsky et al. 2015, "ImageNet Large Scale Visual Recognition Challenge". */
import {at} from '../../core/at.js';
import {custom, absentMeans, either, integer, list, oneOf, required, text} from '../../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {archiveError, findRoot, type Archive} from './_archive.js';
import type {AbsentPictureOptions} from '../picture-batches.js';
import {dataSet, dataSetFields, type DataSet, type DataSetOptions, type Split} from './data-set.js';
import {boxReader} from './_image-net-boxes.js';
import {readDevkit, type Devkit} from './_image-net-devkit.js';
import {readTrain, readVal, type Listing} from './_image-net-folders.js';
import {readLeftOut} from './_left-out.js';

/** Options of {@link imageNet}. */
export interface ImageNetOptions extends DataSetOptions {
  /** Which part; the test set has no labels, and the paper measures on `'val'`. */
  readonly split: 'train' | 'val';
  /**
   * The folder ILSVRC2012_devkit_t12, which says what the classes are called, and of a flat `val` which picture is of which.
   * @default ILSVRC2012_devkit_t12 below the root, where it is
   */
  readonly devkit?: string | URL | undefined;
  /**
   * Of `'val'`: the pictures that are left out, as numbers from 1, or a file of them, one a line. The paper leaves out the
   * 1,762 of the list that the devkits of later years bring (ILSVRC2014_clsloc_validation_blacklist.txt, likewise 2015).
   * @default none
   */
  readonly leftOut?: string | URL | readonly number[] | undefined;
  /**
   * The folder of the XML files of ILSVRC2012_bbox_train_v2.tar.gz or ILSVRC2012_bbox_val_v3.tgz; pictures without one have
   * no boxes. @default no boxes
   */
  readonly annotations?: string | URL | undefined;
}

const place = either<string | URL>(text(), {...custom<URL>('a URL', (value) => (value instanceof URL ? undefined : 'kind'))});

/** The options of {@link imageNet}. */
export const imageNetSchema: OptionsSchema<Settled<ImageNetOptions, AbsentPictureOptions | 'devkit' | 'leftOut' | 'annotations'>> = {
  where: 'imageNet',
  fields: {
    ...dataSetFields,
    split: required(oneOf('train', 'val')),
    devkit: absentMeans(place, 'ILSVRC2012_devkit_t12 below the root, where it is'),
    leftOut: absentMeans(either<string | URL | readonly number[]>(place, list(integer(1))), 'none'),
    annotations: absentMeans(place, 'no boxes'),
  },
};

const archive: Archive = {
  where: 'imageNet',
  title: 'ImageNet (ILSVRC 2012)',
  source:
    'sign in at https://image-net.org/download-images; ILSVRC2012_img_train.tar holds an archive for each class, to be unpacked into train/<WNID>/, ILSVRC2012_img_val.tar goes into val/, ILSVRC2012_devkit_t12.tar.gz beside them',
};

const CLASSES = 1000;
const PICTURES = {train: 1_281_167, val: 50_000};
const LEFT_OUT = 1762;

/** ImageNet, with what its classes are called in WordNet. */
export interface ImageNet extends DataSet {
  /** WNIDs of the classes, by their index: sorted. */
  readonly wnids: readonly string[];
}

/**
 * Reads ImageNet: 1000 classes, 1,281,167 pictures to train and 50,000 to validate, 48,238 without those of the list.
 *
 * Labels are places in the sorted WNIDs, as Keras, PyTorch and pretrained models number classes. The numbers of the devkit
 * (ILSVRC2012_ID) are others, and are translated. Class names are the words of the devkit; without one, the WNIDs.
 *
 * @param root The folder with `train` and `val`; `val` may be flat, or have a folder for each WNID.
 * @returns Training batches as those of `imageFolder`, with labels from 0. Pictures of `'val'` come in the order of their numbers.
 * @throws {ModelFileError} If a file is missing, with where to get it; or contradicts another, or the published counts.
 * @throws {RangeError | TypeError} If an option is not allowed.
 * @example
 * const val = await imageNet('imagenet', {split: 'val', leftOut: 'ILSVRC2015_clsloc_validation_blacklist.txt', size: [224, 224]});
 */
export async function imageNet(root: string | URL, options: ImageNetOptions): Promise<ImageNet> {
  const {split, devkit: devkitPath, leftOut, annotations, ...settings} = readOptions(imageNetSchema, options);
  if (leftOut !== undefined && split !== 'val') {
    throw new RangeError(`imageNet: leftOut must be left out with split 'train', since it names pictures of 'val', but is given.`);
  }
  const folder = await findRoot(archive, root, [], split);
  const devkit = await readDevkit(archive, folder, devkitPath);
  const listing = await (split === 'train' ? readTrain(archive, folder, devkit) : readVal(archive, folder, devkit));
  checkCounts(split, listing, devkit, settings.complete);
  const left = leftOut === undefined ? undefined : await readLeftOut(archive, leftOut, PICTURES.val);
  if (left !== undefined && settings.complete && left.size !== LEFT_OUT) {
    throw archiveError(
      archive,
      `the list of pictures to be left out has ${left.size} numbers instead of ${LEFT_OUT}; complete: false takes another list`,
    );
  }
  const kept = left === undefined ? listing : without(listing, left);
  const boxesOf = annotations === undefined ? undefined : boxReader(archive, annotations, kept.files);
  const {wnids} = listing;
  const classNames = wnids.map((wnid) => devkit?.words.get(wnid) ?? wnid);
  const read: Split = {root: folder, files: kept.files, labels: kept.labels, classNames, boxesOf};
  return dataSet(archive, read, {classes: CLASSES, pictures: PICTURES[split] - (left?.size ?? 0)}, settings, {wnids});
}

/** Before anything is left out; a class that is not whole is named. */
function checkCounts(split: 'train' | 'val', {files, labels, wnids}: Listing, devkit: Devkit | undefined, complete: boolean): void {
  if (!complete || split === 'val' || devkit === undefined || files.length === PICTURES.train) return;
  const counts = new Int32Array(wnids.length);
  for (const label of labels) counts[label] = at(counts, label) + 1;
  const partial = wnids.findIndex((wnid, label) => at(counts, label) !== devkit.trainCounts.get(wnid));
  if (partial < 0) return;
  const wnid = wnids[partial] as string;
  throw archiveError(
    archive,
    `there are ${files.length} pictures where ${PICTURES.train} were published; train/${wnid} is the first with another number, ${at(counts, partial)} instead of ${devkit.trainCounts.get(wnid)}; complete: false takes a part of the set`,
  );
}

function without(listing: Listing, left: ReadonlySet<number>): Pick<Listing, 'files' | 'labels'> {
  const kept = listing.files.map((_, index) => index).filter((index) => !left.has(at(listing.numbers as Int32Array, index)));
  return {files: kept.map((index) => listing.files[index] as string), labels: Int32Array.from(kept, (index) => at(listing.labels, index))};
}
