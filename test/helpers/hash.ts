/** A fingerprint of a model's weights: two models with other weights have another one. */
import type {LayersModel} from '@tensorflow/tfjs-layers';

/** SHA-256 over names and values of all weights, in order. */
export async function hashWeights(model: LayersModel): Promise<string> {
  const parts: BlobPart[] = [];
  for (const weight of model.weights) parts.push(weight.originalName, (await weight.read().data()).slice() as Float32Array<ArrayBuffer>);
  const digest = await crypto.subtle.digest('SHA-256', await new Blob(parts).arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
