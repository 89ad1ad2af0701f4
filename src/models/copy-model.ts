/** A copy of a model to try things on: same layers, same weights, nothing shared with the original. */
import {dispose, tidy} from '@tensorflow/tfjs-core';
import type {layers, LayersModel} from '@tensorflow/tfjs-layers';
import {UnsupportedModelError} from '../core/errors/unsupported-model-error.js';
import {registerLayers} from '../layers/register-layers.js';
import {planGraph} from './graph/plan.js';
import {buildLayersModel, disposeModel} from '../tfjs/model-variables.js';

/** A layer with weights, in the original and in the copy. */
export interface LayerPair {
  /** As `listLayers` writes it; its first use where it is shared. */
  readonly path: string;
  readonly original: layers.Layer;
  readonly copy: layers.Layer;
}

/** The copy, and its layers with weights in the order in which they run. */
export interface ModelCopy {
  /** Usable until `dispose`. */
  readonly model: LayersModel;
  readonly pairs: readonly LayerPair[];
  dispose(): void;
}

/**
 * Copies a model by its configuration. Its classes must be registered with tfjs; ours are.
 *
 * @throws {UnsupportedModelError} If a class is unknown, or the configuration does not give the same
 *   layers again; nothing stays allocated then.
 */
export async function copyModel(where: string, original: LayersModel): Promise<ModelCopy> {
  const steps = planGraph(original).steps;
  const model = await rebuild(where, original);
  try {
    const copies = planGraph(model).steps;
    const pairs = new Map<layers.Layer, LayerPair>();
    steps.forEach(({layer, path, className}, index) => {
      const copy = copies[index];
      if (copy?.className !== className || copies.length !== steps.length) {
        throw new UnsupportedModelError(
          `${where}: model '${original.name}' cannot be copied, its configuration gives '${copy?.path}' in place of '${path}'.`,
        );
      }
      if (layer.weights.length > 0 && !pairs.has(layer)) pairs.set(layer, {path, original: layer, copy: copy.layer});
    });
    for (const pair of pairs.values()) restoreWeights(pair);
    return {model, pairs: [...pairs.values()], dispose: () => disposeModel(model)};
  } catch (error) {
    disposeModel(model);
    throw error;
  }
}

/** Gives a layer of the copy the weights of the original again. */
export function restoreWeights({original, copy}: LayerPair): void {
  // Clones, because setWeights would go on using the tensors it gets.
  const weights = tidy(() => original.getWeights().map((weight) => weight.clone()));
  copy.setWeights(weights);
  dispose(weights);
}

async function rebuild(where: string, original: LayersModel): Promise<LayersModel> {
  registerLayers();
  try {
    return await buildLayersModel(original.toJSON(null, false) as object);
  } catch (cause) {
    const {message} = cause as Error;
    const advice = message.startsWith('Unknown layer')
      ? 'Register the class (serialization.registerClass).'
      : 'Do all its layers have a complete getConfig()?';
    throw new UnsupportedModelError(`${where}: model '${original.name}' cannot be copied (${message}). ${advice}`, {cause});
  }
}
