/** CUB-200-2011: Wah et al. 2011, "The Caltech-UCSD Birds-200-2011 Dataset". */
import {nodeBuiltin} from '../../core/node-builtin.js';
import {oneOf, required} from '../../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import type {AbsentPictureOptions} from '../picture-batches.js';
import {findRoot, numbersOf, readPairs, valueOf, type Archive} from './_archive.js';
import {dataSet, dataSetFields, labelFromOne, splitOfRows, type DataSet, type DataSetOptions, type Row} from './data-set.js';

/** Options of {@link cub200}. */
export interface Cub200Options extends DataSetOptions {
  /** Which part, by train_test_split.txt; the paper validates on the test set. */
  readonly split: 'train' | 'test';
}

/** The options of {@link cub200}. */
export const cub200Schema: OptionsSchema<Settled<Cub200Options, AbsentPictureOptions>> = {
  where: 'cub200',
  fields: {...dataSetFields, split: required(oneOf('train', 'test'))},
};

const archive: Archive = {
  where: 'cub200',
  title: 'CUB-200-2011',
  source: 'unpack CUB_200_2011.tgz from https://www.vision.caltech.edu/datasets/cub_200_2011/ and give the folder CUB_200_2011',
};

const PICTURES = {train: 5994, test: 5794};
const CLASSES = 200;

/**
 * Reads the bird pictures of CUB-200-2011: 200 classes, 5,994 pictures to train and 5,794 to test, a box each.
 *
 * @param root The folder CUB_200_2011, or the one that it lies in.
 * @returns Training batches as those of `imageFolder`, with labels from 0 and boxes.
 * @throws {ModelFileError} If a file is missing, with where to get it; or contradicts another, or the published counts.
 * @throws {RangeError | TypeError} If an option is not allowed.
 * @example
 * const birds = await cub200('CUB_200_2011', {split: 'train', size: [224, 224], leastCrop: 0.25, flip: true, seed: 7});
 */
export async function cub200(root: string | URL, options: Cub200Options): Promise<DataSet> {
  const {split, ...settings} = readOptions(cub200Schema, options);
  const folder = await findRoot(archive, root, ['CUB_200_2011'], 'images.txt');
  const path = nodeBuiltin('node:path');
  const table = async (name: string): Promise<{of: (id: string) => string; file: string; pairs: ReadonlyMap<string, string>}> => {
    const file = path.join(folder, name);
    const pairs = await readPairs(archive, file);
    return {file, pairs, of: (id) => valueOf(archive, file, pairs, id)};
  };
  const images = await table('images.txt');
  const classOf = await table('image_class_labels.txt');
  const isTraining = await table('train_test_split.txt');
  const boxOf = await table('bounding_boxes.txt');
  const classes = await table('classes.txt');
  // Classes are numbered from 1, in order.
  const classNames = Array.from({length: classes.pairs.size}, (_, index) => classes.of(String(index + 1)));
  const rows: Row[] = [];
  for (const [id, file] of images.pairs) {
    if ((isTraining.of(id) === '1') !== (split === 'train')) continue;
    const [left, top, width, height] = numbersOf(archive, boxOf.file, boxOf.of(id), 4) as [number, number, number, number];
    const [label] = numbersOf(archive, classOf.file, classOf.of(id), 1) as [number];
    // The authors do not say where they count pixels from; everyone takes x and y as they are.
    rows.push({file, label: labelFromOne(label), box: [left, top, left + width, top + height]});
  }
  const read = await splitOfRows(archive, path.join(folder, 'images'), rows, classNames, settings);
  return dataSet(archive, read, {classes: CLASSES, pictures: PICTURES[split]}, settings, {});
}
