/** Loads a LayersModel from files, so that a failure leaves neither weights nor half a model. */
import {dispose, io, type NamedTensorMap, type serialization} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {selectBackend} from '../backend/select-backend.js';
import {isPromise, show} from '../core/check.js';
import {ModelFileError} from '../core/errors/model-file-error.js';
import {registerLayers} from '../layers/register-layers.js';
import {buildLayersModel, disposeModel} from '../tfjs/model-variables.js';
import {checkWidths} from './layer-widths.js';
import {loadModelFiles} from './model-files.js';

const WHERE = 'loadLayersModelFromFiles';

/**
 * Loads a tfjs LayersModel from a folder, without tfjs-node, onto the backend in use; where none is,
 * {@link selectBackend} takes the fastest. Quantised weights are dequantised.
 * The training configuration and optimiser state are left out: compile the model to train it.
 *
 * @param path The folder or its model.json: a path, `file://…`, or a URL object.
 * @param customObjects Classes of layers by name, for layers that are not registered with tfjs.
 * @returns The model, the caller's to dispose.
 * @throws {TypeError | RangeError} If `path` is neither text nor a URL or not on this machine, or `customObjects` holds
 *   something else than classes.
 * @throws {ModelFileError} If a file is missing, damaged or not allowed, or if topology and weights
 *   do not fit each other; nothing stays allocated then.
 * @example
 * const model = await loadLayersModelFromFiles('models/mobilenet');
 */
export async function loadLayersModelFromFiles(path: string | URL, customObjects?: serialization.ConfigDict): Promise<LayersModel> {
  checkClasses(WHERE, customObjects);
  const artifacts = await loadModelFiles(path, WHERE); // Refuses what is no path, and perhaps cannot be made a text.
  return layersModelFromArtifacts(String(path), artifacts, customObjects);
}

/**
 * Builds a LayersModel of artifacts that are translated already, on the backend in use.
 *
 * @param path Names them in messages.
 * @throws {ModelFileError} If topology and weights do not fit each other, or cannot be built; nothing stays allocated then.
 */
export async function layersModelFromArtifacts(
  path: string,
  {modelTopology, weightData, weightSpecs = [], userDefinedMetadata}: io.ModelArtifacts,
  customObjects?: serialization.ConfigDict,
): Promise<LayersModel> {
  const topology = modelTopology as io.ModelJSON['modelTopology'];
  checkWidths(path, topology, weightSpecs);
  await selectBackend();
  registerLayers();
  const model = await build(path, topology, customObjects);
  let weights: NamedTensorMap = {};
  try {
    weights = io.decodeWeights(io.CompositeArrayBuffer.join(weightData), weightSpecs);
    const optimizer = new Set(weightSpecs.filter(({group}) => group === 'optimizer').map(({name}) => name));
    model.loadWeights(Object.fromEntries(Object.entries(weights).filter(([name]) => !optimizer.has(name))));
  } catch (cause) {
    disposeModel(model);
    const advice = 'model.json and weights come from different models, or a layer was renamed; export the model again.';
    throw new ModelFileError(`${path}: the weights do not fit the topology (${(cause as Error).message}): ${advice}`, {cause});
  } finally {
    dispose(weights);
  }
  if (userDefinedMetadata !== undefined) model.setUserDefinedMetadata(userDefinedMetadata);
  return model;
}

/** Refuses what is no object of classes. @throws {TypeError} Naming the caller. */
export function checkClasses(where: string, customObjects: unknown): void {
  if (customObjects === undefined) return;
  const isDictionary =
    typeof customObjects === 'object' && customObjects !== null && !Array.isArray(customObjects) && !isPromise(customObjects);
  if (isDictionary && Object.values(customObjects).every((each) => typeof each === 'function')) return;
  throw new TypeError(`${where}: customObjects must be an object of classes by name, but is ${show(customObjects)}.`);
}

async function build(path: string, modelTopology: object, customObjects?: serialization.ConfigDict): Promise<LayersModel> {
  try {
    return await buildLayersModel({modelTopology}, customObjects);
  } catch (cause) {
    const {message} = cause as Error;
    const advice = message.startsWith('Unknown layer')
      ? 'Register the class (serialization.registerClass) or pass it in customObjects.'
      : 'Is it a tfjs LayersModel?';
    throw new ModelFileError(`${path}: the topology cannot be built (${message}). ${advice}`, {cause});
  }
}
