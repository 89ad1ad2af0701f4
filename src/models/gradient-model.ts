/**
 * One face for everything whose class logits can be differentiated: a LayersModel or a Teacher. The
 * counterpart of score-model for methods that look inside. A model with one output z counts as two
 * classes: the logit of class 1 (positive) is z, that of class 0 (negative) is −z.
 */
import {
  broadcastTo,
  div,
  grad,
  mul,
  sum,
  tensor2d,
  tidy,
  type Rank,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {disposeAbandonedTape} from '../tfjs/abandoned-tape.js';
import {backendFailure} from '../backend/backend-failure.js';
import {requireBackend} from '../backend/check-backend.js';
import {UnsupportedModelError} from '../core/errors/unsupported-model-error.js';
import type {ClassKind, Model, Target, TargetFn, Teacher} from '../core/types.js';
import {classLogits} from '../losses/class-logits.js';
import {classProbabilities} from '../losses/class-probabilities.js';
import {classifierOf} from './graph/classifier-head.js';
import {withGraphRead} from './graph-model/read-graph.js';
import {planGraph, slotsAt} from './graph/plan.js';
import {yieldToEvents} from '../core/yield-to-events.js';
import {pooledHeadIn} from './graph/pooled-head.js';
import {checkModel, scoreModel, type ScoreModel} from './score-model.js';
import type {BatchScores} from './score-function.js';
import {applyTarget, valuesOf} from './target-values.js';
import {isTargetFn} from './targets.js';
import {checkTeacher, teacherLogits} from './teacher.js';

/** Outputs of layers that are known already, by path. */
export type KnownOutputs = Readonly<Record<string, Tensor4D>>;

/** What is differentiated: a class for each image, or a function of all logits. */
export type Explained = readonly number[] | TargetFn;

/** A classifier reduced to what a gradient method needs. Holds no tensors. */
export interface GradientModel extends Pick<ScoreModel, 'toInput'> {
  /** Which number is differentiated, in words, for the record of a map. */
  readonly logit: string;
  /** What the logits mean. */
  readonly kind: ClassKind;
  /**
   * Probabilities of a batch `[N,H,W,C]`, which stays the caller's, or the values of a target that is a
   * function; what only `known` outputs need does not run. Lets waiting events run first, so that a loop
   * over batches can be aborted.
   *
   * @throws {RangeError} If a logit is not finite.
   */
  score(batch: Tensor4D, target: Target | undefined, known?: KnownOutputs): Promise<BatchScores>;
  /**
   * The number of each image that {@link GradientModel.gradient} differentiates. Lets waiting events run first.
   *
   * @param batch `[N,H,W,C]`, borrowed.
   */
  value(batch: Tensor4D, explained: Explained): Promise<Float32Array>;
  /**
   * Differentiates one number per image, the logit of its class or the value of a function, with respect to
   * the batch, or to the output of the layer at `path`. Lets waiting events run first.
   *
   * @returns The gradient, of the shape of what it refers to; the caller's.
   * @throws {UnsupportedModelError} If the logits have no gradient.
   */
  gradient(batch: Tensor4D, explained: Explained, at?: {readonly path: string; readonly output: Tensor4D}): Promise<Tensor4D>;
}

/** A gradient model that can be looked into. */
export interface LayeredModel extends GradientModel {
  /** The tfjs model behind it. */
  readonly network: LayersModel;
}

/**
 * Wraps a LayersModel, a GraphModel through its pieces, or any Teacher through its own `logits`.
 *
 * @param where Names the caller in messages.
 * @throws {TypeError} If `model` is no object.
 * @throws {UnsupportedModelError} If it is a score function, a GraphModel that cannot be read, or no classifier.
 */
export function gradientModel(where: string, given: Model): GradientModel {
  const model = withGraphRead(where, given);
  refuseBlackBox(where, model);
  if (!('logits' in model)) return layeredModel(where, model);
  checkTeacher(where, 'model', model);
  refuseScores(where, model);
  return {
    ...differentiable(where, `logits of teacher '${model.name}'`, (images) => teacherLogits(where, model, images), model.classes),
    toInput: scoreModel(where, model).toInput,
  };
}

/**
 * Wraps a LayersModel, a GraphModel through its pieces, or a Teacher through the tfjs model behind it.
 *
 * @param where Names the caller in messages.
 * @throws {TypeError} If `model` is no object.
 * @throws {UnsupportedModelError} If it is a score function, a GraphModel that cannot be read, a Teacher without `model`
 *   or no classifier.
 */
export function layeredModel(where: string, given: Model): LayeredModel {
  const model = withGraphRead(where, given);
  refuseBlackBox(where, model);
  if ('logits' in model) {
    checkTeacher(where, 'model', model);
    refuseScores(where, model);
  }
  const network = 'logits' in model ? model.model : model;
  if (network === undefined) {
    throw new UnsupportedModelError(
      `${where}: teacher '${(model as Teacher).name}' has no tfjs model behind it (Teacher.model), so it has no layers to look into. gradientSaliency() needs its logits only, rise() and lime() its scores.`,
    );
  }
  const {squashPath, ofProbabilities, numClasses, classes, logits} = classifierOf(network, where);
  const kind = 'logits' in model ? (model.classes ?? classes) : classes;
  const squash =
    squashPath === undefined
      ? 'output of the model'
      : `input of the ${numClasses === 1 || classes === 'independent' ? 'sigmoid' : 'softmax'} in '${squashPath}'`;
  const anyLayer = differentiable(where, ofProbabilities ? 'log of the probabilities that the model ends in' : squash, logits, kind);
  return {...anyLayer, gradient: throughPooledHead(network, anyLayer.gradient), toInput: scoreModel(where, model).toInput, network};
}

/**
 * Where a logit is linear in the mean of a feature map, its gradient there is the class's weights, spread
 * over the map: no layer has to be differentiated.
 */
function throughPooledHead(network: LayersModel, differentiateAny: GradientModel['gradient']): GradientModel['gradient'] {
  const head = pooledHeadIn(network);
  const plan = planGraph(network);
  return async (batch, explained, at) => {
    const isHead = at !== undefined && head !== undefined && slotsAt('gradient', plan, at.path)[0] === head.slot;
    if (!isHead || typeof explained === 'function') return differentiateAny(batch, explained, at);
    await yieldToEvents();
    const {shape} = at.output;
    return tidy(() => broadcastTo<Rank.R4>(div(head.classWeights(explained), shape[1] * shape[2]), shape));
  };
}

type Logits = (images: Tensor4D, known?: KnownOutputs) => Tensor2D;

function differentiable(where: string, logit: string, logits: Logits, kind: ClassKind = 'exclusive'): Omit<GradientModel, 'toInput'> {
  return {
    logit,
    kind,
    async score(batch, target, known) {
      await yieldToEvents();
      return readScores(
        where,
        target,
        kind,
        tidy(() => logits(batch, known)),
      );
    },
    async value(batch, explained) {
      await yieldToEvents();
      const values = tidy(() => explainedValues(where, logits(batch), explained));
      try {
        return Float32Array.from(await values.data());
      } finally {
        values.dispose();
      }
    },
    async gradient(batch, explained, at) {
      await yieldToEvents();
      await requireBackend(where, 'grad-cam');
      const inner = at === undefined ? logits : (output: Tensor4D) => logits(batch, {[at.path]: output});
      return differentiate(where, inner, at?.output ?? batch, explained);
    },
  };
}

/** Reads and disposes the logits. */
async function readScores(where: string, target: Target | undefined, kind: ClassKind, logits: Tensor2D): Promise<BatchScores> {
  try {
    const raw = await logits.data<'float32'>();
    const width = logits.shape[1];
    const bad = raw.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0)
      throw new RangeError(
        `${where}: the model must give finite logits, but gave ${raw[bad]} for image ${Math.floor(bad / width)} of the batch, class ${bad % width}.`,
      );
    const form = isTargetFn(target) ? classLogits : (given: Tensor2D): Tensor2D => classProbabilities(classLogits(given), kind);
    const scores = tidy(() => form(logits));
    try {
      const read = {values: Float32Array.from(await scores.data()), numClasses: scores.shape[1]};
      return isTargetFn(target) ? await valuesOf(where, target, read) : read;
    } finally {
      scores.dispose();
    }
  } finally {
    logits.dispose();
  }
}

