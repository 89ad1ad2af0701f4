/** Whether something is a tfjs model that can be used. */
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {isPromise, show} from '../core/check.js';

/**
 * Checks that an argument is a tfjs model that can be used. Whether it is a classifier is for others to say.
 *
 * @param where Names the function and the argument in messages.
 * @throws {TypeError} If it is something else, or disposed; a promise of one is told to be awaited.
 */
export function checkLayersModel(where: string, model: unknown): asserts model is LayersModel {
  const {layers, predict, execute} = (model ?? {}) as {layers?: unknown; predict?: unknown; execute?: unknown};
  // A GraphModel passes, since what it lacks is said better later.
  const looksLikeOne = Array.isArray(layers) || typeof predict === 'function' || typeof execute === 'function';
  const isModel = typeof model === 'object' && !isPromise(model) && looksLikeOne;
  if (!isModel) throw new TypeError(`${where} must be a LayersModel, but is ${show(model)}.`);
  if (isDisposed(model as LayersModel)) throw new TypeError(`${where} must be a LayersModel, but is one that has been disposed.`);
}

/** Whether a LayersModel has been disposed, so that it cannot run any more. */
export function isDisposed({weights}: {readonly weights?: unknown}): boolean {
  if (!Array.isArray(weights)) return false;
  try {
    for (const weight of weights as LayersModel['weights']) weight.read();
    return false;
  } catch {
    return true; // Reading is what tfjs refuses then, and nothing else tells.
  }
}
