/**
 * The variables of models, from their making to their end. tfjs keeps every variable in a list of its own until
 * somebody disposes of it, so what fails half-way has to be cleared away, and what `dispose` forgets as well.
 */
import {dispose, engine, type serialization, type Variable} from '@tensorflow/tfjs-core';
import {models, type LayersModel} from '@tensorflow/tfjs-layers';
import {checkModelGraph} from './check-model-graph.js';

/**
 * Builds a model with fresh weights from its topology.
 *
 * @param topology What `toJSON(null, false)` gives, or `{modelTopology}` of a model.json.
 * @param customObjects Classes by name. tfjs loses them on its way into nested models, so a class that
 *   is used there has to be registered.
 * @returns The model, the caller's.
 * @throws {Error} If its layers cannot be called in any order, and what tfjs throws; no variable stays allocated then.
 */
export async function buildLayersModel(topology: object, customObjects?: serialization.ConfigDict): Promise<LayersModel> {
  checkModelGraph(topology);
  const madeSince = watchVariables();
  // Up to its promise modelFromJSON runs at once, so variables that are new then are this model's.
  const building = models.modelFromJSON(topology as Parameters<typeof models.modelFromJSON>[0], customObjects);
  const made = madeSince();
  try {
    return await building;
  } catch (error) {
    dispose(made);
    throw error;
  }
}

/** Runs what builds a network at once; if that throws, the weights that it has made until then are freed. */
export function withoutLeftovers<T>(build: () => T): T {
  const madeSince = watchVariables();
  try {
    return build();
  } catch (error) {
    dispose(madeSince());
    throw error;
  }
}

/** Disposes of a model and of every weight that it holds; tfjs' own dispose forgets layers that were applied more than once. */
export function disposeModel(model: LayersModel): void {
  const weights = model.weights.map((weight) => weight.read());
  model.dispose();
  dispose(weights.filter((weight) => !weight.isDisposed));
}

/** Returns what lists the variables that were made since this call. */
function watchVariables(): () => Variable[] {
  const before = new Set(Object.keys(engine().registeredVariables));
  return () =>
    Object.entries(engine().registeredVariables)
      .filter(([name]) => !before.has(name))
      .map(([, variable]) => variable);
}
