/**
 * One face for everything that can score images: a LayersModel, a Teacher, a GraphModel, or any
 * function. What treats the model as a black box (insertion, deletion, RISE, LIME) asks only this.
 * A model with one output counts as two classes, so that "the other side" can be asked for as well.
 */
import {clone, dispose, reshape, Tensor, tidy, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {isPromise, show} from '../core/check.js';
import type {GraphModelLike, ImageInput, ImagesInput, Model, Teacher} from '../core/types.js';
import {classLogits} from '../losses/class-logits.js';
import {classProbabilities} from '../losses/class-probabilities.js';
import {networkInput} from '../data/network-input.js';
import {checkLayersModel} from './check-layers-model.js';
import {teacherLogits, checkTeacher} from './teacher.js';
import {classifierOf} from './graph/classifier-head.js';
import {isReadableGraph} from './graph-model/graph-nodes.js';
import {graphToScore} from './graph-model/score-graph.js';
import {yieldToEvents} from '../core/yield-to-events.js';
import {askBlackBox, isBlackBox} from './black-box.js';
import {readScores, scoreByFunction, type BatchScores} from './score-function.js';

/**
 * What the scores of a LayersModel or Teacher are: probabilities, or the logits that a target of
 * one's own is made of. Those of other models are what they are.
 */
export type ScoreForm = 'probabilities' | 'logits';

/** A model reduced to what a black-box method needs. */
export interface ScoreModel {
  /** `[height, width, channels]` of one image, where the model says so. */
  readonly inputShape?: readonly [number, number, number] | undefined;
  /** Number of classes, at least 2, where it is known before the first call. */
  readonly numClasses?: number | undefined;
  /**
   * Scores a batch `[N,H,W,C]`, which stays the caller's. Lets waiting events run first, so that a
   * loop over batches can be aborted.
   *
   * @throws {RangeError} If a score function returns anything but N equally long rows of finite
   *   values, or one column that leaves [0,1].
   */
  score(batch: Tensor4D): Promise<BatchScores>;
  /**
   * Turns images into network input `[N,H,W,C]`, the caller's.
   *
   * @throws {TypeError} If an image is a decoded picture and the model is not a Teacher.
   * @throws {RangeError} If shapes do not fit the model or each other.
   */
  toInput(images: ImagesInput): Tensor4D;
}

/**
 * Wraps a model so that it can be scored.
 *
 * @param where Names the caller in messages.
 * @param model A LayersModel or Teacher: scores are probabilities, the softmax of the logits (taken
 *   in front of a closing softmax, so never twice). A GraphModel likewise, whether it ends in probabilities or in logits;
 *   one that does not let its graph be read, or a function: scores are what it returns, used as they are; a tensor it returns is disposed. Where there is one output, the
 *   sigmoid of a model or the column of a function, its p becomes the two classes `[1 − p, p]`.
 *   Borrowed.
 * @returns The wrapped model; it holds no tensors.
 * @throws {TypeError} If `model` is none of these.
 * @throws {UnsupportedModelError} If a LayersModel is no single-input, single-output classifier.
 */
export function scoreModel(where: string, model: Model, form: ScoreForm = 'probabilities'): ScoreModel {
  checkModel(where, model);
  if (typeof model === 'function') {
    return {score: (batch) => scoreByFunction(model, batch, `${where}: the score function`), toInput: tensorsOnly(where, undefined)};
  }
  if ('logits' in model) {
    checkTeacher(where, 'model', model);
    const {inputShape, numClasses} = model;
    const score = (batch: Tensor4D): Promise<BatchScores> => scoreByLogits(where, model, batch, form);
    return {inputShape, numClasses: Math.max(numClasses, 2), score, toInput: (images) => networkInput(where, images, model)};
  }
  if (isReadableGraph(model)) {
    const graph = graphToScore(where, model);
    const {inputShape} = graph;
    const score = (batch: Tensor4D): Promise<BatchScores> => scoreByLogits(where, graph, batch, form);
    return {inputShape, numClasses: Math.max(graph.numClasses, 2), score, toInput: tensorsOnly(where, inputShape)};
  }
  if (!('layers' in model)) {
    const inputShape = sizesOf(model.inputs?.[0]?.shape);
    const score = (batch: Tensor4D): Promise<BatchScores> =>
      scoreByFunction((x) => predictRows(where, model, x), batch, `${where}: the model's predict`);
    return {inputShape, score, toInput: tensorsOnly(where, inputShape)};
  }
  checkLayersModel(`${where}: model`, model);
  const classifier = classifierOf(model, where);
  const inputShape = sizesOf(model.inputs[0]?.shape);
  const numClasses = Math.max(classifier.numClasses, 2);
  return {inputShape, numClasses, score: (batch) => scoreByLogits(where, classifier, batch, form), toInput: tensorsOnly(where, inputShape)};
}

/**
 * Checks that an argument is a model of some kind.
 *
 * @throws {TypeError} If it is none; a promise of one is told to be awaited.
 */
export function checkModel(where: string, model: unknown): asserts model is Model {
  const {logits, predict} = (model ?? {}) as {logits?: unknown; predict?: unknown};
  const isModel = typeof model === 'object' && !isPromise(model) && (typeof logits === 'function' || typeof predict === 'function');
  if (typeof model === 'function' || isModel) return;
  throw new TypeError(`${where}: model must be a LayersModel, a Teacher, a GraphModel or a score function, but is ${show(model)}.`);
}

function sizesOf(shape: readonly (number | null)[] | undefined): ScoreModel['inputShape'] {
  const sizes = shape?.slice(1) ?? [];
  return sizes.length === 3 && sizes.every((size) => size !== null && size > 0) ? (sizes as [number, number, number]) : undefined;
}

/** What is asked of a teacher or of the classifier in a model. */
type Answering = Pick<Teacher, 'logits' | 'numClasses' | 'classes' | 'scores'> & {readonly name?: string};

async function scoreByLogits(where: string, classifier: Answering, batch: Tensor4D, form: ScoreForm): Promise<BatchScores> {
  await yieldToEvents();
  const logits = isBlackBox(classifier) ? await askBlackBox(where, classifier, batch) : undefined;
  const one = classifier.numClasses === 1; // Its p becomes two classes where it is read.
  const squash = (logits: Tensor2D): Tensor2D =>
    form === 'logits' ? classLogits(logits) : classProbabilities(logits, one ? 'independent' : (classifier.classes ?? 'exclusive'));
  const scores = tidy(() => squash(logits ?? teacherLogits(where, classifier, batch)));
  logits?.dispose();
  return readScores(scores, batch.shape[0], `${where}: the model`);
}

/** The one output of a GraphModel, however it is wrapped; a feature map of 1×1 counts as a row. */
function predictRows(where: string, model: GraphModelLike, batch: Tensor4D): Tensor2D {
  const predicted = model.predict(batch);
  const tensors = predicted instanceof Tensor ? [predicted] : Object.values((predicted ?? {}) as Record<string, Tensor>);
  const [output] = tensors;
  try {
    if (!(output instanceof Tensor) || tensors.length !== 1) {
      throw new RangeError(
        `${where}: the model's predict must give one tensor of scores, but gave ${output instanceof Tensor ? `${tensors.length} tensors` : show(predicted)}.`,
      );
    }
    const [rows, height, width, classes] = output.shape;
    return output.rank === 4 && height === 1 && width === 1
      ? reshape(output, [rows as number, classes as number])
      : clone(output as Tensor2D);
  } finally {
    dispose(tensors.filter((each) => each instanceof Tensor));
  }
}

function tensorsOnly(where: string, inputShape: ScoreModel['inputShape']): ScoreModel['toInput'] {
  return (images) => {
    const list: readonly ImageInput[] = Array.isArray(images) ? images : [images as ImageInput];
    const picture = list.find((image) => !(image instanceof Tensor));
    if (picture !== undefined) {
      throw new TypeError(
        `${where}: image must be a tensor of what the network sees, but is ${show(picture)}: only a Teacher knows how pixels become network input (teacherFromLayersModel).`,
      );
    }
    const shape = inputShape ?? ((list[0] as Tensor | undefined)?.shape.slice(-3) as [number, number, number] | undefined) ?? [1, 1, 1];
    return networkInput(where, images, {inputShape: shape, preprocessing: 'none'});
  };
}
