/**
 * A copy of a classifier to be trained further: with its own head, or with a fresh one, global average pooling where the
 * features are a map and one Dense layer, for other classes. The original is not touched.
 */
import {reshape, tidy, type Tensor, type Tensor2D} from '@tensorflow/tfjs-core';
import {initializers, input, layers, model, type LayersModel, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {at} from '../core/at.js';
import {UnsupportedModelError} from '../core/errors/unsupported-model-error.js';
import {registerLayers} from '../layers/register-layers.js';
import {withoutLeftovers} from '../tfjs/model-variables.js';
import {LayerCopies} from './copy-layers.js';
import {checkImageModel, classifierOf} from './graph/classifier-head.js';
import {isWeighted} from './graph/head-value.js';
import {isOfKind} from './graph/layer-kinds.js';
import {planGraph, slotsAt, type GraphPlan, type Step} from './graph/plan.js';
import {stepsFor} from './graph/run-steps.js';
import {inputSpec, type GivenInput, type InputSpec} from './input-spec.js';

/** How a copy is made. */
export interface CopyOptions extends GivenInput {
  /** Classes of a fresh head; without it the copy keeps the model's own. */
  readonly numClasses: number | undefined;
  /** Path of the layer whose output the head reads; without it, what the last layer with weights reads. */
  readonly features: string | undefined;
  /** Of the weights of a fresh head. */
  readonly seed: number;
}

/** A classifier that can be trained, whole or at its head. */
export interface TrainableClassifier {
  /** `[N,H,W,C]` to probabilities, or to logits where the original's own head gives those; the caller's, as all its weights. */
  readonly model: LayersModel;
  readonly spec: InputSpec;
  /** Its layers up to the logits `[N,K]`. */
  readonly logits: LayersModel;
  /** Its layers up to what the head reads. */
  readonly features: LayersModel;
  /** The layers that come after. */
  readonly head: readonly layers.Layer[];
  /** The logits `[N,K]` of features, in inference mode; the caller's. */
  classify(features: Tensor): Tensor2D;
}

/**
 * Copies a model.
 *
 * @param where Names the caller in messages.
 * @throws {UnsupportedModelError} If the model has another form than is needed, or its head cannot be told from the rest.
 * @throws {LayerNotFoundError} If `features` names no layer; lists those that exist.
 */
export function trainableClassifier(where: string, original: LayersModel, options: CopyOptions): TrainableClassifier {
  registerLayers();
  const refuse = (reason: string): never => {
    throw new UnsupportedModelError(`${where}: ${reason}`);
  };
  checkImageModel(original, refuse);
  const spec = inputSpec(where, original, options);
  const plan = planGraph(original);
  const {numClasses, features, seed} = options;
  const slot = features === undefined ? lastFeatures(plan, refuse) : onlySlot(where, plan, features);
  return numClasses === undefined
    ? withOwnHead(where, original, {plan, spec, slot}, refuse)
    : withFreshHead({plan, spec, slot}, {numClasses, seed}, refuse);
}

type Refuse = (reason: string) => never;

interface Found {
  readonly plan: GraphPlan;
  readonly spec: InputSpec;
  /** Where the features stand. */
  readonly slot: number;
}

function withOwnHead(where: string, original: LayersModel, {plan, spec, slot}: Found, refuse: Refuse): TrainableClassifier {
  const {squashPath, classes, numClasses, ofProbabilities} = classifierOf(original, where);
  const {name} = original;
  const advice = 'Give numClasses, which puts a fresh head on it.';
  if (ofProbabilities) refuse(`model '${name}' ends in probabilities that were merged or scaled, and so has no logits to train. ${advice}`);
  if (classes === 'independent') refuse(`the classes of model '${name}' do not exclude each other, and a label names one. ${advice}`);
  const behind = stepsBehind(plan, slot);
  if (behind === undefined)
    return refuse('features must name a layer that everything passes, but there is a way round the one that it names.');
  return withoutLeftovers(() => {
    const graph = copySteps(plan, plan.steps, spec, squashPath);
    const output = graph.at(at(plan.outputs, 0));
    const logits = output.shape.length === 2 ? output : (layers.flatten({name: freeName('logits', plan)}).apply(output) as SymbolicTensor);
    const squash = squashPath === undefined ? undefined : numClasses === 1 ? 'sigmoid' : 'softmax';
    const layerOf = (step: Step): layers.Layer => graph.copies.of(step, step.path === squashPath);
    const head = [...new Set(behind.map(layerOf))];
    const classify = (features: Tensor): Tensor2D =>
      tidy(() => {
        const values = new Map<number, Tensor>([[slot, features]]);
        for (const step of behind) {
          const read = step.inputs.map((each) => values.get(each) as Tensor);
          const made = [layerOf(step).apply(read.length === 1 ? at(read, 0) : read, {training: false})].flat() as Tensor[];
          step.outputs.forEach((each, index) => values.set(each, at(made, index)));
        }
        return reshape(values.get(at(plan.outputs, 0)) as Tensor, [-1, numClasses]) as Tensor2D;
      });
    return {...finished(name, {graph, plan, logits, features: graph.at(slot), squash}), spec, head, classify};
  });
}

function withFreshHead(
  {plan, spec, slot}: Found,
  {numClasses, seed}: {readonly numClasses: number; readonly seed: number},
  refuse: Refuse,
): TrainableClassifier {
  return withoutLeftovers(() => {
    const graph = copySteps(plan, stepsFor(plan.steps, [slot], {has: () => false}), spec);
    const features = pooled(graph.at(slot), plan, refuse);
    const kernelInitializer = initializers.glorotUniform({seed});
    const dense = layers.dense({units: numClasses, kernelInitializer, name: freeName('logits', plan)});
    const logits = dense.apply(features) as SymbolicTensor;
    const classify = (given: Tensor): Tensor2D => dense.apply(given) as Tensor2D;
    return {...finished('fine_tuned', {graph, plan, logits, features, squash: 'softmax'}), spec, head: [dense], classify};
  });
}

/** A graph that is being built. */
interface Copied {
  readonly image: SymbolicTensor;
  readonly copies: LayerCopies;
  /** What stands in a slot of the original. */
  at(slot: number): SymbolicTensor;
}

/** Copies steps; the one at `squashPath` without its activation. */
function copySteps(plan: GraphPlan, steps: readonly Step[], {inputShape}: InputSpec, squashPath?: string): Copied {
  const copies = new LayerCopies();
  const image = input({shape: [...inputShape], name: freeName('image', plan)});
  const values = new Map<number, SymbolicTensor>([[at(plan.inputs, 0), image]]);
  const valueAt = (slot: number): SymbolicTensor => values.get(slot) as SymbolicTensor;
  for (const step of steps) {
    const read = step.inputs.map(valueAt);
    const made = [copies.of(step, step.path === squashPath).apply(read.length === 1 ? at(read, 0) : read)].flat();
    step.outputs.forEach((slot, index) => values.set(slot, at(made, index) as SymbolicTensor));
  }
  return {image, copies, at: valueAt};
}

interface Parts {
  readonly graph: Copied;
  readonly plan: GraphPlan;
  readonly logits: SymbolicTensor;
  readonly features: SymbolicTensor;
  readonly squash: 'softmax' | 'sigmoid' | undefined;
}

function finished(name: string, {graph, plan, logits, features, squash}: Parts): Record<'model' | 'logits' | 'features', LayersModel> {
  const closing = squash && layers.activation({activation: squash, name: freeName('probabilities', plan)});
  const upTo = (output: SymbolicTensor, called: string): LayersModel => model({inputs: graph.image, outputs: output, name: called});
  const whole = upTo(closing === undefined ? logits : (closing.apply(logits) as SymbolicTensor), name);
  graph.copies.copyWeights();
  return {model: whole, logits: closing === undefined ? whole : upTo(logits, 'logits'), features: upTo(features, 'features')};
}

/** Features as `[N,C]`. */
function pooled(features: SymbolicTensor, plan: GraphPlan, refuse: Refuse): SymbolicTensor {
  const {shape} = features;
  const [, height, width] = shape;
  const isKnown = typeof shape.at(-1) === 'number';
  if (shape.length === 2 && isKnown) return features;
  if (shape.length !== 4 || !isKnown) {
    const sizes = shape.map((size) => size ?? '?').join(', ');
    return refuse(`features must be [N,h,w,C] or [N,C], but those of '${features.sourceLayer.name}' are [${sizes}]. Name another layer.`);
  }
  const isPoint = height === 1 && width === 1;
  const name = freeName('pooled', plan);
  return (isPoint ? layers.flatten({name}) : layers.globalAveragePooling2d({name})).apply(features) as SymbolicTensor;
}

/** The slot that the head's linear layer reads: the last layer with weights, with nothing behind it that computes. */
function lastFeatures(plan: GraphPlan, refuse: Refuse): number {
  const last = plan.steps.filter(isWeighted).at(-1);
  const slot = last?.inputs[0];
  const [, ...behind] = (slot === undefined ? undefined : stepsBehind(plan, slot)) ?? [];
  if (
    last === undefined ||
    slot === undefined ||
    last.inputs.length !== 1 ||
    stepsBehind(plan, slot) === undefined ||
    !isLinear(last) ||
    !behind.every(handsOn)
  ) {
    const paths = plan.steps.map(({path}) => `'${path}'`).join(', ');
    return refuse(
      `where the head begins cannot be told, since the model does not end in one Dense or 1×1 convolution with at most a softmax or sigmoids behind it. Needed is the option features, the path of the layer whose output the head is to read, one of ${paths}.`,
    );
  }
  return slot;
}

/** One linear map, squashed at most. */
function isLinear({layer, className}: Step): boolean {
  const {activation = 'linear', kernelSize = 1} = layer.getConfig() as {activation?: string; kernelSize?: number | number[]};
  const isMap = className === 'Dense' || (className === 'Conv2D' && [kernelSize].flat().every((size) => size === 1));
  return isMap && ['linear', 'softmax', 'sigmoid'].includes(activation);
}

function handsOn({layer, className}: Step): boolean {
  if (isOfKind(className, 'dropping', 'reshaping') || className === 'Softmax') return true;
  return className === 'Activation' && ['linear', 'softmax', 'sigmoid'].includes(String(layer.getConfig()['activation']));
}

/** What runs from a slot to the output; `undefined` where the output needs more than that slot. */
function stepsBehind(plan: GraphPlan, slot: number): readonly Step[] | undefined {
  const steps = stepsFor(plan.steps, plan.outputs, {has: (known) => known === slot});
  const made = new Set([slot, ...steps.flatMap(({outputs}) => outputs)]);
  return steps.every(({inputs}) => inputs.every((read) => made.has(read))) ? steps : undefined;
}

function onlySlot(where: string, plan: GraphPlan, path: string): number {
  return at(slotsAt(where, plan, path), 0);
}

/** A name that no layer of the copy has. */
function freeName(name: string, {steps}: GraphPlan): string {
  const isTaken = (candidate: string): boolean => steps.some(({path}) => path === candidate);
  let number = 1;
  let free = name;
  while (isTaken(free)) free = `${name}_${++number}`;
  return free;
}
