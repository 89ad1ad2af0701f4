/** The classes of layers that tfjs knows by name, as its loader does. */
import {serialization} from '@tensorflow/tfjs-core';
import type {layers} from '@tensorflow/tfjs-layers';

type LayerClass = new (...parameters: never[]) => layers.Layer;

/** The class that is registered under a name; undefined where there is none, or tf.layers is not loaded. */
export function registeredClass(className: string): LayerClass | undefined {
  const known = serialization.SerializationMap.getMap().classNameMap;
  return Object.hasOwn(known, className) ? (known[className]?.[0] as unknown as LayerClass) : undefined;
}

/**
 * Whether a layer is of the class registered under that name. A subclass that forgot a name of its
 * own answers to its parent's, and computes something else.
 */
export function isOfClass(layer: layers.Layer, className: string): boolean {
  return layer.getClassName() === className && layer.constructor === registeredClass(className);
}
