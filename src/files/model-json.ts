/** Finds, reads and checks the model.json of a model. */
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
  readonly kind: ModelKind;
}

/** The two kinds of models that tfjs has. */
export type ModelKind = 'layers-model' | 'graph-model';

/** Which kind the parts of a model.json are of. */
export function modelKind({format, modelTopology}: {readonly format?: unknown; readonly modelTopology?: unknown}): ModelKind {
  return format === 'graph-model' || (isObject(modelTopology) && 'node' in modelTopology) ? 'graph-model' : 'layers-model';
}

/** Far more than models have, which nest about five deep for every model inside another. */
const MAX_DEPTH = 500;

/**
 * Reads JSON from a file.
 *
 * @throws {ModelFileError} If it cannot be read, is no regular file (reading a pipe would never end), is not JSON, or is
 *   nested more than 500 deep.
 */
export async function readJson(file: string): Promise<unknown> {
  return parseJson(file, await readText(file));
}

/** Reads a text, without a byte order mark. @throws {ModelFileError} See {@link readRegularFile}. */
export async function readText(file: string): Promise<string> {
  return new TextDecoder().decode(await readRegularFile(file));
}

function parseJson(file: string, text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ModelFileError(`${file} is not JSON (${(cause as Error).message}); is it complete? Copy or export it again.`, {cause});
  }
  if (isDeeperThan(value, MAX_DEPTH)) throw new ModelFileError(`${file} is nested more than ${MAX_DEPTH} deep, which no model is.`);
  return value;
}

/** Reads a file whole. @throws {ModelFileError} If it cannot be read, or is a folder, a pipe or a device. */
export async function readRegularFile(file: string): Promise<Uint8Array> {
  const fs = nodeBuiltin('node:fs/promises');
  let isFile: boolean;
  try {
    isFile = (await fs.stat(file)).isFile();
    if (isFile) return await fs.readFile(file);
  } catch (cause) {
    throw new ModelFileError(`${file} cannot be read: ${(cause as Error).message}. Check the path.`, {cause});
  }
  throw new ModelFileError(`${file} cannot be read: it is no regular file. Check the path.`);
}

/** Without recursion, which is what such a value would break. */
function isDeeperThan(value: unknown, limit: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; depth <= limit; depth++) {
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []));
    if (level.length === 0) return false;
  }
  return true;
}

/** Reads a JSON object from a file. @throws {ModelFileError} If it cannot be read or holds none. */
export async function readJsonObject(file: string): Promise<Record<string, unknown>> {
  return parseJsonObject(file, await readText(file));
}

/** Parses the text of `file`. @throws {ModelFileError} If it holds no JSON object. */
export function parseJsonObject(file: string, text: string): Record<string, unknown> {
  const value = parseJson(file, text);
  if (!isObject(value)) throw new ModelFileError(`${file} must hold a JSON object, but holds ${show(value)}.`);
  return value as Record<string, unknown>;
}

/** What Keras saves has to be converted first. @throws {ModelFileError} If the path is that of such a file. */
export function refuseKerasFile(path: string): void {
  const [, kind] = /\.(keras|h5|hdf5|pb|tflite|onnx)$/i.exec(path) ?? [];
  if (kind === undefined) return;
  const advice = {
    onnx: 'Run it with ONNX Runtime, and pass a score function.',
    tflite: 'Run it with LiteRT, and pass a score function.',
    pb: 'Convert the folder of the SavedModel: tensorflowjs_converter --input_format=tf_saved_model FOLDER OUT.',
  }[kind.toLowerCase()];
  const convert =
    'Convert it (pip install tensorflowjs): tensorflowjs_converter --input_format=keras MODEL.h5 OUT, or tensorflowjs.converters.save_keras_model(model, "OUT") in Python; and load OUT.';
  throw new ModelFileError(`${path} is a file that tf.layers cannot read. ${advice ?? convert}`);
}

/** Returns the path of the model.json: `path` itself, or the file in the folder `path`. */
export async function findModelJson(path: string | URL, where?: string): Promise<string> {
  const fs = nodeBuiltin('node:fs/promises');
  const found = toFilePath(path, where && `${where}: path`);
  refuseKerasFile(found);
  try {
    const isFolder = (await fs.stat(found)).isDirectory();
    return isFolder ? nodeBuiltin('node:path').join(found, 'model.json') : found;
  } catch (cause) {
    throw new ModelFileError(
      `${where === undefined ? '' : `${where}: `}${found} does not exist or cannot be read; give the path of a model.json or of its folder.`,
      {cause},
    );
  }
}

/**
 * Reads the model.json at `path`, a file or a folder.
 *
 * @param where Names the caller in messages about `path`.
 * @throws {ModelFileError} If it is missing, no JSON, or without topology or weights.
 */
export async function readModelJson(path: string | URL, where?: string): Promise<ModelJsonFile> {
  const file = await findModelJson(path, where);
  const json = await readJsonObject(file);
  const topology = json['modelTopology'];
  if (!isObject(topology)) {
    throw new ModelFileError(`${file} has no modelTopology, so it is no tfjs model; give the model.json that model.save wrote.`);
  }
  const manifest = json['weightsManifest'];
  const listed = Array.isArray(manifest) && manifest.every((group) => Array.isArray(group?.paths) && Array.isArray(group?.weights));
  if (!listed) throw new ModelFileError(`${file} has no weightsManifest with paths and weights; export the model with its weights.`);
  return {file, folder: nodeBuiltin('node:path').dirname(file), json: json as unknown as io.ModelJSON, kind: modelKind(json)};
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
