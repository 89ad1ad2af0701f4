/** Lists the pictures of a folder and their class labels. */
import {checkInteger, show} from '../core/check.js';
import {ModelFileError} from '../core/errors/model-file-error.js';
import {nodeBuiltin} from '../core/node-builtin.js';
import {readJson} from '../files/model-json.js';

// Those that cannot be decoded too: they are reported, not passed over.
const pictures = /\.(jpe?g|jfif|png|webp|avif|gif|tiff?|bmp|heic|heif|jxl|jp2|svg)$/i;

/**
 * Where class labels come from: `'folders'`, the names of the folders right below, sorted;
 * `'index'`, a file index.json with `[{file, label}, …]`; or a function of the file's name.
 */
export type LabelSource = 'folders' | 'index' | ((file: string) => number);

const MAX_LABEL = 2 ** 31 - 1;

/** The labels of some files. */
export interface FolderLabels {
  /** Class index of each file. */
  readonly labels: Int32Array;
  /** Names of the classes, where they are folders. */
  readonly classNames?: readonly string[];
}

/** Whether a name has the extension of a picture. */
export function isPicture(name: string): boolean {
  return pictures.test(name);
}

/**
 * Lists the pictures below a folder, by their extension. Names that begin with a dot are left out,
 * and links to folders are not followed.
 *
 * @param where Names the caller in messages.
 * @param folder Absolute path.
 * @returns Names relative to the folder, with `/`, sorted by code unit (the same on every machine).
 * @throws {ModelFileError} If the folder cannot be read or holds no picture.
 */
export async function listImages(where: string, folder: string): Promise<string[]> {
  const fs = nodeBuiltin('node:fs/promises');
  const path = nodeBuiltin('node:path');
  const files: string[] = [];
  try {
    for (const entry of await fs.readdir(folder, {recursive: true, withFileTypes: true})) {
      const full = path.join(entry.parentPath, entry.name);
      const name = path.relative(folder, full).split(path.sep).join('/');
      if (!isPicture(name) || /(^|\/)\./.test(name)) continue;
      // A link that leads nowhere is a picture that cannot be read.
      const leadsTo = entry.isSymbolicLink() ? await fs.stat(full).catch(() => null) : entry;
      if (leadsTo === null || leadsTo.isFile()) files.push(name);
    }
  } catch (cause) {
    throw new ModelFileError(`${where}: the folder ${folder} cannot be read: ${(cause as Error).message}. Check the path.`, {cause});
  }
  if (files.length === 0) throw new ModelFileError(`${where}: the folder ${folder} holds no picture (jpg, png, webp, avif, gif or tiff).`);
  return files.sort();
}

/**
 * Finds the label of every file.
 *
 * @throws {ModelFileError} If a file lies in no class folder, or index.json is missing, malformed or
 *   does not name it.
 * @throws {RangeError | TypeError} If a label is not a whole number from 0 to 2³¹ − 1.
 */
export async function labelImages(where: string, folder: string, files: readonly string[], source: LabelSource): Promise<FolderLabels> {
  if (typeof source === 'function')
    return {labels: Int32Array.from(files, (file) => checkInteger(`${where}: labels(${show(file)})`, source(file), 0, MAX_LABEL))};
  if (source === 'index') return {labels: await indexLabels(where, folder, files)};
  const classOf = (file: string): string => {
    const end = file.indexOf('/');
    if (end < 0)
      throw new ModelFileError(`${where}: ${file} in ${folder} lies in no class folder; with labels: 'folders' every picture must.`);
    return file.slice(0, end);
  };
  // Every folder is a class, one without readable pictures too: labels must not depend on what can be decoded.
  const entries = await nodeBuiltin('node:fs/promises').readdir(folder, {withFileTypes: true});
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({name}) => name);
  const classNames = [...new Set([...folders, ...files.map(classOf)])].sort();
  const indices = new Map(classNames.map((name, index) => [name, index]));
  return {labels: Int32Array.from(files, (file) => indices.get(classOf(file)) as number), classNames};
}

async function indexLabels(where: string, folder: string, files: readonly string[]): Promise<Int32Array> {
  const file = nodeBuiltin('node:path').join(folder, 'index.json');
  const index = await readJson(file);
  if (!Array.isArray(index)) throw new ModelFileError(`${where}: ${file} must hold an array of {file, label}.`);
  const known = new Map(index.map((entry: {file?: unknown; label?: unknown} | null) => [entry?.file, entry?.label]));
  return Int32Array.from(files, (name) => {
    if (!known.has(name))
      throw new ModelFileError(`${where}: ${file} has no entry for ${show(name)}; add {file, label} or move the picture away.`);
    return checkInteger(`${where}: ${file}: the label of ${show(name)}`, known.get(name), 0, MAX_LABEL);
  });
}
