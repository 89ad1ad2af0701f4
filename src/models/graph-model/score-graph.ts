/** A GraphModel that is given to be scored, read once. Needs no layers, so that nothing of tf.layers comes along. */
import {classifierOfGraph, type GraphClassifier} from './graph-classifier.js';
import type {ReadableGraph} from './graph-nodes.js';

const read = new WeakMap<ReadableGraph, GraphClassifier>();

/** @throws {UnsupportedModelError} If it cannot be read as a classifier; says why. */
export function graphToScore(where: string, graph: ReadableGraph): GraphClassifier {
  const known = read.get(graph) ?? classifierOfGraph(where, graph, {});
  read.set(graph, known);
  return known;
}
