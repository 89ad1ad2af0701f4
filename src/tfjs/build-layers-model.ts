/** Builds a LayersModel from its topology, so that a failure leaves no half of a model behind. */
import {dispose, engine, type serialization} from '@tensorflow/tfjs-core';
import {models, type LayersModel} from '@tensorflow/tfjs-layers';

/**
 * Builds a model with fresh weights.
 *
 * @param topology What `toJSON(null, false)` gives, or `{modelTopology}` of a model.json.
 * @param customObjects Classes by name. tfjs loses them on its way into nested models, so a class that
 *   is used there has to be registered.
 * @returns The model, the caller's.
 * @throws What tfjs throws; no variable stays allocated then.
 */
export async function buildLayersModel(topology: object, customObjects?: serialization.ConfigDict): Promise<LayersModel> {
  const before = new Set(Object.keys(engine().state.registeredVariables));
  // Up to its promise modelFromJSON runs at once, so variables that are new now are this model's.
  const building = models.modelFromJSON(topology as Parameters<typeof models.modelFromJSON>[0], customObjects);
  const made = Object.entries(engine().state.registeredVariables).filter(([name]) => !before.has(name));
  try {
    return await building;
  } catch (error) {
    dispose(made.map(([, variable]) => variable));
    throw error;
  }
}
