/** A fingerprint of a model's weights: two models with other weights have another one. */
import {createHash} from 'node:crypto';
import type {LayersModel} from '@tensorflow/tfjs-layers';

/** SHA-256 over names and values of all weights, in order. */
export function hashWeights(model: LayersModel): string {
  const hash = createHash('sha256');
  for (const weight of model.weights) hash.update(weight.originalName).update(new Uint8Array(weight.read().dataSync().slice().buffer));
  return hash.digest('hex');
}
