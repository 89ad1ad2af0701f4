/** The folders of ImageNet's pictures: `train/<WNID>/`, and `val/` flat or by WNID. */
import {nodeBuiltin} from '../../core/node-builtin.js';
import {archiveError, type Archive} from './_archive.js';
import type {Devkit} from './_image-net-devkit.js';

/** Pictures with their classes. */
export interface Listing {
  /** Names relative to the root. */
  readonly files: readonly string[];
  readonly labels: Int32Array;
  /** WNIDs of the classes, sorted. */
  readonly wnids: readonly string[];
  /** Numbers of the pictures, from 1; of `val`. */
  readonly numbers?: Int32Array;
}

const WNID = /^n\d{8}$/;
const PICTURE = /\.jpe?g$/i;
const VAL_PICTURE = /^ILSVRC2012_val_(\d{8})\.jpe?g$/i;
const CLASSES = 1000;

/**
 * Lists the training pictures, class by class.
 *
 * @throws {ModelFileError} If there is none, or a folder is no class.
 */
export async function readTrain(archive: Archive, root: string, devkit: Devkit | undefined): Promise<Listing> {
  const folders = await wnidFolders(root, 'train');
  const wnids = classesOf(archive, 'train', folders, devkit);
  const labelOf = new Map(wnids.map((wnid, label) => [wnid, label]));
  const files: string[] = [];
  const labels: number[] = [];
  for (const wnid of folders) {
    for (const name of await namesIn(root, `train/${wnid}`)) {
      if (!PICTURE.test(name) || name.startsWith('.')) continue;
      files.push(`train/${wnid}/${name}`);
      labels.push(labelOf.get(wnid) as number);
    }
  }
  if (files.length === 0) throw archiveError(archive, `there are no pictures in ${root}/train/<WNID>/`);
  return {files, labels: Int32Array.from(labels), wnids};
}

/**
 * Lists the validation pictures by their numbers.
 *
 * @throws {ModelFileError} If there is none; a flat folder has no devkit beside it; or devkit and folder contradict.
 */
export async function readVal(archive: Archive, root: string, devkit: Devkit | undefined): Promise<Listing> {
  const folders = await wnidFolders(root, 'val');
  const found: {number: number; file: string; wnid: string}[] = [];
  for (const folder of ['', ...folders]) {
    for (const name of await namesIn(root, `val/${folder}`)) {
      const number = Number(VAL_PICTURE.exec(name)?.[1] ?? NaN);
      if (Number.isNaN(number)) continue;
      const answer = devkit?.answerOf(number);
      const wnid = folder === '' ? answer : folder;
      if (wnid === undefined) {
        throw archiveError(
          archive,
          `val/${name} lies in no folder of its class, so its label stands in the devkit, which is missing in ${root}`,
        );
      }
      if (answer !== undefined && wnid !== answer) throw archiveError(archive, `val/${folder}/${name} is of class ${answer} by the devkit`);
      found.push({number, file: folder === '' ? `val/${name}` : `val/${folder}/${name}`, wnid});
    }
  }
  if (found.length === 0) throw archiveError(archive, `there is no ILSVRC2012_val_0000NNNN.JPEG in ${root}/val or its folders`);
  found.sort((a, b) => a.number - b.number);
  const twice = found.find(({number}, index) => found[index + 1]?.number === number);
  if (twice !== undefined) throw archiveError(archive, `picture ${twice.number} of val is there twice, as ${twice.file}`);
  const wnids = classesOf(archive, 'val', folders, devkit);
  const labelOf = new Map(wnids.map((wnid, label) => [wnid, label]));
  return {
    files: found.map(({file}) => file),
    labels: Int32Array.from(found, ({wnid}) => labelOf.get(wnid) as number),
    wnids,
    numbers: Int32Array.from(found, ({number}) => number),
  };
}

/** The WNIDs of all classes: labels are places among these, so a part of the folders would number them wrongly. */
function classesOf(archive: Archive, split: string, folders: readonly string[], devkit: Devkit | undefined): readonly string[] {
  if (devkit === undefined) {
    if (folders.length === CLASSES) return folders;
    throw archiveError(
      archive,
      `${split} has ${folders.length} folders of classes instead of ${CLASSES}, and without the devkit (the option devkit) nothing says which labels they have among all`,
    );
  }
  const unknown = folders.find((wnid) => !devkit.wnids.includes(wnid));
  if (unknown !== undefined) throw archiveError(archive, `${split}/${unknown} is no class of the devkit`);
  return devkit.wnids;
}

async function wnidFolders(root: string, split: string): Promise<string[]> {
  return (await namesIn(root, split)).filter((name) => WNID.test(name));
}

async function namesIn(root: string, folder: string): Promise<string[]> {
  const path = nodeBuiltin('node:path');
  return (await nodeBuiltin('node:fs/promises').readdir(path.join(root, folder))).sort();
}
