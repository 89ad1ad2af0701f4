/** A piece of a GraphModel as a layer, from one node through which everything flows to the next. Its weights stay the graph's. */
import type {Tensor} from '@tensorflow/tfjs-core';
import {layers, type Shape} from '@tensorflow/tfjs-layers';
import {at} from '../../core/at.js';
import {UnsupportedModelError} from '../../core/errors/unsupported-model-error.js';
import {boolean, integer, list, required, text, absentMeans} from '../../core/fields.js';
import type {OptionsSchema} from '../../core/options.js';
import {readLayerConfig} from '../../layers/layer-config.js';
import {runPiece, type GraphPiece} from './graph-classifier.js';
import type {ReadableGraph} from './graph-nodes.js';

/** What a layer of a graph is made with. */
export interface SegmentConfig extends GraphPiece {
  readonly name?: string | undefined;
  /** The graph, as {@link numberOf} counts it. */
  readonly graph: number;
}

const schema: OptionsSchema<Omit<SegmentConfig, 'name'> & {name: string | undefined}> = {
  where: 'GraphSegment',
  fields: {
    name: absentMeans(text(), 'given by tfjs'),
    graph: required(integer(0)),
    from: required(text()),
    to: required(text()),
    shape: required(list(integer(1), 1)),
    single: required(boolean()),
  },
};

// A layer's config is JSON, so it names its graph by a number. Graphs are held weakly: they are the caller's.
const numbers = new WeakMap<ReadableGraph, number>();
const graphs: WeakRef<ReadableGraph>[] = [];

/** The number of a graph. */
export function numberOf(graph: ReadableGraph): number {
  const known = numbers.get(graph);
  if (known !== undefined) return known;
  numbers.set(graph, graphs.length);
  return graphs.push(new WeakRef(graph)) - 1;
}

/** Runs a piece of a GraphModel; differentiable as far as its operations are. */
export class GraphSegment extends layers.Layer {
  static className = 'AttentiveGraphSegment';
  readonly settings: SegmentConfig;
  readonly #graph: ReadableGraph;

  /** @throws {UnsupportedModelError} If the graph is not of this thread. */
  constructor(config: SegmentConfig) {
    const settings = readLayerConfig(schema, config);
    super(config as unknown as ConstructorParameters<typeof layers.Layer>[0]);
    this.settings = settings;
    const graph = graphs[settings.graph]?.deref();
    if (graph === undefined) throw new UnsupportedModelError(`Layer '${this.name}' is a piece of a GraphModel, which is not at hand here: it cannot be saved, copied or sent to a worker. Leave workers out.`); // prettier-ignore
    this.#graph = graph;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return runPiece(this.#graph, this.settings, at([inputs].flat(), 0));
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return [((inputShape as Shape)[0] as number | null) ?? null, ...this.settings.shape];
  }

  override getConfig(): ReturnType<layers.Layer['getConfig']> {
    const {graph, from, to, shape, single} = this.settings;
    return {graph, from, to, shape: [...shape], single, ...super.getConfig()};
  }
}
