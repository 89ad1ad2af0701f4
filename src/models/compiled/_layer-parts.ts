/** What a compiler has to know about a layer of tfjs: its weights by the names under which they were added, and its options. */
import type {Tensor} from '@tensorflow/tfjs-core';
import type {layers} from '@tensorflow/tfjs-layers';

/** Reads a weight as it is at the time; the layer's. */
export type WeightReader<T extends Tensor = Tensor> = () => T;

/** Finds a weight by the name under which the layer added it. */
export function weightOf<T extends Tensor>(layer: layers.Layer, name: string): WeightReader<T> | undefined {
  const variable = layer.weights.find(({originalName}) => originalName === name || originalName.endsWith(`/${name}`));
  return variable === undefined ? undefined : () => variable.read() as T;
}

/** Finds a weight that the layer must have. */
export function weightIn<T extends Tensor>(layer: layers.Layer, name: string): WeightReader<T> {
  const weight = weightOf<T>(layer, name);
  if (weight === undefined) throw new TypeError(`Layer '${layer.name}' has no weight '${name}'.`);
  return weight;
}

/** The options that the layer was made with. */
export function optionsOf<T>(layer: layers.Layer): T {
  return layer.getConfig() as T;
}
