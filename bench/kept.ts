/** What takes long to compute, kept on disk, so that a measurement goes on where it was stopped. */
import {existsSync} from 'node:fs';
import {mkdir, readFile, rename, writeFile} from 'node:fs/promises';
import {dirname} from 'node:path';

/** The value of a JSON file, or one that is computed and then kept there. */
export async function kept<T>(file: string, compute: () => Promise<T>): Promise<T> {
  if (existsSync(file)) return JSON.parse(await readFile(file, 'utf8')) as T;
  const value = await compute();
  await writeWhole(file, JSON.stringify(value));
  // As it will be read the next time: JSON has no NaN and no typed arrays.
  return JSON.parse(JSON.stringify(value)) as T;
}

/** Writes a file that is there whole or not at all. */
export async function writeWhole(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), {recursive: true});
  await writeFile(`${file}.part`, text);
  await rename(`${file}.part`, file);
}