function differentiate(where: string, logits: (x: Tensor4D) => Tensor2D, x: Tensor4D, explained: Explained): Tensor4D {
  // Images do not influence each other in inference, so one pass differentiates the sum over the batch.
  const chosen = (input: Tensor): Tensor => sum(explainedValues(where, logits(input as Tensor4D), explained));
  try {
    return tidy(() => grad(chosen)(x) as Tensor4D);
  } catch (cause) {
    disposeAbandonedTape();
    const failure = backendFailure(where, cause);
    if (failure !== cause) throw failure;
    throw new UnsupportedModelError(
      `${where}: the logits cannot be differentiated (${(cause as Error).message}). rise() and lime() need scores only.`,
      {cause},
    );
  }
}

/** The number of each image that is explained, `[N]`. */
function explainedValues(where: string, logits: Tensor2D, explained: Explained): Tensor1D {
  if (typeof explained === 'function') return applyTarget(where, explained, classLogits(logits));
  return sum(mul(logits, chosenRows(explained, logits.shape[1])), 1);
}

/** One row per image with 1 at its class; for a single output 1 or −1, its side. */
function chosenRows(classes: readonly number[], width: number): Tensor2D {
  const rows = new Float32Array(classes.length * width);
  classes.forEach((each, image) => {
    if (width === 1) rows[image] = each === 1 ? 1 : -1;
    else rows[image * width + each] = 1;
  });
  return tensor2d(rows, [classes.length, width]);
}

function refuseBlackBox(where: string, model: Model): asserts model is LayersModel | Teacher {
  checkModel(where, model);
  if ('logits' in model || 'layers' in model) return;
  const what =
    typeof model === 'function'
      ? 'a score function has no gradients'
      : 'this GraphModel does not let its graph be read, so it has no layers and no gradients';
  throw new UnsupportedModelError(`${where}: ${what}. rise() and lime() explain it from its scores alone.`);
}

function refuseScores(where: string, {name, scores}: Teacher): void {
  if (scores === undefined) return;
  throw new UnsupportedModelError(
    `${where}: teacher '${name}' is a black box, which has no gradients. rise(), lime() and occlusion() explain it from its scores alone, and AttentiveDistiller distils it.`,
  );
}
