/**
 * Finds the logits of a classifier: the values in front of its closing softmax or sigmoid. Looks at
 * the last step that is more than a change of shape, also inside nested models.
 */
import {clone, div, log, maximum, reshape, sub, tidy, type Tensor, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import type {layers, LayersModel} from '@tensorflow/tfjs-layers';
import {at} from '../../core/at.js';
import type {ClassKind} from '../../core/types.js';
import {UnsupportedModelError} from '../../core/errors/unsupported-model-error.js';
import {withoutActivation} from '../../tfjs/layer-activation.js';
import {executeGraph, type ExecuteOptions, type LayerVisit} from './execute-graph.js';
import {headValue} from './head-value.js';
import {isOfKind} from './layer-kinds.js';
import {isContainer, planGraph, type GraphPlan, type Step} from './plan.js';

/** A classifier without its closing activation. */
export interface Classifier {
  /** Width of the logits. 1 means a single sigmoid logit. */
  readonly numClasses: number;
  /** Path of the layer whose activation closes the model, where there is one to leave out. */
  readonly squashPath: string | undefined;
  /** Path of the layer that the last computing layer reads; `undefined` where it reads several, or the image. */
  readonly bodyPath: string | undefined;
  /** What the logits mean: several sigmoids are independent classes. */
  readonly classes: ClassKind;
  /** Whether the output is made of probabilities, so that its logits are their logarithm, or the logarithm of the odds. */
  readonly ofProbabilities: boolean;
  /**
   * `[N,H,W,C]` to `[N,K]`, in inference mode, differentiable with respect to the images and to the
   * outputs that are given by path; the caller's.
   */
  logits(images: Tensor4D, given?: ExecuteOptions['given']): Tensor2D;
}

type Refuse = (reason: string) => never;

const REAL = {kind: 'real', scale: 1} as const;
// The smallest normal float32: log stays finite, and a probability of 0 gets no gradient.
const MIN_PROBABILITY = 1.1754944e-38;

/**
 * Prepares the logits of a model, whatever closes it:
 * softmax → what went in; sigmoids → what went in; no activation or log-softmax → the
 * output itself; averages, sums and multiples of softmaxes → the log of the output; likewise products and maxima of
 * sigmoids → the log of the odds.
 *
 * @param where Names the caller in messages.
 * @throws {UnsupportedModelError} If the model has another form; the message says what is needed.
 */
export function classifierOf(model: LayersModel, where: string): Classifier {
  const refuse: Refuse = (reason) => {
    throw new UnsupportedModelError(
      `${where}: ${reason} Needed is a LayersModel with one image input [N,H,W,C] and one output [N,classes] that ends in a softmax, ` +
        'sigmoids or no activation; anything else can be wrapped in a Teacher or a score function of your own. describeTeacher(model).text says what is known of it.',
    );
  };
  checkImageModel(model, refuse);
  const plan = planGraph(model);
  const numClasses = classesOf(at(model.outputs, 0).shape, refuse);
  const head = headOf(plan, at(plan.outputs, 0));
  if (head === undefined) return refuse(`model '${model.name}' computes nothing.`);

  const activation = activationOf(head.layer);
  const ends = `model '${model.name}' ends in ${head.className} '${head.path}'`;
  const squashes = activation === 'softmax' || activation === 'sigmoid';
  if (isOfKind(head.className, 'sequential')) return refuse(`${ends}, which is no image classifier.`);
  if (activation === 'softmax') checkSoftmax(head, numClasses, (reason) => refuse(`${ends} with ${reason}.`));
  else if (!squashes && !['linear', 'logSoftmax', undefined].includes(activation))
    return refuse(`${ends} with the activation '${activation}'.`);

  const {kind, scale} = squashes ? REAL : headValue(plan, at(plan.outputs, 0), numClasses, (reason) => refuse(`${reason}.`));
  const raw = squashes ? unsquashed(head.layer) : undefined;
  const onLayer = (visit: LayerVisit): Tensor | Tensor[] =>
    raw !== undefined && visit.path === head.path ? raw(visit.inputs) : visit.call();
  return {
    numClasses,
    classes: (activation === 'sigmoid' || kind === 'sigmoid') && numClasses > 1 ? 'independent' : 'exclusive',
    squashPath: raw === undefined ? undefined : head.path,
    bodyPath: head.inputs.length === 1 ? plan.steps.find(({outputs}) => outputs.includes(at(head.inputs, 0)))?.path : undefined,
    ofProbabilities: kind !== 'real',
    logits: (images, given) =>
      tidy(() => {
        const output = executeGraph(model, images, {onLayer, given}) as Tensor;
        return reshape(kind === 'real' ? output : logitsOf(kind, scale === 1 ? output : div(output, scale)), [
          images.shape[0],
          numClasses,
        ]) as Tensor2D;
      }),
  };
}

/** Refuses what is no LayersModel of one image input, channels last. */
export function checkImageModel(model: LayersModel, refuse: Refuse): void {
  if (typeof model !== 'object' || model === null || !isContainer(model) || !Array.isArray(model.layers)) {
    const graph = typeof (model as {execute?: unknown} | null)?.execute === 'function';
    refuse(graph ? 'a GraphModel has no layers and no gradients.' : 'the model is not a LayersModel.');
  }
  const {inputs, outputs, name} = model;
  if (inputs.length !== 1 || outputs.length !== 1) refuse(`model '${name}' has ${inputs.length} inputs and ${outputs.length} outputs.`);
  const shape = at(inputs, 0).shape;
  if (shape.length !== 4) refuse(`the input of model '${name}' has shape ${show(shape)}.`);
  const first = planGraph(model).steps.find(({layer}) => layer.getConfig()['dataFormat'] === 'channelsFirst');
  if (first) refuse(`layer '${first.path}' of model '${name}' has its channels first.`);
}

function classesOf(shape: readonly (number | null)[], refuse: Refuse): number {
  const numClasses = shape.at(-1);
  const between = shape.slice(1, -1);
  if (shape.length < 2 || numClasses == null || between.some((size) => size !== 1)) {
    return refuse(
      `the model's output has shape ${show(shape)}${shape.length === 4 ? ', a feature map without a classifier behind it' : ''}.`,
    );
  }
  return numClasses;
}

function headOf(plan: GraphPlan, slot: number): Step | undefined {
  const step = plan.steps.find(({outputs}) => outputs.includes(slot));
  const passes =
    step &&
    (isOfKind(step.className, 'dropping', 'reshaping') || (step.className === 'Activation' && activationOf(step.layer) === 'linear'));
  return passes ? (headOf(plan, at(step.inputs, 0)) ?? step) : step;
}

function activationOf(layer: layers.Layer): string | undefined {
  if (layer.getClassName() === 'Softmax') return 'softmax';
  const activation = layer.getConfig()['activation'];
  return typeof activation === 'string' ? activation : undefined;
}

function checkSoftmax(head: Step, numClasses: number, refuse: Refuse): void {
  const shape = head.outputShape;
  const axis = head.className === 'Softmax' ? Number([head.layer.getConfig()['axis']].flat()[0]) : -1;
  if ((axis + shape.length) % shape.length !== shape.length - 1 || shape.at(-1) !== numClasses) {
    refuse(`a softmax over axis ${axis} of ${show(shape)}, not over the ${numClasses} classes`);
  }
  if (numClasses === 1) refuse('a softmax over one class, which is always 1');
}

/** Logits of which probabilities are the softmax or the sigmoid. */
function logitsOf(kind: 'softmax' | 'sigmoid', probabilities: Tensor): Tensor {
  const logOf = (p: Tensor): Tensor => log(maximum(p, MIN_PROBABILITY));
  return kind === 'softmax' ? logOf(probabilities) : sub(logOf(probabilities), logOf(sub(1, probabilities)));
}

/** The layer up to its activation. */
function unsquashed(layer: layers.Layer): (inputs: readonly Tensor[]) => Tensor {
  // What only squashes hands its input on; clone, because the run owns what it gets.
  if (['Softmax', 'Activation'].includes(layer.getClassName())) return ([input]) => clone(input as Tensor);
  const linear = withoutActivation(layer);
  return (inputs) => linear.apply([...inputs], {training: false}) as Tensor;
}

function show(shape: readonly (number | null)[]): string {
  return `[${shape.map((size) => size ?? '?').join(', ')}]`;
}
