/** The nodes of a GraphModel, as tfjs-converter keeps them; told by their form, so that the package is not needed. */
import type {Tensor} from '@tensorflow/tfjs-core';
import {isPromise} from '../../core/check.js';

/** A node of a graph. */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** What it reads, constants too. */
  readonly inputs: readonly GraphNode[];
  /** The same by name, with `:1`, `:2`, … where it is another than the first output. */
  readonly inputNames?: readonly string[] | undefined;
  readonly attrParams?: Readonly<Record<string, {readonly value?: unknown} | undefined>> | undefined;
}

/** A GraphModel whose graph can be read. */
export interface ReadableGraph {
  readonly inputs: readonly {readonly name: string; readonly shape?: readonly number[] | undefined; readonly dtype?: string | undefined}[];
  readonly outputs: readonly {readonly name: string}[];
  readonly modelUrl?: unknown;
  readonly executor: {readonly graph: {readonly nodes: Readonly<Record<string, GraphNode>>}};
  execute(inputs: Readonly<Record<string, Tensor>>, outputs: string | string[]): Tensor | Tensor[];
}

/** Whether something is a GraphModel whose graph can be read. */
export function isReadableGraph(model: unknown): model is ReadableGraph {
  if (typeof model !== 'object' || model === null || isPromise(model) || 'layers' in model) return false;
  const {execute, executor, inputs, outputs} = model as {execute?: unknown; executor?: unknown; inputs?: unknown; outputs?: unknown};
  const nodes = (executor as {graph?: {nodes?: unknown}} | null | undefined)?.graph?.nodes;
  return typeof execute === 'function' && Array.isArray(inputs) && Array.isArray(outputs) && typeof nodes === 'object' && nodes !== null;
}

/** A node's name without the number of one of its outputs. */
export function nodeName(output: string): string {
  return output.replace(/:\d+$/, '');
}

/** The nodes between the input and `end` that depend on the input, each after what it reads. */
export function nodesInOrder(input: GraphNode, end: GraphNode): GraphNode[] {
  const dependent = new Map<GraphNode, boolean>([[input, true]]);
  const ordered: GraphNode[] = [];
  // Without recursion: graphs are hundreds of nodes deep.
  const stack: [node: GraphNode, next: number][] = [[end, 0]];
  while (stack.length > 0) {
    const top = stack.at(-1) as [GraphNode, number];
    const [node, next] = top;
    const child = node.inputs[next];
    if (dependent.has(node) || child === undefined) {
      if (!dependent.has(node)) {
        const depends = node.inputs.some((each) => dependent.get(each) === true);
        dependent.set(node, depends);
        if (depends) ordered.push(node);
      }
      stack.pop();
    } else {
      top[1]++;
      stack.push([child, 0]);
    }
  }
  return ordered;
}

/** What a node reads of what depends on the input. */
export function readsOf(node: GraphNode, ordered: ReadonlySet<GraphNode>): GraphNode[] {
  return node.inputs.filter((each) => ordered.has(each));
}

/** The nodes of which one of these readers takes another output than the first. */
export function readBeyondFirst(readers: readonly GraphNode[]): Set<GraphNode> {
  const found = readers.flatMap(({inputs, inputNames = []}) => inputs.filter((_, index) => /:[1-9]\d*$/.test(inputNames[index] ?? '')));
  return new Set(found);
}

/** The nodes over which nothing reaches: all that flows on passes the first output of each of them. */
export function cutNodes(input: GraphNode, ordered: readonly GraphNode[]): GraphNode[] {
  const position = new Map(ordered.map((node, index) => [node, index]));
  const lastReader = new Map<GraphNode, number>();
  for (const node of ordered) for (const read of node.inputs) lastReader.set(read, position.get(node) as number);
  const severalOutputs = readBeyondFirst(ordered);
  const cuts: GraphNode[] = [];
  let reach = lastReader.get(input) ?? -1;
  for (const [index, node] of ordered.entries()) {
    if (reach <= index && !severalOutputs.has(node)) cuts.push(node);
    reach = Math.max(reach, lastReader.get(node) ?? -1);
  }
  return cuts;
}
