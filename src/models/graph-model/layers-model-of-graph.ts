/**
 * A GraphModel as a LayersModel of its pieces: what looks into layers, puts attention behind them or leaves a closing
 * softmax out then needs no second case. The pieces end where everything flows through one node.
 */
import {serialization} from '@tensorflow/tfjs-core';
import {input, layers, model as makeModel, type LayersModel, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {at} from '../../core/at.js';
import {classifierOfGraph, type GraphOptions} from './graph-classifier.js';
import type {ReadableGraph} from './graph-nodes.js';
import {GraphSegment, numberOf} from './graph-segment.js';

/**
 * Reads a graph.
 *
 * @param where Names the caller in messages.
 * @returns A model without weights of its own: the graph has to outlive it. It holds no tensors.
 * @throws {UnsupportedModelError} If the graph is no classifier of images that can be read; says why and what to do.
 */
export function layersModelOfGraph(where: string, graph: ReadableGraph, options: GraphOptions): LayersModel {
  const {inputShape, pieces, closing, end} = classifierOfGraph(where, graph, options);
  registerSegment();
  const image = input({shape: [...inputShape], name: at(pieces, 0).from});
  let x: SymbolicTensor = image;
  for (const piece of pieces) {
    x = new GraphSegment({name: piece.to, graph: numberOf(graph), ...piece}).apply(x) as SymbolicTensor;
  }
  if (closing !== undefined) x = layers.activation({activation: closing as 'softmax', name: `${end}/closing`}).apply(x) as SymbolicTensor;
  return makeModel({inputs: image, outputs: x, name: 'graph'});
}

/** tfjs finds the class by its name where a student is made from the model. */
function registerSegment(): void {
  serialization.registerClass(GraphSegment as unknown as Parameters<typeof serialization.registerClass>[0]);
}
