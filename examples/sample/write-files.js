/** Writes files into a folder. */
import {mkdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';

/**
 * Returns the folder, which is made where it is missing.
 *
 * @param {string} folder
 * @param {Record<string, string | Uint8Array>} files By their names.
 */
export async function writeFiles(folder, files) {
  await mkdir(folder, {recursive: true});
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}
