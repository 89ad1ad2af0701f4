/** FGVC-Aircraft: Maji et al. 2013, "Fine-Grained Visual Classification of Aircraft" (arXiv 1306.5151). */
import {nodeBuiltin} from '../../core/node-builtin.js';
import {oneOf, required, withDefault} from '../../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import type {AbsentPictureOptions} from '../picture-batches.js';
import {archiveError, findRoot, numbersOf, readLines, readPairs, valueOf, type Archive} from './_archive.js';
import {boxFromOne, dataSet, dataSetFields, splitOfRows, type DataSet, type DataSetOptions, type Row} from './data-set.js';

/** Options of {@link fgvcAircraft}. */
export interface FgvcAircraftOptions extends DataSetOptions {
  /** Which part. `'trainval'` is what the paper trains on, both parts merged; it validates on the test set. */
  readonly split: 'train' | 'val' | 'trainval' | 'test';
  /** What the classes are: 100 variants, 70 families or 30 manufacturers. @default 'variant' */
  readonly level?: 'variant' | 'family' | 'manufacturer' | undefined;
}

/** The options of {@link fgvcAircraft}. */
export const fgvcAircraftSchema: OptionsSchema<Settled<FgvcAircraftOptions, AbsentPictureOptions>> = {
  where: 'fgvcAircraft',
  fields: {
    ...dataSetFields,
    split: required(oneOf('train', 'val', 'trainval', 'test')),
    level: withDefault(oneOf('variant', 'family', 'manufacturer'), 'variant'),
  },
};

const archive: Archive = {
  where: 'fgvcAircraft',
  title: 'FGVC-Aircraft',
  source:
    'unpack fgvc-aircraft-2013b.tar.gz from https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/ and give the folder fgvc-aircraft-2013b',
};

const PICTURES = {train: 3334, val: 3333, trainval: 6667, test: 3333};
const CLASSES = {variant: 100, family: 70, manufacturer: 30};
const LISTS = {variant: 'variants.txt', family: 'families.txt', manufacturer: 'manufacturers.txt'};
/** Rows at the bottom that name the photographer, which a network must not learn. */
const BANNER = 20;

/**
 * Reads the aircraft pictures of FGVC-Aircraft 2013b: 3,334 pictures to train, 3,333 to validate and 3,333 to test, a box
 * each. The banner, the 20 lowest rows, is cut off; boxes are about what is left.
 *
 * @param root The folder fgvc-aircraft-2013b, its folder data, or the one that it lies in.
 * @returns Training batches as those of `imageFolder`, with labels from 0 in the order of variants.txt (families.txt,
 *   manufacturers.txt) and boxes.
 * @throws {ModelFileError} If a file is missing, with where to get it; or contradicts another, or the published counts.
 * @throws {RangeError | TypeError} If an option is not allowed.
 * @example
 * const aircraft = await fgvcAircraft('fgvc-aircraft-2013b', {split: 'trainval', level: 'family', size: [224, 224], seed: 7});
 */
export async function fgvcAircraft(root: string | URL, options: FgvcAircraftOptions): Promise<DataSet> {
  const {split, level, ...settings} = readOptions(fgvcAircraftSchema, options);
  const folder = await findRoot(archive, root, ['data', 'fgvc-aircraft-2013b/data'], 'images_box.txt');
  const {join} = nodeBuiltin('node:path');
  // A name may hold a slash, as F-16A/B, or spaces; it is compared whole.
  const classNames = (await readLines(archive, join(folder, LISTS[level]))).map((line) => line.trimEnd());
  const list = join(folder, `images_${level}_${split}.txt`);
  const boxFile = join(folder, 'images_box.txt');
  const boxes = await readPairs(archive, boxFile);
  const labelOf = new Map(classNames.map((name, index) => [name, index]));
  const rows = [...(await readPairs(archive, list))].map(([id, name]): Row => {
    const label = labelOf.get(name);
    if (label === undefined) throw archiveError(archive, `${list} has the class '${name}', which ${LISTS[level]} has not`);
    return {file: `${id}.jpg`, label, box: boxFromOne(numbersOf(archive, boxFile, valueOf(archive, boxFile, boxes, id), 4))};
  });
  const read = await splitOfRows(archive, join(folder, 'images'), rows, classNames, settings);
  const published = {classes: CLASSES[level], pictures: PICTURES[split]};
  return dataSet(archive, {...read, bannerHeight: BANNER}, published, settings, {});
}
