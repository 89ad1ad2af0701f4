/**
 * A GraphModel as a LayersModel of its pieces: what looks into layers, puts attention behind them or leaves a closing
 * softmax out then needs no second case. The pieces end where everything flows through one node.
 */
import {dispose, serialization, tidy, zeros, type Tensor} from '@tensorflow/tfjs-core';
import {input, layers, model as makeModel, type LayersModel, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {at} from '../../core/at.js';
import {UnsupportedModelError} from '../../core/errors/unsupported-model-error.js';
import {GraphSegment, numberOf} from './graph-segment.js';
import {headOfGraph} from './graph-head.js';
import {cutNodes, nodeName, nodesInOrder, type GraphNode, type ReadableGraph} from './graph-nodes.js';

/** What a graph does not say of itself. */
export interface GraphOptions {
  /** `[height, width, channels]`. */
  readonly inputShape?: readonly [number, number, number] | undefined;
  /** The node that gives logits or probabilities. */
  readonly output?: string | undefined;
}

const controls =
  /^(?:Switch|Merge|Enter|Exit|NextIteration|LoopCond|While|StatelessWhile|If|StatelessIf|TensorList|TensorArray|NonMaxSuppression|Where|HashTable|LookupTable)/;

/**
 * Reads a graph.
 *
 * @param where Names the caller in messages.
 * @returns A model without weights of its own: the graph has to outlive it. It holds no tensors.
 * @throws {UnsupportedModelError} If the graph is no classifier of images that can be read; says why and what to do.
 */
export function layersModelOfGraph(where: string, graph: ReadableGraph, {inputShape, output}: GraphOptions): LayersModel {
  const refuse = (reason: string): never => {
    throw new UnsupportedModelError(
      `${where}: the GraphModel cannot be read as a classifier: ${reason}. Needed is one image input [N,H,W,C] and one output [N,classes] that ends in a softmax, a sigmoid or logits; the option output names the node that has them. Any model can be wrapped in a score function.`,
    );
  };
  const {nodes} = graph.executor.graph;
  const [first, ...more] = graph.inputs;
  if (first === undefined || more.length > 0) return refuse(`it has ${graph.inputs.length} inputs`);
  const start = nodes[nodeName(first.name)] ?? refuse(`its input '${first.name}' is no node`);
  const end = nodes[nodeName(output ?? onlyOutput(graph, refuse))] ?? refuse(`it has no node '${output}'`);
  const ordered = nodesInOrder(start, end);
  const control = ordered.find(({op}) => controls.test(op));
  if (control !== undefined) refuse(`${control.op} '${control.name}' decides what is computed while it runs`);
  const size = sizeOf(first.shape ?? [], inputShape, refuse);
  const single = first.shape?.[0] === 1;
  if (!single && (first.shape?.[0] ?? -1) > 1) refuse(`it takes ${first.shape?.[0]} images at a time`);

  const {logits, closing} = headOfGraph(end, ordered, refuse);
  const body = closing === undefined ? ordered : nodesInOrder(start, logits);
  const cuts = cutNodes(start, body).filter((node) => node !== logits);
  const found = shapesOf(graph, start, size, [...cuts, logits], refuse);
  const isMap = ({dtype, shape}: Found): boolean => dtype === 'float32' && shape.length === 4 && at(shape, 1) * at(shape, 2) > 1;
  const places = cuts.filter((_, index) => isMap(at(found, index)));
  const {shape: logitsShape} = at(found, cuts.length);
  const numClasses = at(logitsShape, logitsShape.length - 1);
  if (logitsShape.slice(1, -1).some((each) => each !== 1)) refuse(`'${logits.name}' has the shape [${logitsShape.join(', ')}]`);

  registerSegment();
  const image = input({shape: [...size], name: start.name});
  let x: SymbolicTensor = image;
  let from = start.name;
  for (const node of [...places, logits]) {
    const shape = node === logits ? [numClasses] : at(found, cuts.indexOf(node)).shape.slice(1);
    const segment = new GraphSegment({name: node.name, graph: numberOf(graph), from, to: node.name, shape, single});
    x = segment.apply(x) as SymbolicTensor;
    from = node.name;
  }
  if (closing !== undefined)
    x = layers.activation({activation: closing as 'softmax', name: `${end.name}/closing`}).apply(x) as SymbolicTensor;
  return makeModel({inputs: image, outputs: x, name: 'graph'});
}

function onlyOutput({outputs}: ReadableGraph, refuse: (reason: string) => never): string {
  const [only, ...others] = outputs;
  if (only === undefined || others.length > 0)
    return refuse(`it has ${outputs.length} outputs (${outputs.map(({name}) => name).join(', ')})`);
  return only.name;
}

function sizeOf(
  known: readonly (number | null)[],
  given: GraphOptions['inputShape'],
  refuse: (reason: string) => never,
): readonly [number, number, number] {
  const open = (size: number | null | undefined): boolean => size == null || size < 0;
  if (known.length > 0 && known.length !== 4) refuse(`its input has the shape [${known.join(', ')}]`);
  const sizes = [1, 2, 3].map((axis) => (open(known[axis]) ? given?.[axis - 1] : (known[axis] as number)));
  const wrong = given?.findIndex((size, axis) => sizes[axis] !== size) ?? -1;
  if (wrong >= 0) refuse(`its input is [${sizes.join(', ')}], not [${given?.join(', ')}]`);
  if (sizes.includes(undefined))
    refuse('it leaves the size of its input open, which the option inputShape: [height, width, channels] gives');
  return sizes as [number, number, number];
}

interface Found {
  readonly shape: readonly number[];
  readonly dtype: string;
}

/** What each node gives for one image. */
function shapesOf(
  graph: ReadableGraph,
  {name}: GraphNode,
  size: readonly number[],
  asked: readonly GraphNode[],
  refuse: (reason: string) => never,
): Found[] {
  const image = tidy(() => zeros([1, ...size]));
  let outputs: Tensor[] = [];
  try {
    const made = tidy(() =>
      [
        graph.execute(
          {[name]: image},
          asked.map((node) => node.name),
        ),
      ].flat(),
    );
    outputs = made;
    return made.map(({shape, dtype}) => ({shape, dtype}));
  } catch (cause) {
    return refuse(`it does not run (${(cause as Error).message})`);
  } finally {
    image.dispose();
    dispose(outputs.filter(({isDisposed}) => !isDisposed));
  }
}

/** tfjs finds the class by its name where a student is made from the model. */
function registerSegment(): void {
  serialization.registerClass(GraphSegment as unknown as Parameters<typeof serialization.registerClass>[0]);
}
