/**
 * Runs a tfjs-layers model on tensors step by step, so that values in the middle can be read,
 * replaced or given. tf.model over a layer inside a nested model throws "Graph disconnected", and a
 * second symbolic model would add nodes to the caller's layers; this does neither.
 */
import {cast, Tensor, tidy} from '@tensorflow/tfjs-core';
import type {layers, LayersModel} from '@tensorflow/tfjs-layers';
import {at} from '../../core/at.js';
import {isPromise, show} from '../../core/check.js';
import {checkTensor} from '../../core/check-tensor.js';
import {absentMeans, boolean, callback, custom, text, withDefault} from '../../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {checkLayersModel} from '../check-layers-model.js';
import {isContainer, planGraph, slotsAt, type GraphPlan, type LayerInfo, type Step} from './plan.js';
import {runSteps, stepsFor} from './run-steps.js';
import {GraphValues} from './values.js';

export {orderedNodes, type GraphNode, type LayerInfo} from './plan.js';

/** What {@link ExecuteOptions.onLayer} is called with, once per use of a layer. */
export interface LayerVisit {
  /** The layer itself, with its weights. */
  readonly layer: layers.Layer;
  /** Where it is, as {@link listLayers} writes it. */
  readonly path: string;
  /** What it reads. Borrowed: freed by `executeGraph` unless held. */
  readonly inputs: readonly Tensor[];
  /** `{training}`, as the layer gets it. */
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** Runs the layer. */
  call(): Tensor | Tensor[];
  /** Hands a tensor over to the caller, who frees it: without this it is freed after its last reader. */
  hold<T extends Tensor | Tensor[]>(tensor: T): T;
}

/** Options of {@link executeGraph}. */
export interface ExecuteOptions {
  /** Runs dropout, batch statistics and the like as in training. @default false */
  readonly training?: boolean | undefined;
  /** Path of the layer or nested model whose output is returned; what comes later does not run. @default the model's outputs */
  readonly until?: string | undefined;
  /** Outputs that are known already, by path. What only they need does not run. Borrowed. @default none */
  readonly given?: Readonly<Record<string, Tensor | readonly Tensor[]>> | undefined;
  /**
   * Called in place of every layer that runs; what it returns is the layer's output. Return
   * `visit.call()` to watch, or a tensor of your own to replace it, which the run then takes over
   * and frees: return a clone of one that you keep. @default none
   */
  readonly onLayer?: ((visit: LayerVisit) => Tensor | Tensor[]) | undefined;
}

const WHERE = 'executeGraph';

/** The options of {@link executeGraph}. */
export const executeGraphSchema: OptionsSchema<Settled<ExecuteOptions, 'until' | 'given' | 'onLayer'>> = {
  where: WHERE,
  fields: {
    training: withDefault(boolean(), false),
    until: absentMeans(text(), "the model's outputs"),
    given: absentMeans(custom<NonNullable<ExecuteOptions['given']>>('an object of tensors by path', outputsProblem), 'none'),
    onLayer: absentMeans(callback(), 'none'),
  },
};

/**
 * Computes a model's outputs, the numbers of `model.predict`, in one batch. Values are freed after
 * their last reader, also outside `tidy` and also when a layer or `onLayer` throws. Keyword
 * arguments of symbolic `apply` calls and masks are ignored; `predict` ignores the former too.
 *
 * @param model A LayersModel: functional or Sequential, nested models and shared layers included.
 * @param inputs One tensor per model input, borrowed; the batch size is free. Cast where the model
 *   wants another type.
 * @returns The output, or an array where there are several; the caller's. Differentiable with
 *   respect to `inputs`, `given` and the weights, as far as tfjs is: call `installTrainingKernels()` first, or
 *   `selectBackend()`, without which a BatchNormalization that has no scale or no centre has no gradient.
 * @throws {TypeError} If `model` is no LayersModel or a disposed one, `inputs` are no tensors, or an option is unknown or of
 *   the wrong kind.
 * @throws {LayerNotFoundError} If `until` or a path in `given` names no layer; lists those that exist.
 * @throws {RangeError} If the number or shape of `inputs`, or the number of tensors for a path in
 *   `given`, does not fit.
 * @example
 * const features = executeGraph(model, images, {until: 'backbone/conv5_block3_out'});
 */
