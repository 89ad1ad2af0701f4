/** The files of a published data set: where they are, what is in them, and what to do when one is missing. */
import {ModelFileError} from '../../core/errors/model-file-error.js';
import {nodeBuiltin} from '../../core/node-builtin.js';
import {toFilePath} from '../../files/file-path.js';
import {readText} from '../../files/model-json.js';

/** A data set as its authors publish it. */
export interface Archive {
  /** The function that reads it, for messages. */
  readonly where: string;
  readonly title: string;
  /** Where its files come from, as the end of a sentence that begins with what is missing. */
  readonly source: string;
}

/** Makes the error of something that is missing or wrong in a data set; it says where to get it. */
export function archiveError({where, title, source}: Archive, what: string, cause?: unknown): ModelFileError {
  return new ModelFileError(`${where}: ${what}. ${title}: ${source}.`, cause === undefined ? undefined : {cause});
}

/** Whether a file or folder exists. */
export async function exists(path: string): Promise<boolean> {
  return nodeBuiltin('node:fs/promises')
    .access(path)
    .then(
      () => true,
      () => false,
    );
}

/** Returns the first of some paths that exists. */
export async function firstOf(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await exists(path)) return path;
  return undefined;
}

/**
 * Finds the folder of a data set: the one that is named, or one inside it as archives unpack.
 *
 * @param inside Names of such folders.
 * @param marker A file or folder that it holds.
 * @throws {ModelFileError} If none of them holds it.
 */
export async function findRoot(archive: Archive, root: string | URL, inside: readonly string[], marker: string): Promise<string> {
  const {join} = nodeBuiltin('node:path');
  const given = toFilePath(root, `${archive.where}: root`);
  for (const folder of ['', ...inside]) if (await exists(join(given, folder, marker))) return join(given, folder);
  const places = ['', ...inside].map((folder) => join(given, folder, marker)).join(' nor ');
  throw archiveError(archive, `${marker} is missing: there is no ${places}`);
}

/** Reads the lines of a text file, without empty ones. @throws {ModelFileError} If it cannot be read. */
export async function readLines(archive: Archive, file: string): Promise<string[]> {
  try {
    return (await readText(file)).split(/\r?\n/).filter((line) => line.trim() !== '');
  } catch (cause) {
    throw archiveError(archive, `${file} cannot be read (${(cause as Error).message})`, cause);
  }
}

/**
 * Reads a file of lines `key value`, where a value may hold spaces itself: only the first one separates.
 *
 * @throws {ModelFileError} If it cannot be read, a line has no value, or a key stands there twice.
 */
export async function readPairs(archive: Archive, file: string): Promise<Map<string, string>> {
  const pairs = new Map<string, string>();
  for (const line of await readLines(archive, file)) {
    const [, key, value] = /^(\S+) +(.*\S)\s*$/.exec(line) ?? [];
    if (key === undefined || value === undefined) throw archiveError(archive, `${file} has a line without two parts: '${line}'`);
    if (pairs.has(key)) throw archiveError(archive, `${file} has two lines for ${key}`);
    pairs.set(key, value);
  }
  return pairs;
}

/** Returns the value of a key. @throws {ModelFileError} If the file that was read has none. */
export function valueOf(archive: Archive, file: string, pairs: ReadonlyMap<string, string>, key: string): string {
  const value = pairs.get(key);
  if (value === undefined) throw archiveError(archive, `${file} has no line for ${key}`);
  return value;
}

/** Reads so many numbers of a text. @throws {ModelFileError} If it has others. */
export function numbersOf(archive: Archive, file: string, text: string, count: number): number[] {
  const numbers = text.trim().split(/\s+/).map(Number);
  if (numbers.length === count && numbers.every(Number.isFinite)) return numbers;
  throw archiveError(archive, `${file} should have ${count === 1 ? 'a number' : `${count} numbers`}, but has '${text}'`);
}
