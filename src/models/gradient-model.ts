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
  softmax,
  sum,
  tensor2d,
  tidy,
  type Rank,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {disposeAbandonedTape} from '../tfjs/abandoned-tape.js';
import {backendFailure} from '../backend/backend-failure.js';
import {requireBackend} from '../backend/check-backend.js';
import {show} from '../core/check.js';
import {UnsupportedModelError} from '../core/errors/unsupported-model-error.js';
import type {Teacher} from '../core/types.js';
import {classLogits} from '../losses/class-logits.js';
import {classifierOf} from './graph/classifier-head.js';
import {planGraph, slotsAt} from './graph/plan.js';
import {yieldToEvents} from '../core/yield-to-events.js';
import {pooledHeadIn} from './graph/pooled-head.js';
import {scoreModel, type BatchScores, type ScoreModel} from './score-model.js';

/** Outputs of layers that are known already, by path. */
export type KnownOutputs = Readonly<Record<string, Tensor4D>>;

/** A classifier reduced to what a gradient method needs. Holds no tensors. */
export interface GradientModel extends Pick<ScoreModel, 'toInput'> {
  /** Which number is differentiated, in words, for the record of a map. */
  readonly logit: string;
  /**
   * Probabilities of a batch `[N,H,W,C]`, which stays the caller's; what only `known` outputs need
   * does not run. Lets waiting events run first, so that a loop over batches can be aborted.
   *
   * @throws {RangeError} If a logit is not finite.
   */
  score(batch: Tensor4D, known?: KnownOutputs): Promise<BatchScores>;
  /**
   * Differentiates the logit of one class per image with respect to the batch, or to the output of
   * the layer at `path`. Lets waiting events run first.
   *
   * @returns The gradient, of the shape of what it refers to; the caller's.
   * @throws {UnsupportedModelError} If the logits have no gradient.
   */
  gradient(batch: Tensor4D, classes: readonly number[], at?: {readonly path: string; readonly output: Tensor4D}): Promise<Tensor4D>;
}

/** A gradient model that can be looked into. */
export interface LayeredModel extends GradientModel {
  /** The tfjs model behind it. */
  readonly network: LayersModel;
}

/**
 * Wraps a LayersModel, or any Teacher through its own `logits`.
 *
 * @param where Names the caller in messages.
 * @throws {TypeError} If `model` is no object.
 * @throws {UnsupportedModelError} If it is a score function, a GraphModel or no classifier.
 */
export function gradientModel(where: string, model: LayersModel | Teacher): GradientModel {
  refuseBlackBox(where, model);
  if (!('logits' in model)) return layeredModel(where, model);
  return {
    ...differentiable(where, `logits of teacher '${model.name}'`, (images) => model.logits(images)),
    toInput: scoreModel(model).toInput,
  };
}

/**
 * Wraps a LayersModel, or a Teacher through the tfjs model behind it.
 *
 * @param where Names the caller in messages.
 * @throws {TypeError} If `model` is no object.
 * @throws {UnsupportedModelError} If it is a score function, a GraphModel, a Teacher without `model`
 *   or no classifier.
 */
export function layeredModel(where: string, model: LayersModel | Teacher): LayeredModel {
  refuseBlackBox(where, model);
  const network = 'logits' in model ? model.model : model;
  if (network === undefined) {
    throw new UnsupportedModelError(
      `${where}: teacher '${(model as Teacher).name}' has no tfjs model behind it (Teacher.model), so it has no layers to look into. gradientSaliency() needs its logits only, rise() and lime() its scores.`,
    );
  }
  const {squashPath, averages, numClasses, logits} = classifierOf(network, where);
  const squash =
    squashPath === undefined ? 'output of the model' : `input of the ${numClasses === 1 ? 'sigmoid' : 'softmax'} in '${squashPath}'`;
  const anyLayer = differentiable(where, averages ? 'log of the averaged probabilities' : squash, logits);
  return {...anyLayer, gradient: throughPooledHead(network, anyLayer.gradient), toInput: scoreModel(model).toInput, network};
}

/**
 * Where a logit is linear in the mean of a feature map, its gradient there is the class's weights, spread
 * over the map: no layer has to be differentiated.
 */
function throughPooledHead(network: LayersModel, differentiateAny: GradientModel['gradient']): GradientModel['gradient'] {
  const head = pooledHeadIn(network);
  const plan = planGraph(network);
  return async (batch, classes, at) => {
    if (head === undefined || at === undefined || slotsAt(plan, at.path)[0] !== head.slot) return differentiateAny(batch, classes, at);
    await yieldToEvents();
    const {shape} = at.output;
    return tidy(() => broadcastTo<Rank.R4>(div(head.classWeights(classes), shape[1] * shape[2]), shape));
  };
}

type Logits = (images: Tensor4D, known?: KnownOutputs) => Tensor2D;

function differentiable(where: string, logit: string, logits: Logits): Omit<GradientModel, 'toInput'> {
  return {
    logit,
    async score(batch, known) {
      await yieldToEvents();
      return readScores(
        where,
        tidy(() => logits(batch, known)),
      );
    },
    async gradient(batch, classes, at) {
      await yieldToEvents();
      await requireBackend(where, 'grad-cam');
      const inner = at === undefined ? logits : (output: Tensor4D) => logits(batch, {[at.path]: output});
      return differentiate(where, inner, at?.output ?? batch, classes);
    },
  };
}

/** Reads and disposes the logits. */
async function readScores(where: string, logits: Tensor2D): Promise<BatchScores> {
  try {
    const raw = await logits.data<'float32'>();
    const width = logits.shape[1];
    const bad = raw.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0)
      throw new RangeError(
        `${where}: the model must give finite logits, but gave ${raw[bad]} for image ${Math.floor(bad / width)} of the batch, class ${bad % width}.`,
      );
    const probabilities = tidy(() => softmax(classLogits(logits)));
    try {
      return {values: Float32Array.from(await probabilities.data()), numClasses: probabilities.shape[1]};
    } finally {
      probabilities.dispose();
    }
  } finally {
    logits.dispose();
  }
}

function differentiate(where: string, logits: (x: Tensor4D) => Tensor2D, x: Tensor4D, classes: readonly number[]): Tensor4D {
  // Images do not influence each other in inference, so one pass differentiates the sum over the batch.
  const chosen = (input: Tensor): Tensor => {
    const values = logits(input as Tensor4D); // [N,K]
    return sum(mul(values, chosenRows(classes, values.shape[1])));
  };
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

/** One row per image with 1 at its class; for a single output 1 or −1, its side. */
function chosenRows(classes: readonly number[], width: number): Tensor2D {
  const rows = new Float32Array(classes.length * width);
  classes.forEach((each, image) => {
    if (width === 1) rows[image] = each === 1 ? 1 : -1;
    else rows[image * width + each] = 1;
  });
  return tensor2d(rows, [classes.length, width]);
}

function refuseBlackBox(where: string, model: unknown): void {
  if (typeof model !== 'function' && (typeof model !== 'object' || model === null)) {
    throw new TypeError(`${where}: model must be a LayersModel or a Teacher, but is ${show(model)}.`);
  }
  const isGraph = !('logits' in model) && !('layers' in model) && 'predict' in model;
  if (typeof model === 'function' || isGraph) {
    const what = isGraph ? 'a GraphModel has no layers and no gradients' : 'a score function has no gradients';
    throw new UnsupportedModelError(`${where}: ${what}. rise() and lime() explain it from its scores alone.`);
  }
}
