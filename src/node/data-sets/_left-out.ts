/** The list of validation pictures that are left out of ImageNet. */
import {toFilePath} from '../../files/file-path.js';
import {archiveError, readLines, type Archive} from './_archive.js';

/**
 * Reads the numbers of pictures, which count from 1.
 *
 * @param source The numbers, or a file that has one in each line.
 * @param count How many pictures there are.
 * @throws {ModelFileError} If the file cannot be read, one is no number of a picture, or one stands there twice.
 */
export async function readLeftOut(archive: Archive, source: string | URL | readonly number[], count: number): Promise<Set<number>> {
  const isFile = typeof source === 'string' || source instanceof URL;
  const file = isFile ? toFilePath(source, `${archive.where}: leftOut`) : 'leftOut';
  const values = isFile ? (await readLines(archive, file)).map((line) => Number(line.trim())) : source;
  const wrong = values.find((value) => !(Number.isInteger(value) && value >= 1 && value <= count));
  if (wrong !== undefined) throw archiveError(archive, `${file} must hold whole numbers from 1 to ${count}, but has ${wrong}`);
  const left = new Set(values);
  if (left.size !== values.length) throw archiveError(archive, `${file} names ${values.length - left.size} pictures twice`);
  return left;
}
