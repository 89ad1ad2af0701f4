/**
 * A tfjs-layers model as a flat list of steps: nested models are unfolded, a shared layer has one
 * step per use, and every value has a number (a slot). Reads only the public links between symbolic
 * tensors and nodes, so that a Sequential need not be built and nothing is added to the model.
 */
import type {layers, LayersModel, SymbolicTensor} from '@tensorflow/tfjs-layers';
import {at} from '../../core/at.js';
import {LayerNotFoundError} from '../../core/errors/layer-not-found-error.js';

/** One use of a layer in a model's graph. */
export interface GraphNode {
  /** The layer; a model where models are nested. */
  readonly layer: layers.Layer;
  /** What it reads; empty for an input layer. */
  readonly inputTensors: readonly SymbolicTensor[];
  /** What it makes. */
  readonly outputTensors: readonly SymbolicTensor[];
  /** Keyword arguments given when the layer was applied. `predict` ignores them. */
  readonly callArgs: Readonly<Record<string, unknown>>;
}

/** A layer of a model as it can be asked for. */
export interface LayerInfo {
  /** `'outer/inner/layer'`, without the model's own name; `#1`, `#2` for the second and third use. */
  readonly path: string;
  /** `'Conv2D'`, `'Add'`, … */
  readonly className: string;
  /** Shape of its first output, `null` where a size is unknown until the model runs. */
  readonly outputShape: readonly (number | null)[];
}

/** A layer's use with its place in the plan. */
export interface Step extends LayerInfo {
  readonly layer: layers.Layer;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** The unfolded graph of a model. */
export interface GraphPlan {
  readonly steps: readonly Step[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Output slots by path, of layers and of nested models. */
  readonly slotsByPath: ReadonlyMap<string, readonly number[]>;
}

type Container = Pick<LayersModel, 'inputs' | 'outputs'>;
type Node = layers.Layer['inboundNodes'][number];

const plans = /* @__PURE__ */ new WeakMap<Container, {output: SymbolicTensor | undefined; plan: GraphPlan}>();

/**
 * Returns the nodes of a model in an order in which each comes after what it reads: input layers
 * first, then depth first from the outputs. Nested models are one node each.
 */
export function orderedNodes(container: Container): GraphNode[] {
  const seen = new Set<Node>();
  const ordered: GraphNode[] = [];
  const visit = (tensor: SymbolicTensor): void => {
    const node = tensor.sourceLayer.inboundNodes[tensor.nodeIndex] as Node;
    if (seen.has(node)) return;
    seen.add(node);
    // An input layer's node names its own tensor as input.
    const inputTensors = node.inboundLayers.length === 0 ? [] : node.inputTensors;
    inputTensors.forEach(visit);
    ordered.push({layer: node.outboundLayer, inputTensors, outputTensors: node.outputTensors, callArgs: node.callArgs ?? {}});
  };
  container.inputs.forEach(visit);
  container.outputs.forEach(visit);
  return ordered;
}

/** Unfolds a model, once; a Sequential that has grown since is unfolded anew. */
export function planGraph(model: Container): GraphPlan {
  const known = plans.get(model);
  const output = model.outputs[0];
  if (known !== undefined && known.output === output) return known.plan;
  const plan = unfold(model);
  plans.set(model, {output, plan});
  return plan;
}

/**
 * Returns the output slots of the layer or nested model at `path`.
 *
 * @throws {LayerNotFoundError} If there is none; the message lists the paths that exist.
 */
export function slotsAt(where: string, plan: GraphPlan, path: string): readonly number[] {
  const slots = plan.slotsByPath.get(path);
  if (slots === undefined) {
    const paths = [...plan.slotsByPath.keys()].map((each) => `'${each}'`).join(', ');
    throw new LayerNotFoundError(`${where}: the model has no layer '${path}'. It has ${paths}.`);
  }
  return slots;
}

/** Whether a layer is a model of its own. */
export function isContainer(layer: object): layer is LayersModel {
  return Array.isArray((layer as LayersModel).inputs) && Array.isArray((layer as LayersModel).outputs);
}

function unfold(model: Container): GraphPlan {
  const steps: Step[] = [];
  const slotsByPath = new Map<string, readonly number[]>();
  const uses = new Map<string, number>();
  let numSlots = 0;
  const newSlots = (tensors: readonly unknown[]): number[] => tensors.map(() => numSlots++);

  const uniquePath = (path: string): string => {
    const use = uses.get(path) ?? 0;
    uses.set(path, use + 1);
    return use === 0 ? path : `${path}#${use}`;
  };
  const walk = (container: Container, prefix: string, inputs: readonly number[]): number[] => {
    const slots = new Map<SymbolicTensor, number>(container.inputs.map((tensor, index) => [tensor, at(inputs, index)]));
    const slotOf = (tensor: SymbolicTensor): number => slots.get(tensor) as number;
    for (const {layer, inputTensors, outputTensors} of orderedNodes(container)) {
      if (inputTensors.length === 0) continue;
      const path = uniquePath(prefix + layer.name);
      const read = inputTensors.map(slotOf);
      const made = isContainer(layer) ? walk(layer, `${path}/`, read) : newSlots(outputTensors);
      outputTensors.forEach((tensor, index) => slots.set(tensor, at(made, index)));
      slotsByPath.set(path, made);
      if (isContainer(layer)) continue;
      const outputShape = outputTensors[0]?.shape ?? [];
      steps.push({layer, path, className: layer.getClassName(), outputShape, inputs: read, outputs: made});
    }
    return container.outputs.map(slotOf);
  };
  const inputs = newSlots(model.inputs);
  const outputs = walk(model, '', inputs);
  return {steps, inputs, outputs, slotsByPath};
}
