/** Stanford Cars: Krause et al. 2013, "3D Object Representations for Fine-Grained Categorization". */
import {integer, either, group, oneOf, absentMeans, required, text} from '../../core/fields.js';
import {nodeBuiltin} from '../../core/node-builtin.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import type {AbsentPictureOptions} from '../picture-batches.js';
import {readMat} from '../mat/read-mat.js';
import {numberOf, structsOf, textOf, textsOf, type MatValue} from '../mat/values.js';
import {archiveError, exists, findRoot, firstOf, type Archive} from './_archive.js';
import {readCarTable, type CarTable} from './car-table.js';
import {boxFromOne, dataSet, dataSetFields, labelFromOne, splitOfRows, type DataSet, type DataSetOptions, type Row} from './data-set.js';

/** Options of {@link stanfordCars}. */
export interface StanfordCarsOptions extends DataSetOptions {
  /** Which part; the paper validates on the test set. */
  readonly split: 'train' | 'test';
  /**
   * Annotations of a copy that has them as a table (csv) instead of .mat files: `annotations` and `images` are the table of
   * this split and its folder of pictures, relative to `root`; `classNames` is a table whose first column has the names, by
   * default those of cars_meta.mat; `columns` says what each column is called, or its place from 0 where the table has no
   * head. Boxes and numbers of classes count from 1, as in the original; a class may be its name instead.
   * @default the .mat files
   */
  readonly table?: CarTable | undefined;
}

const column = either<string | number>(text(), integer(0));

/** The options of {@link stanfordCars}. */
export const stanfordCarsSchema: OptionsSchema<Settled<StanfordCarsOptions, AbsentPictureOptions | 'table'>> = {
  where: 'stanfordCars',
  fields: {
    ...dataSetFields,
    split: required(oneOf('train', 'test')),
    table: absentMeans(
      group<CarTable>({
        annotations: required(text()),
        images: required(text()),
        classNames: absentMeans(text(), 'those of cars_meta.mat'),
        columns: required(
          group<CarTable['columns']>({
            file: required(column),
            class: required(column),
            left: required(column),
            top: required(column),
            right: required(column),
            bottom: required(column),
          }),
        ),
      }),
      'the .mat files',
    ),
  },
};

const archive: Archive = {
  where: 'stanfordCars',
  title: 'Stanford Cars',
  source:
    'its address, https://ai.stanford.edu/~jkrause/cars/car_dataset.html, no longer serves it; copies are named by its files: cars_train.tgz, cars_test.tgz, car_devkit.tgz and cars_test_annos_withlabels.mat, or car_ims.tgz and cars_annos.mat. Unpack them into one folder and give that',
};

const PICTURES = {train: 8144, test: 8041};
const CLASSES = 196;
const DEVKITS = ['devkit', 'car_devkit/devkit', ''];

/**
 * Reads the car pictures of Stanford Cars: 196 classes, 8,144 pictures to train and 8,041 to test, a box each.
 *
 * @param root The folder with `cars_train`, `cars_test` and `devkit`, or with `car_ims` and `cars_annos.mat`; or the one that
 *   a folder `stanford_cars` of that kind lies in. Pictures may be one folder deeper, as copies have them.
 * @returns Training batches as those of `imageFolder`, with labels from 0 and boxes.
 * @throws {ModelFileError} If a file is missing, with where to get it; or contradicts another, or the published counts.
 * @throws {AttentiveError} If a `table` is given and the package csv-parse is not installed.
 * @throws {RangeError | TypeError} If an option is not allowed.
 * @example
 * const cars = await stanfordCars('stanford_cars', {split: 'test', size: [224, 224], shuffle: false});
 */
export async function stanfordCars(root: string | URL, options: StanfordCarsOptions): Promise<DataSet> {
  const {split, table, ...settings} = readOptions(stanfordCarsSchema, options);
  const {folder, rows, classNames} = await (table === undefined ? fromMatFiles(root, split) : fromTable(root, table));
  const read = await splitOfRows(archive, folder, rows, classNames, settings);
  return dataSet(archive, read, {classes: CLASSES, pictures: PICTURES[split]}, settings, {});
}

