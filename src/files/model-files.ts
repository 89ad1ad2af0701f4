/**
 * Reads a model from files without tfjs-node: tfjs has no file loader of its own in Node.
 * Every length is known from the manifest before a byte is read, so nothing half is decoded.
 */
import type {io} from '@tensorflow/tfjs-core';
import {ModelFileError} from '../core/errors/model-file-error.js';
import {nodeBuiltin} from '../core/node-builtin.js';
import {toFilePath} from './file-path.js';
import {translateKeras} from './keras/translate-keras.js';
import {readModelJson, type ModelJsonFile} from './model-json.js';
import {shardPath} from './shard-path.js';
import {weightsByteLength} from './weight-size.js';

interface Shard {
  readonly path: string;
  readonly bytes: number;
}

/**
 * Makes a handler for `loadLayersModel` that reads model.json and its shards from a folder.
 *
 * @param path The folder or its model.json: a path, `file://…`, or a URL object.
 * @returns A handler that can load, not save. Keras 3 topologies are rewritten for tfjs.
 * @throws {TypeError | RangeError} If `path` is neither text nor a URL, or not on this machine.
 * @throws {ModelFileError} On `load`, if a file is missing, too short, too long, outside the folder,
 *   not a LayersModel, or names a dtype that tfjs does not know.
 */
export function fileModelHandler(path: string | URL): io.IOHandler {
  const file = toFilePath(path, 'fileModelHandler: path');
  return {load: () => loadModelFiles(file, 'fileModelHandler')};
}

/** Reads what {@link fileModelHandler} hands to tfjs. @throws {ModelFileError} See there. */
export async function loadModelFiles(path: string | URL, where: string): Promise<io.ModelArtifacts> {
  const {file, kind, artifacts} = await readModelFiles(path, where);
  if (kind === 'graph-model') throw new ModelFileError(`${file} is a GraphModel: load it with loadTeacher() or loadGraphModelFromFiles().`);
  return translateKeras(file, artifacts);
}

/** A model of either kind, as its files have it. */
export interface ModelFiles extends Pick<ModelJsonFile, 'file' | 'kind'> {
  readonly artifacts: io.ModelArtifacts;
}

/** Reads the files of a model of either kind. @throws {ModelFileError} See {@link fileModelHandler}. */
export async function readModelFiles(path: string | URL, where: string): Promise<ModelFiles> {
  const {file, folder, json, kind} = await readModelJson(path, where);
  const {modelTopology, weightsManifest, ...rest} = json;
  // Checks of all groups come first: a bad last shard costs no reading.
  const groups = await Promise.all(weightsManifest.map((group) => findShards(file, folder, group)));
  const shards = groups.flat();
  const weightData = new ArrayBuffer(shards.reduce((sum, {bytes}) => sum + bytes, 0));
  let offset = 0;
  for (const shard of shards) {
    await readInto(new Uint8Array(weightData, offset, shard.bytes), shard.path);
    offset += shard.bytes;
  }
  const weightSpecs = weightsManifest.flatMap(({weights}) => weights);
  return {file, kind, artifacts: {...rest, modelTopology, weightSpecs, weightData}};
}

async function findShards(file: string, folder: string, group: io.WeightsManifestConfig[number]): Promise<Shard[]> {
  const fs = nodeBuiltin('node:fs/promises');
  const expected = weightsByteLength(file, group.weights);
  const shards: Shard[] = [];
  for (const name of group.paths) {
    const path = await shardPath(folder, name);
    const stats = await fs.stat(path);
    if (!stats.isFile()) throw new ModelFileError(`${path} is a shard of ${file}, but no regular file; export the model again.`);
    shards.push({path, bytes: stats.size});
  }
  const found = shards.reduce((sum, {bytes}) => sum + bytes, 0);
  if (found !== expected) {
    const kind = found < expected ? 'too short' : 'too long';
    const names = group.paths.slice(0, 3).join(', ') + (group.paths.length > 3 ? ', …' : '');
    throw new ModelFileError(
      `${folder}: the shards ${names} are ${kind}: ${found} bytes, but model.json describes ${expected}. Copy or export the model again.`,
    );
  }
  return shards;
}

/** Fills `target` from the file; a file that changed its length meanwhile is an error. */
async function readInto(target: Uint8Array, path: string): Promise<void> {
  const handle = await nodeBuiltin('node:fs/promises').open(path, 'r');
  try {
    let filled = 0;
    while (filled < target.byteLength) {
      const {bytesRead} = await handle.read(target, filled, target.byteLength - filled, filled);
      if (bytesRead === 0) throw new ModelFileError(`${path} became shorter while it was read; is it still being written? Load it again.`);
      filled += bytesRead;
    }
  } finally {
    await handle.close();
  }
}
