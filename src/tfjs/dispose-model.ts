/** Frees a model entirely: tfjs' own dispose forgets layers that were applied more than once. */
import {dispose} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';

/** Disposes of a model and of every weight that it holds, also those of shared layers. */
export function disposeModel(model: LayersModel): void {
  const weights = model.weights.map((weight) => weight.read());
  model.dispose();
  dispose(weights.filter((weight) => !weight.isDisposed));
}
