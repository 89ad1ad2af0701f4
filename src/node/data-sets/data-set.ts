/** What all data sets have in common: their options, what they give, and the check that everything is there. */
import {at} from '../../core/at.js';
import {boolean, withDefault} from '../../core/fields.js';
import {nodeBuiltin} from '../../core/node-builtin.js';
import type {OptionsSchema, Settled} from '../../core/options.js';
import {
  pictureBatches,
  pictureFields,
  type AbsentPictureOptions,
  type AnnotatedBatch,
  type PictureBatches,
  type PictureList,
  type PictureOptions,
} from '../picture-batches.js';
import type {PixelBox} from '../shown-boxes.js';
import {archiveError, type Archive} from './_archive.js';

/** Options of every data set. */
export interface DataSetOptions extends PictureOptions {
  /**
   * Whether as many classes and pictures must be there as were published; `false` takes those pictures of the set that are
   * there. @default true
   */
  readonly complete?: boolean | undefined;
}

/** The options with their defaults. */
export type DataSetSettings = Settled<DataSetOptions, AbsentPictureOptions>;

/** The fields of {@link DataSetOptions}. */
export const dataSetFields: OptionsSchema<DataSetSettings>['fields'] = {
  ...pictureFields,
  complete: withDefault(boolean(), true),
};

/** A split of a published data set: training batches with labels and boxes, as a function of the epoch. */
export interface DataSet extends PictureBatches {
  (epoch: number): AsyncGenerator<AnnotatedBatch, void, undefined>;
  /** Class index of each file, from 0. */
  readonly labels: Int32Array;
  /** Names of all classes, by their index, as the data set writes them. */
  readonly classNames: readonly string[];
}

/** A picture as the annotations list it. */
export interface Row {
  /** Name relative to the folder of the pictures. */
  readonly file: string;
  /** Class index from 0. */
  readonly label: number;
  readonly box: PixelBox;
}

/** How many classes and pictures a split has. */
export interface Counts {
  readonly classes: number;
  readonly pictures: number;
}

/** A split as it was read. */
export interface Split extends Omit<PictureList, 'upright'> {
  readonly labels: Int32Array;
  readonly classNames: readonly string[];
}

/**
 * Makes a split of its annotations.
 *
 * @param folder Absolute path of the pictures.
 * @throws {ModelFileError} If a label is no class, or with `complete` a picture is missing; without, if all are.
 */
export async function splitOfRows(
  archive: Archive,
  folder: string,
  rows: readonly Row[],
  classNames: readonly string[],
  {complete}: Pick<DataSetSettings, 'complete'>,
): Promise<Split> {
  const wrong = rows.find(({label}) => !(Number.isInteger(label) && label >= 0 && label < classNames.length));
  if (wrong !== undefined) {
    throw archiveError(archive, `${wrong.file} is of class ${wrong.label + 1}, but there are ${classNames.length} classes, counted from 1`);
  }
  const present = await filesIn(folder, new Set(rows.map(({file}) => directoryOf(file))));
  const kept = rows.filter(({file}) => present.has(file));
  const missing = rows.find(({file}) => !present.has(file));
  if (missing !== undefined && (complete || kept.length === 0)) {
    const advice = complete ? '; complete: false takes those that are there' : '';
    throw archiveError(
      archive,
      `${rows.length - kept.length} of ${rows.length} pictures are missing in ${folder}, ${missing.file} the first${advice}`,
    );
  }
  return {
    root: folder,
    files: kept.map(({file}) => file),
    labels: Int32Array.from(kept, ({label}) => label),
    classNames,
    boxesOf: (index) => [(kept[index] as Row).box],
  };
}

/** Makes the batches of a split. @throws {ModelFileError} If `complete` is asked for and the counts are others than the published. */
export function dataSet<More extends object>(
  archive: Archive,
  {classNames, ...list}: Split,
  published: Counts,
  {complete, ...settings}: DataSetSettings,
  more: More,
): DataSet & More {
  const found: Counts = {classes: classNames.length, pictures: list.files.length};
  for (const what of ['classes', 'pictures'] as const) {
    if (!complete || found[what] === published[what]) continue;
    throw archiveError(
      archive,
      `there are ${found[what]} ${what} where ${published[what]} were published; complete: false takes a part of the set`,
    );
  }
  // As stored: boxes are about the stored pixels, and published results did not turn pictures either.
  return pictureBatches(archive.where, {...list, upright: false}, settings, {classNames, ...more}) as unknown as DataSet & More;
}

/** The names below `folder` of all files in some of its folders. */
async function filesIn(folder: string, directories: ReadonlySet<string>): Promise<Set<string>> {
  const fs = nodeBuiltin('node:fs/promises');
  const path = nodeBuiltin('node:path');
  const found = new Set<string>();
  for (const directory of directories) {
    const names = await fs.readdir(path.join(folder, directory)).catch((): string[] => []);
    for (const name of names) found.add(directory === '' ? name : `${directory}/${name}`);
  }
  return found;
}

function directoryOf(file: string): string {
  return file.slice(0, Math.max(0, file.lastIndexOf('/')));
}

/** Returns the label of a class that is counted from 1. */
export function labelFromOne(classNumber: number): number {
  return classNumber - 1;
}

/** Returns a box whose corners are pixels counted from 1, both inside. */
export function boxFromOne([left, top, right, bottom]: readonly number[]): PixelBox {
  const corners = [left, top, right, bottom] as number[];
  return [at(corners, 0) - 1, at(corners, 1) - 1, at(corners, 2), at(corners, 3)];
}
