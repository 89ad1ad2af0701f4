/** A model that came from another thread, built again. Runs in the worker thread. */
import {dispose, io} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {UnsupportedModelError} from '../core/errors/unsupported-model-error.js';
import {registerLayers} from '../layers/register-layers.js';
import type {PackedModel} from './thread-task.js';
import {buildLayersModel, disposeModel} from '../tfjs/model-variables.js';

/**
 * Builds the model again; it belongs to the caller.
 *
 * @throws {UnsupportedModelError} If the topology cannot be built here or has other weights.
 */
export async function unpackModel({name, form, weights}: PackedModel): Promise<LayersModel> {
  // Decoders refuse shared memory, so the text is copied out of it.
  const {topology, specs} = JSON.parse(new TextDecoder().decode(form.slice())) as {topology: object; specs: io.WeightsManifestEntry[]};
  const model = await build(name, topology);
  const values = Object.values(
    io.decodeWeights(
      weights.slice().buffer,
      specs.map((spec, index) => ({...spec, name: String(index)})),
    ),
  );
  try {
    const names = model.weights.map((weight) => weight.originalName);
    const wrong = specs.findIndex((spec, index) => spec.name !== names[index]);
    if (wrong >= 0) throw new Error(`its weight '${specs[wrong]?.name}' became '${names[wrong]}'`);
    model.setWeights(values);
    return model;
  } catch (cause) {
    disposeModel(model);
    throw refusal(name, cause as Error, 'Do all its layers have a complete getConfig()?');
  } finally {
    dispose(values);
  }
}

async function build(name: string, topology: object): Promise<LayersModel> {
  registerLayers();
  try {
    return await buildLayersModel(topology);
  } catch (cause) {
    const advice = (cause as Error).message.startsWith('Unknown layer')
      ? 'Threads know layer classes of your own only if they are registered there as well: put serialization.registerClass into a module and start Node with --import THAT_MODULE, which threads follow.'
      : 'Do all its layers have a complete getConfig()?';
    throw refusal(name, cause as Error, advice);
  }
}

function refusal(name: string, cause: Error, advice: string): UnsupportedModelError {
  return new UnsupportedModelError(`Model '${name}' cannot be built in a worker thread (${cause.message}). ${advice}`, {cause});
}
