/** Finds, reads and checks the model.json of a LayersModel. */
import type {io} from '@tensorflow/tfjs-core';
import {show} from '../core/check.js';
import {ModelFileError} from '../core/errors/model-file-error.js';
import {toFilePath} from './file-path.js';
import {nodeBuiltin} from '../core/node-builtin.js';

/** A model.json that was read, and the folder that its shards lie in. */
export interface ModelJsonFile {
  readonly file: string;
  readonly folder: string;
  readonly json: io.ModelJSON;
}

/** Reads JSON from a file. @throws {ModelFileError} If it cannot be read or is not JSON. */
export async function readJson(file: string): Promise<unknown> {
  const fs = nodeBuiltin('node:fs/promises');
  let text: string;
  try {
    text = await fs.readFile(file, 'utf8');
  } catch (cause) {
    throw new ModelFileError(`${file} cannot be read: ${(cause as Error).message}. Check the path.`, {cause});
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new ModelFileError(`${file} is not JSON (${(cause as Error).message}); is it complete? Copy or export it again.`, {cause});
  }
}

/** Reads a JSON object from a file. @throws {ModelFileError} If it cannot be read or holds none. */
export async function readJsonObject(file: string): Promise<Record<string, unknown>> {
  const value = await readJson(file);
  if (!isObject(value)) throw new ModelFileError(`${file} must hold a JSON object, but holds ${show(value)}.`);
  return value as Record<string, unknown>;
}

/** Returns the path of the model.json: `path` itself, or the file in the folder `path`. */
export async function findModelJson(path: string | URL): Promise<string> {
  const fs = nodeBuiltin('node:fs/promises');
  const found = toFilePath(path);
  try {
    const isFolder = (await fs.stat(found)).isDirectory();
    return isFolder ? nodeBuiltin('node:path').join(found, 'model.json') : found;
  } catch (cause) {
    throw new ModelFileError(`${found} does not exist or cannot be read; give the path of a model.json or of its folder.`, {cause});
  }
}

/**
 * Reads the model.json at `path`, a file or a folder.
 *
 * @throws {ModelFileError} If it is missing, no JSON, a GraphModel, or without topology or weights.
 */
export async function readModelJson(path: string | URL): Promise<ModelJsonFile> {
  const file = await findModelJson(path);
  const json = await readJsonObject(file);
  const topology = json['modelTopology'];
  const isGraph = json['format'] === 'graph-model' || (isObject(topology) && 'node' in topology);
  if (isGraph) {
    const advice = 'Convert the model with --output_format=tfjs_layers_model, or run it yourself and pass a score function.';
    throw new ModelFileError(`${file} is a GraphModel, whose layers cannot be reached. ${advice}`);
  }
  if (!isObject(topology)) {
    throw new ModelFileError(`${file} has no modelTopology, so it is no tfjs LayersModel; give the model.json that model.save wrote.`);
  }
  const manifest = json['weightsManifest'];
  const listed = Array.isArray(manifest) && manifest.every((group) => Array.isArray(group?.paths) && Array.isArray(group?.weights));
  if (!listed) throw new ModelFileError(`${file} has no weightsManifest with paths and weights; export the model with its weights.`);
  return {file, folder: nodeBuiltin('node:path').dirname(file), json: json as unknown as io.ModelJSON};
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
