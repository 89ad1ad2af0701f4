/**
 * Recognises the head that class activation mapping (Zhou et al. 2016) needs: a feature map, its mean
 * over space, and one linear map from channels to classes, in either order of the last two. Only
 * then is a logit a sum over pixels, `z_c = Σ_xy Σ_k w_kc · f_k(x,y) / (h·w) + b_c`.
 */
import {reshape, type Tensor2D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {UnsupportedModelError} from '../core/errors/unsupported-model-error.js';
import {planGraph, type GraphPlan, type Step} from './_graph-plan.js';

/** The two ends of such a head. */
export interface PooledHead {
  /** Path of the layer whose output is averaged. */
  readonly path: string;
  /** The weights `[channels, classes]`, a new tensor that is the caller's. */
  kernel(): Tensor2D;
}

// In inference these hand on their input; behind the pooling also in another shape.
const dropping = new Set(['Dropout', 'SpatialDropout2D', 'GaussianNoise', 'GaussianDropout', 'AlphaDropout']);
const reshaping = new Set(['Reshape', 'Flatten']);

/**
 * Finds the head of a classifier.
 *
 * @param where Names the caller in messages.
 * @throws {UnsupportedModelError} If the model ends in another way; the message says in which.
 */
export function pooledHead(where: string, model: LayersModel): PooledHead {
  const plan = planGraph(model);
  let slot = plan.outputs[0] as number;
  let linear: Step | undefined;
  let pooled = false;
  while (linear === undefined || !pooled) {
    const step = stepOf(plan, slot);
    if (step === undefined) throw refusal(where, model, 'it averages the image itself');
    if (linear === undefined && isLinear(step, pooled)) linear = step;
    else if (!pooled && isGlobalAverage(plan, step)) pooled = true;
    else if (!handsOn(step, pooled, linear !== undefined)) throw refusal(where, model, `it has ${step.className} '${step.path}' there`);
    slot = step.inputs[0] as number;
  }
  const features = stepOf(plan, slot);
  if (features === undefined) throw refusal(where, model, 'it averages the image itself');
  const [weights] = linear.layer.getWeights();
  const channels = features.outputShape.at(-1) as number;
  if (weights === undefined || weights.size % channels !== 0 || weights.shape.at(-2) !== channels) throw refusal(where, model, `'${linear.path}' does not read the ${channels} channels of '${features.path}'`);
  return {path: features.path, kernel: () => reshape(weights, [channels, weights.size / channels])};
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
  if (className === 'GlobalAveragePooling2D') return true;
  const [, height, width] = stepOf(plan, inputs[0] as number)?.outputShape ?? [];
  const {poolSize = []} = layer.getConfig() as {poolSize?: readonly number[]};
  return className === 'AveragePooling2D' && height != null && poolSize[0] === height && poolSize[1] === width;
}

function handsOn({layer, className}: Step, isPooled: boolean, isBehind: boolean): boolean {
  if (dropping.has(className)) return true;
  const activation = className === 'Softmax' ? 'softmax' : layer.getConfig()['activation'];
  if (className === 'Activation' && activation === 'linear') return true;
  // In front of the pooling a change of shape moves pixels, and an activation is not linear.
  if (isPooled) return false;
  if (reshaping.has(className)) return true;
  const closes = className === 'Softmax' || className === 'Activation';
  return closes && !isBehind && ['softmax', 'sigmoid'].includes(activation as string);
}

function refusal(where: string, model: LayersModel, what: string): UnsupportedModelError {
  return new UnsupportedModelError(
    `${where}: needed is a model that ends in global average pooling and one Dense or 1×1 Conv2D, but '${model.name}' does not: ${what}. gradCam() takes any head.`,
  );
}
