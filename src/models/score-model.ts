/**
 * One face for everything that can score images: a LayersModel, a Teacher, or any function. What
 * treats the model as a black box (insertion, deletion, RISE, LIME) asks only this.
 */
import {sigmoid, softmax, Tensor, tidy, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {show} from '../core/check.js';
import type {ImageInput, ImagesInput, ScoreFn, Teacher} from '../core/types.js';
import {toNetworkInput} from '../data/network-input.js';
import {classifierOf} from './_classifier-head.js';
import {yieldToEvents} from './_yield-to-events.js';

/** The scores of a batch. */
export interface BatchScores {
  /** `N · numClasses` finite values, row by row. */
  readonly values: Float32Array;
  /** Scores per image. */
  readonly numClasses: number;
}

/** A model reduced to what a black-box method needs. */
export interface ScoreModel {
  /** `[height, width, channels]` of one image, where the model says so. */
  readonly inputShape?: readonly [number, number, number] | undefined;
  /** Number of classes, where it is known before the first call. */
  readonly numClasses?: number | undefined;
  /**
   * Scores a batch `[N,H,W,C]`, which stays the caller's. Lets waiting events run first, so that a
   * loop over batches can be aborted.
   *
   * @throws {RangeError} If a score function returns anything but N equally long rows of finite
   *   values.
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
 * @param model A LayersModel or Teacher: scores are probabilities, the softmax of the logits (taken
 *   in front of a closing softmax, so never twice), or the sigmoid where there is one output. A
 *   function: scores are what it returns, used as they are; a tensor it returns is disposed.
 *   Borrowed.
 * @returns The wrapped model; it holds no tensors.
 * @throws {TypeError} If `model` is none of these.
 * @throws {UnsupportedModelError} If a LayersModel is no single-input, single-output classifier.
 */
export function scoreModel(model: LayersModel | Teacher | ScoreFn): ScoreModel {
  if (typeof model === 'function') return {score: (batch) => scoreByFunction(model, batch), toInput: tensorsOnly(undefined)};
  if (typeof model !== 'object' || (model as unknown) === null) {
    throw new TypeError(`model must be a LayersModel, a Teacher or a score function, but is ${show(model)}.`);
  }
  if ('logits' in model) {
    const {inputShape, numClasses} = model;
    return {inputShape, numClasses, score: (batch) => scoreByLogits(model, batch), toInput: (images) => toNetworkInput(images, model)};
  }
  const classifier = classifierOf(model, 'scoreModel');
  const shape = (model.inputs[0] as LayersModel['inputs'][number]).shape.slice(1);
  const inputShape = shape.includes(null) ? undefined : (shape as [number, number, number]);
  return {inputShape, numClasses: classifier.numClasses, score: (batch) => scoreByLogits(classifier, batch), toInput: tensorsOnly(inputShape)};
}

async function scoreByLogits(classifier: Pick<Teacher, 'logits' | 'numClasses'>, batch: Tensor4D): Promise<BatchScores> {
  await yieldToEvents();
  const {numClasses} = classifier;
  const probabilities = tidy(() => {
    const logits = classifier.logits(batch);
    return numClasses === 1 ? sigmoid(logits) : softmax(logits);
  });
  return readScores(probabilities, batch.shape[0], 'the model');
}

async function scoreByFunction(score: ScoreFn, batch: Tensor4D): Promise<BatchScores> {
  const who = 'the score function';
  const count = batch.shape[0];
  await yieldToEvents();
  const scores = await score(batch);
  if (scores instanceof Tensor) return readScores(scores, count, who);
  if (scores instanceof Float32Array) {
    if (scores.length === 0 || scores.length % count !== 0) throw malformed(who, count, `${scores.length} values`);
    return checkFinite(scores, count, who);
  }
  return checkFinite(flatten(scores, count, who), count, who);
}

/** Reads and disposes the tensor. */
async function readScores(scores: Tensor2D, count: number, who: string): Promise<BatchScores> {
  try {
    const [rows, columns] = scores.shape;
    if (scores.shape.length !== 2 || rows !== count || columns === 0) throw malformed(who, count, show(scores));
    return checkFinite(Float32Array.from(await scores.data()), count, who);
  } finally {
    scores.dispose();
  }
}

function flatten(scores: unknown, count: number, who: string): Float32Array {
  if (!Array.isArray(scores)) throw malformed(who, count, show(scores));
  const rows = scores as readonly (ArrayLike<number> | null | undefined)[];
  const widths = rows.map((row) => row?.length ?? 0);
  const [width = 0] = widths;
  if (rows.length !== count || width === 0 || widths.some((each) => each !== width)) {
    throw malformed(who, count, `${rows.length} rows of ${[...new Set(widths)].slice(0, 4).join(' and ')} values`);
  }
  return Float32Array.from(rows.flatMap((row) => Array.from(row as ArrayLike<number>)));
}

function checkFinite(values: Float32Array, count: number, who: string): BatchScores {
  const numClasses = values.length / count;
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new RangeError(`${who} must give finite scores, but gave ${values[bad]} for image ${Math.floor(bad / numClasses)} of the batch, class ${bad % numClasses}.`);
  }
  return {values, numClasses};
}

function malformed(who: string, count: number, what: string): RangeError {
  return new RangeError(`${who} must return one row of scores per image, [${count}, classes], but returned ${what}.`);
}

function tensorsOnly(inputShape: ScoreModel['inputShape']): ScoreModel['toInput'] {
  return (images) => {
    const list: readonly ImageInput[] = Array.isArray(images) ? images : [images as ImageInput];
    const picture = list.find((image) => !(image instanceof Tensor));
    if (picture !== undefined) {
      throw new TypeError(`image must be a tensor of what the network sees, but is ${show(picture)}: only a Teacher knows how pixels become network input (teacherFromLayersModel).`);
    }
    const shape = inputShape ?? ((list[0] as Tensor | undefined)?.shape.slice(-3) as [number, number, number] | undefined) ?? [1, 1, 1];
    return toNetworkInput(images, {inputShape: shape, preprocessing: 'none'});
  };
}
