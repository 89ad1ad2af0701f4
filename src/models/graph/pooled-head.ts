/**
 * Recognises the head that class activation mapping (Zhou et al. 2016) needs: a feature map, its mean
 * over space, and one linear map from channels to classes, in either order of the last two. Only
 * then is a logit a sum over pixels, `z_c = Σ_xy Σ_k w_kc · f_k(x,y) / (h·w) + b_c`.
 */
import {concat, gather, neg, reshape, tensor1d, tidy, transpose, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {at} from '../../core/at.js';
import {UnsupportedModelError} from '../../core/errors/unsupported-model-error.js';
import {isOfKind} from './layer-kinds.js';
import {planGraph, type GraphPlan, type Step} from './plan.js';

/** The two ends of such a head. */
export interface PooledHead {
  /** Path of the layer whose output is averaged. */
  readonly path: string;
  /** Where that output stands in the model's plan. */
  readonly slot: number;
  /**
   * The weights of one class per image, `[N,1,1,channels]`; the caller's. With one output the classes
   * are its two sides, 0 (−w) and 1 (w).
   */
  classWeights(classes: readonly number[]): Tensor4D;
}

/**
 * Finds the head of a classifier.
 *
 * @param where Names the caller in messages.
 * @throws {UnsupportedModelError} If the model ends in another way; the message says in which.
 */
export function pooledHead(where: string, model: LayersModel): PooledHead {
  const head = headOf(model);
  if (typeof head !== 'string') return head;
  throw new UnsupportedModelError(
    `${where}: needed is a model that ends in global average pooling and one Dense or 1×1 Conv2D, but '${model.name}' does not: ${head}. gradCam() takes any head.`,
  );
}

/** Finds the head of a classifier, where it has such a one. */
export function pooledHeadIn(model: LayersModel): PooledHead | undefined {
  const head = headOf(model);
  return typeof head === 'string' ? undefined : head;
}

/** The head, or why there is none. */
function headOf(model: LayersModel): PooledHead | string {
  const plan = planGraph(model);
  let slot = at(plan.outputs, 0);
  let linear: Step | undefined;
  let pooled = false;
  let closed = false;
  while (linear === undefined || !pooled) {
    const step = stepOf(plan, slot);
    if (step === undefined) return 'it averages the image itself';
    // A second one would stand between the linear map and the logits.
    if (squashes(step) && closed) return `it closes with two activations, of which '${step.path}' is the first`;
    closed ||= squashes(step);
    if (linear === undefined && isLinear(step, pooled)) linear = step;
    else if (!pooled && isGlobalAverage(plan, step)) pooled = true;
    else if (!handsOn(step, pooled, linear !== undefined)) return `it has ${step.className} '${step.path}' there`;
    slot = at(step.inputs, 0);
  }
  const features = stepOf(plan, slot);
  if (features === undefined) return 'it averages the image itself';
  const [weights] = linear.layer.getWeights();
  const channels = features.outputShape.at(-1) as number;
  if (weights === undefined || weights.size % channels !== 0 || weights.shape.at(-2) !== channels)
    return `'${linear.path}' does not read the ${channels} channels of '${features.path}'`;
  const classWeights = (classes: readonly number[]): Tensor4D =>
    tidy(() => {
      const kernel: Tensor2D = reshape(weights, [channels, weights.size / channels]);
      const sides = kernel.shape[1] === 1 ? concat([neg(kernel), kernel], 1) : kernel; // [channels,classes]
      return reshape(transpose(gather(sides, tensor1d([...classes], 'int32'), 1)), [classes.length, 1, 1, channels]);
    });
  return {path: features.path, slot, classWeights};
}

function stepOf(plan: GraphPlan, slot: number): Step | undefined {
  return plan.steps.find(({outputs}) => outputs.includes(slot));
}

/** One linear map per pixel; its activation may be the closing one if it comes last. */
function isLinear({layer, className, inputs}: Step, isPooled: boolean): boolean {
  const {activation, kernelSize, strides} = layer.getConfig() as {activation?: string; kernelSize?: number[]; strides?: number[]};
  const allowed = isPooled ? ['linear'] : ['linear', 'softmax', 'sigmoid'];
  if (inputs.length !== 1 || !allowed.includes(activation ?? 'linear')) return false;
  if (className === 'Dense') return true;
  return className === 'Conv2D' && [kernelSize, strides].flat().every((size) => size === 1);
}

function isGlobalAverage(plan: GraphPlan, {layer, className, inputs}: Step): boolean {
  if (['GlobalAveragePooling2D', 'KerasGlobalAveragePooling2D'].includes(className)) return true;
  const [, height, width] = stepOf(plan, at(inputs, 0))?.outputShape ?? [];
  const {poolSize = []} = layer.getConfig() as {poolSize?: readonly number[]};
  return className === 'AveragePooling2D' && height != null && poolSize[0] === height && poolSize[1] === width;
}

function handsOn({layer, className}: Step, isPooled: boolean, isBehind: boolean): boolean {
  if (isOfKind(className, 'dropping')) return true;
  if (className === 'Activation' && layer.getConfig()['activation'] === 'linear') return true;
  // In front of the pooling a change of shape moves pixels, and an activation is not linear.
  if (isPooled) return false;
  if (isOfKind(className, 'reshaping')) return true;
  return ['Softmax', 'Activation'].includes(className) && !isBehind && squashes({layer, className});
}

function squashes({layer, className}: Pick<Step, 'layer' | 'className'>): boolean {
  return className === 'Softmax' || ['softmax', 'sigmoid'].includes(String(layer.getConfig()['activation']));
}
