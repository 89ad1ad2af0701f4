/** From what stands on the command line to pictures: files, folders and patterns. The patterns are tinyglobby's. */
import {stat} from 'node:fs/promises';
import {dirname, extname, isAbsolute, join, relative, resolve, sep} from 'node:path';
import {glob, isDynamicPattern} from 'tinyglobby';
import {isPicture, listImages} from '../node/list-images.js';
import {CommandError, exitCodes} from './exit-code.js';

/** A picture that was asked for. */
export interface FoundPicture {
  /** As the caller would name it. */
  readonly file: string;
  /** Absolute path. */
  readonly path: string;
  /** Relative to the folder that all pictures have in common, with `/`. */
  readonly name: string;
  /** What files about it are called: `name` without its extension, unless two pictures would share that. */
  readonly stem: string;
}

/** All pictures, in the order of the command line, and within a folder or pattern by name. */
export interface FoundPictures {
  /** Absolute path of the deepest folder that holds them all. */
  readonly root: string;
  readonly pictures: readonly FoundPicture[];
}

/**
 * Finds the pictures of some files, folders (with all below) and patterns such as `'photos/**\/*.jpg'`. Each counts once.
 *
 * @throws {CommandError} If there is no such file or folder, or no picture at all: exit code 3.
 */
export async function findPictures(sources: readonly string[]): Promise<FoundPictures> {
  const files = new Map<string, string>();
  for (const source of sources) for (const file of await filesOf(source)) files.set(resolve(file), file);
  const paths = [...files.keys()];
  const root = paths.map(dirname).reduce(commonFolder);
  const named = [...files].map(([path, file]) => ({file, path, name: relative(root, path).split(sep).join('/')}));
  const stems = named.map(({name}) => name.slice(0, name.length - extname(name).length));
  // Some file systems take capitals for small letters.
  const counts = new Map<string, number>();
  for (const stem of stems) counts.set(stem.toLowerCase(), (counts.get(stem.toLowerCase()) ?? 0) + 1);
  const stemOf = (index: number, name: string): string => {
    const stem = stems[index] as string;
    return counts.get(stem.toLowerCase()) === 1 ? stem : name;
  };
  return {root, pictures: named.map((each, index) => ({...each, stem: stemOf(index, each.name)}))};
}

async function filesOf(source: string): Promise<string[]> {
  const found = await stat(source).catch(() => undefined);
  if (found?.isFile()) return [source];
  if (found?.isDirectory()) {
    const names = await listImages('The pictures', resolve(source)).catch((cause: Error) => {
      throw new CommandError(cause.message, exitCodes.noPictures, {cause});
    });
    return names.map((name) => join(source, name));
  }
  if (!isDynamicPattern(source)) throw new CommandError(`There is no file or folder '${source}'. Check the path.`, exitCodes.noPictures);
  const pattern = process.platform === 'win32' ? source.replaceAll('\\', '/') : source;
  const matches = await glob(pattern, {absolute: isAbsolute(source), expandDirectories: false});
  const pictures = matches.filter(isPicture).sort();
  if (pictures.length > 0) return pictures;
  const instead = matches.length === 0 ? 'nothing' : `${matches.length} files, none of them a picture`;
  throw new CommandError(`The pattern '${source}' matches ${instead}. (Within quotes, ** stands for any folders.)`, exitCodes.noPictures);
}

function commonFolder(one: string, other: string): string {
  const [a, b] = [one.split(sep), other.split(sep)];
  const end = a.findIndex((part, index) => part !== b[index]);
  const common = (end < 0 ? a : a.slice(0, end)).join(sep);
  return common === '' ? sep : common;
}
