/** A GraphModel that is given as a model, read once. */
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {layersModelOfGraph} from './layers-model-of-graph.js';
import {isReadableGraph, type ReadableGraph} from './graph-nodes.js';

const read = new WeakMap<ReadableGraph, LayersModel>();

/**
 * Returns a GraphModel as a LayersModel of its pieces, and anything else as it is.
 *
 * @throws {UnsupportedModelError} If it is a GraphModel that cannot be read as a classifier; says why.
 */
export function withGraphRead<T>(where: string, model: T): T | LayersModel {
  if (!isReadableGraph(model)) return model;
  const known = read.get(model);
  if (known !== undefined) return known;
  const made = layersModelOfGraph(where, model, {});
  read.set(model, made);
  return made;
}
