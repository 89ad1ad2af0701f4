/**
 * What training reads: batches of images, epoch after epoch. Tensors in a batch are borrowed by the
 * library; whoever makes them frees them, a generator behind its `yield`.
 */
import {cast, oneHot, Tensor, tensor1d, tidy, type Tensor1D, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {checkInteger, show} from '../core/check.js';
import type {PictureInput} from '../core/types.js';

/** Images that are trained on in one step. */
export interface TrainingBatch {
  /** Network input `[N,H,W,C]`, borrowed; or N pictures that go through the teacher's preprocessing. */
  readonly images: Tensor4D | readonly PictureInput[];
  /** N class indices from 0; needed only where the hard loss is. A tensor is borrowed. */
  readonly labels?: ArrayLike<number> | Tensor1D | undefined;
}

/** The batches of one epoch. */
export type BatchSource = Iterable<TrainingBatch> | AsyncIterable<TrainingBatch>;

/**
 * The batches of all epochs: something that can be gone over again (an array), or a function that
 * is called once per epoch with the epoch's number, from 0, and returns its batches.
 *
 * @example
 * const batches = async function* (epoch: number) {
 *   for (const file of files) {
 *     const images = await read(file, epoch); // Tensor4D
 *     try {
 *       yield {images};
 *     } finally {
 *       images.dispose(); // Where training stops within an epoch, too.
 *     }
 *   }
 * };
 */
export type TrainingBatches = BatchSource | BatchFunction;

/** A function of the epoch that returns its batches. */
export interface BatchFunction {
  (epoch: number): BatchSource | Promise<BatchSource>;
  /** How many batches an epoch has, where that is known. */
  readonly batchesPerEpoch?: number | undefined;
}

/** How many batches an epoch has; NaN where that cannot be known before it is over. */
export function batchesPerEpoch(batches: TrainingBatches): number {
  if (Array.isArray(batches)) return batches.length;
  return typeof batches === 'function' ? (batches.batchesPerEpoch ?? NaN) : NaN;
}

/**
 * Goes over the batches of one epoch, whatever their form.
 *
 * @param where Names the caller in messages.
 * @param epoch Which epoch, from 0.
 * @throws {TypeError} While running: if `batches` is none of the forms, or a batch has no images.
 * @throws {RangeError} While running: if the epoch has no batch at all, which is what a generator
 *   that was used up in an earlier epoch looks like.
 */
export async function* iterateBatches(
  where: string,
  batches: TrainingBatches,
  epoch: number,
): AsyncGenerator<TrainingBatch, void, undefined> {
  checkInteger(`${where}: epoch`, epoch);
  const source: unknown = typeof batches === 'function' ? await batches(epoch) : batches;
  if (!isIterable(source)) {
    const what = typeof batches === 'function' ? 'the function given as batches must return' : 'batches must be';
    throw new TypeError(`${where}: ${what} an array, iterable or async iterable of {images, labels}, but it is ${show(source)}.`);
  }
  let count = 0;
  for await (const batch of source) {
    checkBatch(`${where}: batch ${count++}`, batch);
    yield batch;
  }
  if (count > 0) return;
  const oneShot = `${where}: ${describe(batches)} gave no batch in epoch ${epoch}: an iterator runs out after one epoch. `;
  const advice = 'Pass a function that makes a new one for each epoch, (epoch) => batches, or an array.';
  throw new RangeError(
    epoch > 0 ? oneShot + advice : `${where}: ${describe(batches)} gave no batch in the first epoch; there is nothing to train on.`,
  );
}

/**
 * Reads a batch's labels.
 *
 * @param where Names the caller and the batch in messages.
 * @param count How many images the batch has.
 * @param numClasses Labels are below this.
 * @returns The class indices, or `undefined` where the batch has none.
 * @throws {RangeError} If their number is another or one is no class index.
 */
export async function batchLabels(where: string, batch: TrainingBatch, count: number, numClasses: number): Promise<Int32Array | undefined> {
  const {labels} = batch;
  if (labels === undefined) return undefined;
  const values: ArrayLike<number> = labels instanceof Tensor ? await labels.data() : labels;
  if (values.length !== count)
    throw new RangeError(`${where}: labels must be as many as the ${count} images of the batch, but are ${values.length}.`);
  for (let index = 0; index < count; index++) checkInteger(`${where}: labels[${index}]`, values[index], 0, numClasses - 1);
  return Int32Array.from(values);
}

/** Labels as rows `[N,K]` of zeros and one 1; the caller's. */
export function oneHotOf(labels: Int32Array, numClasses: number): Tensor2D {
  return tidy(() => cast(oneHot(tensor1d(labels, 'int32'), numClasses) as Tensor2D, 'float32'));
}

function isIterable(value: unknown): value is BatchSource {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}

function checkBatch(where: string, batch: unknown): asserts batch is TrainingBatch {
  const images = (batch as Partial<TrainingBatch> | null | undefined)?.images;
  if (!(images instanceof Tensor) && !Array.isArray(images)) {
    throw new TypeError(
      `${where} must be {images, labels} with a tensor or an array of pictures, but is ${show(batch)} with images ${show(images)}.`,
    );
  }
}

function describe(batches: TrainingBatches): string {
  return typeof batches === 'function' ? 'the function given as batches' : 'batches';
}
