/** Loads a GraphModel from files, or of artifacts from elsewhere, by tfjs-converter, which is asked for only then. */
import type {io} from '@tensorflow/tfjs-core';
import {selectBackend} from '../backend/select-backend.js';
import {ModelFileError} from '../core/errors/model-file-error.js';
import {importOptional, importReason} from '../core/import-optional.js';
import type {GraphModelLike} from '../core/types.js';
import {readModelFiles} from './model-files.js';

const WHERE = 'loadGraphModelFromFiles';
const CONVERTER = '@tensorflow/tfjs-converter';

/** What is used of a GraphModel that was loaded here. */
export interface LoadedGraphModel extends GraphModelLike {
  /** Frees the weights. */
  dispose(): void;
}

/**
 * Loads a tfjs GraphModel from a folder, without tfjs-node, onto the backend in use; where none is,
 * {@link selectBackend} takes the fastest. Needs the package `@tensorflow/tfjs-converter`.
 *
 * @param path The folder or its model.json: a path, `file://…`, or a URL object.
 * @returns tfjs-converter's GraphModel, the caller's to dispose.
 * @throws {TypeError | RangeError} If `path` is neither text nor a URL or not on this machine.
 * @throws {ModelFileError} If a file is missing, damaged or not allowed, the model is a LayersModel, or the package is missing.
 * @example
 * const teacher = teacherFromGraphModel(await loadGraphModelFromFiles('models/graph'));
 */
export async function loadGraphModelFromFiles(path: string | URL): Promise<LoadedGraphModel> {
  const {file, kind, artifacts} = await readModelFiles(path, WHERE);
  if (kind !== 'graph-model')
    throw new ModelFileError(`${file} is a LayersModel: load it with loadTeacher() or loadLayersModelFromFiles().`);
  return graphModelFromArtifacts(file, artifacts);
}

/** tfjs-converter's function of that name. */
export type LoadGraphModel = (handler: io.IOHandler) => Promise<LoadedGraphModel>;

/**
 * Builds a GraphModel.
 *
 * @param loadGraphModel Asked for by the name of its package where it is not given.
 * @throws {ModelFileError} If tfjs-converter is missing or refuses it.
 */
export async function graphModelFromArtifacts(
  path: string,
  artifacts: io.ModelArtifacts,
  loadGraphModel?: LoadGraphModel,
): Promise<LoadedGraphModel> {
  await selectBackend();
  const load = loadGraphModel ?? (await fromConverter(path));
  try {
    return await load({load: () => Promise.resolve(artifacts)});
  } catch (cause) {
    throw new ModelFileError(`${path}: the GraphModel cannot be built (${(cause as Error).message}). Convert it again.`, {cause});
  }
}

async function fromConverter(path: string): Promise<LoadGraphModel> {
  try {
    return (await importOptional(CONVERTER))['loadGraphModel'] as LoadGraphModel;
  } catch (cause) {
    throw new ModelFileError(
      `${path} is a GraphModel. ${importReason(CONVERTER, cause)} In a page, pass loadGraphModel of that package as an option to loadTeacher().`,
      {cause},
    );
  }
}