export function executeGraph(model: LayersModel, inputs: Tensor | readonly Tensor[], options?: ExecuteOptions): Tensor | Tensor[] {
  const {training, until, given = {}, onLayer} = readOptions(executeGraphSchema, options);
  checkLayered(`${WHERE}: model`, model);
  const plan = planGraph(model);
  const targets = until === undefined ? plan.outputs : slotsAt(WHERE, plan, until);
  const values = new GraphValues();
  try {
    feed(values, model, plan, listOf(inputs));
    for (const [path, tensors] of Object.entries(given)) give(values, path, slotsAt(WHERE, plan, path), listOf(tensors));
    const results = runSteps(stepsFor(plan.steps, targets, values), targets, values, (step) => {
      runStep(step, values, {training}, onLayer);
    });
    return results.length === 1 ? at(results, 0) : results;
  } finally {
    values.dispose();
  }
}

/**
 * Lists the layers of a model in the order in which they run, those of nested models included.
 * Input layers and the nested models themselves are left out. In a Sequential whose first layer is
 * a model, tfjs joins that model's layers to the outer ones, so their paths carry no prefix.
 *
 * @returns Path, class name and shape of the first output of each use of a layer.
 * @throws {TypeError} If `model` is no LayersModel, or a disposed one.
 */
export function listLayers(model: LayersModel): LayerInfo[] {
  checkLayered('listLayers: model', model);
  return planGraph(model).steps.map(({path, className, outputShape}) => ({path, className, outputShape}));
}

/**
 * Checks that a model has layers to look at; a GraphModel has none.
 *
 * @param name The caller's function and argument.
 * @throws {TypeError} If it has none.
 */
export function checkLayered(name: string, model: LayersModel): void {
  checkLayersModel(name, model);
  if (!isContainer(model) || !Array.isArray(model.layers)) throw new TypeError(`${name} must be a LayersModel, but is ${show(model)}.`);
}

/** What is wrong with outputs that are given by path. */
function outputsProblem(value: unknown): 'kind' | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isPromise(value)) return 'kind';
  const tensors = Object.values(value).flat() as readonly unknown[];
  return tensors.every((each) => each instanceof Tensor && !each.isDisposed) ? undefined : 'kind';
}

function feed(values: GraphValues, model: LayersModel, plan: GraphPlan, inputs: readonly Tensor[]): void {
  if (inputs.length !== plan.inputs.length) {
    throw new RangeError(`${WHERE}: inputs must be ${plan.inputs.length} tensors, but are ${inputs.length}.`);
  }
  inputs.forEach((tensor, index) => {
    const symbol = at(model.inputs, index);
    checkTensor(`${WHERE}: inputs[${index}]`, tensor, [null, ...symbol.shape.slice(1)]);
    const slot = at(plan.inputs, index);
    if (symbol.dtype === tensor.dtype) values.borrow(slot, tensor);
    else values.own(slot, cast(tensor, symbol.dtype));
  });
}

function give(values: GraphValues, path: string, slots: readonly number[], tensors: readonly Tensor[]): void {
  if (tensors.length !== slots.length) {
    throw new RangeError(`${WHERE}: given['${path}'] must be ${slots.length} tensors, but is ${tensors.length}.`);
  }
  slots.forEach((slot, index) => {
    values.borrow(slot, at(tensors, index));
  });
}

function runStep(step: Step, values: GraphValues, kwargs: Record<string, unknown>, onLayer: ExecuteOptions['onLayer']): void {
  const {layer, path} = step;
  const inputs = step.inputs.map((slot) => values.get(slot));
  const made = new Set<Tensor>();
  const held = new Set<Tensor>();
  // A layer may leave tensors behind; and it gets a list, as predict gives it.
  const call = (): Tensor | Tensor[] => {
    const output = tidy(() => layer.apply(inputs, {...kwargs}) as Tensor | Tensor[]);
    for (const tensor of listOf(output)) made.add(tensor);
    return output;
  };
  const hold = <T extends Tensor | Tensor[]>(tensor: T): T => {
    for (const each of listOf<Tensor>(tensor)) held.add(each);
    return tensor;
  };
  try {
    const outputs = listOf(onLayer === undefined ? call() : onLayer({layer, path, inputs, kwargs, call, hold}));
    const wrong = outputs.find((output) => !(output instanceof Tensor));
    if (wrong !== undefined) throw new TypeError(`${WHERE}: onLayer must return tensors for '${path}', but returned ${show(wrong)}.`);
    if (outputs.length !== step.outputs.length) {
      throw new RangeError(`${WHERE}: onLayer must return ${step.outputs.length} tensors for '${path}', but returned ${outputs.length}.`);
    }
    step.outputs.forEach((slot, index) => {
      if (values.has(slot)) return; // Given: what the layer made instead is freed below.
      const output = at(outputs, index);
      made.delete(output);
      if (held.has(output)) values.borrow(slot, output);
      else values.own(slot, output);
    });
  } finally {
    for (const tensor of made) if (!held.has(tensor)) tensor.dispose();
  }
}

function listOf<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}
