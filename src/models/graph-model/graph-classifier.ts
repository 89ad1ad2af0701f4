/** A GraphModel as a classifier of images: where its logits are, and the feature maps that everything flows through. */
import {concat, dispose, reshape, split, tidy, zeros, type Tensor, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {UnsupportedModelError} from '../../core/errors/unsupported-model-error.js';
import type {ClassKind} from '../../core/types.js';
import {headOfGraph, type GraphHead} from './graph-head.js';
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

/** A piece of a graph: from a node that is given to one that is asked for. */
export interface GraphPiece {
  readonly from: string;
  readonly to: string;
  /** Shape of the output, without the batch. */
  readonly shape: readonly number[];
  /** Whether the graph takes one image at a time. */
  readonly single: boolean;
}

/** What was read of a graph. */
export interface GraphClassifier {
  readonly inputShape: readonly [number, number, number];
  readonly numClasses: number;
  readonly classes: ClassKind;
  /** The node that closes it, and the activation that it is. */
  readonly end: string;
  readonly closing: GraphHead['closing'];
  /** From the image to each feature map through which everything flows, and on to the logits. */
  readonly pieces: readonly GraphPiece[];
  /** `[N,H,W,C]` to `[N,K]`, before the closing activation; differentiable, the caller's. */
  logits(images: Tensor4D): Tensor2D;
}

/**
 * Reads a graph.
 *
 * @param where Names the caller in messages.
 * @throws {UnsupportedModelError} If the graph is no classifier of images that can be read; says why and what to do.
 */
export function classifierOfGraph(where: string, graph: ReadableGraph, {inputShape, output}: GraphOptions): GraphClassifier {
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

  const pieces = [...places, logits].map((node, index, all): GraphPiece => {
    const shape = node === logits ? [numClasses] : at(found, cuts.indexOf(node)).shape.slice(1);
    return {from: all[index - 1]?.name ?? start.name, to: node.name, shape, single};
  });
  const whole: GraphPiece = {from: start.name, to: logits.name, shape: [numClasses], single};
  return {
    inputShape: size,
    numClasses,
    classes: closing === 'sigmoid' && numClasses > 1 ? 'independent' : 'exclusive',
    end: end.name,
    closing,
    pieces,
    logits: (images) => runPiece(graph, whole, images) as Tensor2D,
  };
}

/** Runs a piece of a graph; the caller's. */
export function runPiece(graph: ReadableGraph, {from, to, shape, single}: GraphPiece, x: Tensor): Tensor {
  const run = (given: Tensor): Tensor => [graph.execute({[from]: given}, to)].flat()[0] as Tensor;
  return tidy(() => {
    const count = x.shape[0] as number;
    const outputs = single && count !== 1 ? split(x, count).map(run) : [run(x)];
    // A result that is the graph's own, or what was given, must not be freed with this.
    return reshape(outputs.length === 1 ? at(outputs, 0) : concat(outputs, 0), [count, ...shape]);
  });
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