interface Found {
  readonly folder: string;
  readonly rows: readonly Row[];
  readonly classNames: readonly string[];
}

async function fromTable(root: string | URL, table: CarTable): Promise<Found> {
  const {join} = nodeBuiltin('node:path');
  const folder = await findRoot(archive, root, ['stanford_cars'], table.annotations);
  const names = table.classNames === undefined ? await metaNames(folder) : undefined;
  return {...(await readCarTable(archive, folder, table, names)), folder: join(folder, table.images)};
}

async function fromMatFiles(root: string | URL, split: 'train' | 'test'): Promise<Found> {
  const {join} = nodeBuiltin('node:path');
  const given = await findRoot(archive, root, ['stanford_cars'], '.');
  const inside = join(given, 'stanford_cars');
  const folder = (await exists(inside)) ? inside : given;
  const names = split === 'train' ? 'cars_train_annos.mat' : 'cars_test_annos_withlabels.mat';
  const own = await firstOf([...DEVKITS, '.'].map((devkit) => join(folder, devkit, names)));
  if (own !== undefined) {
    // Copies have the pictures in a folder of the same name inside.
    const images = `cars_${split}`;
    const nested = join(folder, images, images);
    const variables = await readMat(own, ['annotations']);
    const rows = annotationsOf(own, variables, (field) => field('fname', textOf));
    return {folder: (await exists(nested)) ? nested : join(folder, images), rows, classNames: await metaNames(folder)};
  }
  const both = join(folder, 'cars_annos.mat');
  if (await exists(both)) {
    const variables = await readMat(both, ['annotations', 'class_names']);
    const wanted = split === 'test' ? 1 : 0;
    // Relative paths begin with car_ims/.
    const rows = annotationsOf(both, variables, (field) =>
      field('test', numberOf) === wanted ? field('relative_im_path', textOf) : undefined,
    );
    return {folder, rows, classNames: textsOf(`${both}: class_names`, variables.get('class_names'))};
  }
  const unlabelled = await firstOf(DEVKITS.map((devkit) => join(folder, devkit, 'cars_test_annos.mat')));
  const note =
    split === 'test' && unlabelled !== undefined ? ` (${unlabelled} is there, but has no classes; those came as a file of its own)` : '';
  throw archiveError(
    archive,
    `the annotations are missing in ${folder}: there is neither ${names}, in it or its devkit, nor cars_annos.mat${note}`,
  );
}

async function metaNames(folder: string): Promise<string[]> {
  const {join} = nodeBuiltin('node:path');
  const file = await firstOf(DEVKITS.map((devkit) => join(folder, devkit, 'cars_meta.mat')));
  if (file === undefined)
    throw archiveError(archive, `cars_meta.mat, with the names of the classes, is missing in ${folder} and its devkit`);
  return textsOf(`${file}: class_names`, (await readMat(file, ['class_names'])).get('class_names'));
}

type Field = <V>(name: string, as: (where: string, value: MatValue | undefined) => V) => V;

/** Reads the annotations of a file; `fileOf` names the picture, or leaves the entry out. */
function annotationsOf(file: string, variables: ReadonlyMap<string, MatValue>, fileOf: (field: Field) => string | undefined): Row[] {
  const rows = structsOf(`${file}: annotations`, variables.get('annotations'), (field): Row | undefined => {
    const picture = fileOf(field);
    if (picture === undefined) return undefined;
    const corners = ['bbox_x1', 'bbox_y1', 'bbox_x2', 'bbox_y2'].map((name) => field(name, numberOf));
    return {file: picture, label: labelFromOne(field('class', numberOf)), box: boxFromOne(corners)};
  });
  return rows.filter((row) => row !== undefined);
}
