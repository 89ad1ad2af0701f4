/**
 * Where a model file's shard lies. A manifest is data from elsewhere: a name in it may not reach
 * out of the model's folder, neither by its text nor through a link.
 */
import {show} from '../core/check.js';
import {ModelFileError} from '../core/errors/model-file-error.js';
import {nodeBuiltin} from '../core/node-builtin.js';

/**
 * Returns the real path of a shard.
 *
 * @param folder Absolute path of the folder that holds `model.json`.
 * @param shard The name in the manifest; `/` separates sub-folders.
 * @throws {ModelFileError} If the name is absolute or has `..`, if the file is missing, or if a
 *   link leads out of the folder.
 */
export async function shardPath(folder: string, shard: unknown): Promise<string> {
  const path = nodeBuiltin('node:path');
  const fs = nodeBuiltin('node:fs/promises');
  const outside = `leaves the model's folder ${folder}; put all shards beside model.json and name them relative to it.`;
  if (typeof shard !== 'string' || shard === '' || shard.includes('\0')) {
    throw new ModelFileError(`${folder}: the manifest names a shard ${show(shard)}, which is no file name; export the model again.`);
  }
  const absolute = path.posix.isAbsolute(shard) || path.win32.isAbsolute(shard) || /^[a-z][a-z0-9+.-]*:/i.test(shard);
  if (absolute || shard.split(/[\\/]/).includes('..')) throw new ModelFileError(`The shard ${show(shard)} ${outside}`);
  let real: string;
  let realFolder: string;
  try {
    [real, realFolder] = await Promise.all([fs.realpath(path.join(folder, shard)), fs.realpath(folder)]);
  } catch (cause) {
    const advice = 'the model is not complete; copy every file of it, or export it again.';
    throw new ModelFileError(`${folder}: the shard ${show(shard)} that model.json names is missing or not readable: ${advice}`, {cause});
  }
  const inside = path.relative(realFolder, real);
  if (inside === '..' || inside.startsWith(`..${path.sep}`) || path.isAbsolute(inside)) {
    throw new ModelFileError(`The shard ${show(shard)} is a link to ${real}, which ${outside}`);
  }
  return real;
}
