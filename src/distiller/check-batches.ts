/** The argument `batches`, checked as far as that is possible without reading pixels or asking for what is not there yet. */
import {Tensor, type Tensor1D} from '@tensorflow/tfjs-core';
import {checkNumbers, isPromise, show} from '../core/check.js';
import {checkTensor} from '../core/check-tensor.js';
import type {TrainingBatch, TrainingBatches} from '../data/batches.js';
import {checkImages} from '../data/image-list.js';

/** What `batches` may be. */
export const batchesRule = 'an array, iterable or async iterable of {images, labels}, or a function of the epoch that returns one';

/** Whether a value can be gone over, or called to get what can. */
export function isBatches(value: unknown): boolean {
  if (typeof value === 'function') return true;
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}

/**
 * Checks the form of batches, and of each one where they are an array.
 *
 * @throws {TypeError} If it is none of the forms, or a batch holds something else than images and labels.
 * @throws {RangeError} If the shape of a batch or the number of its labels is wrong.
 */
export function checkBatches(where: string, batches: TrainingBatches): void {
  if (!isBatches(batches)) throw new TypeError(`${where}: batches must be ${batchesRule}, but is ${show(batches)}.`);
  if (Array.isArray(batches)) batches.forEach((batch: TrainingBatch, index) => checkBatch(`${where}: batch ${index}`, batch));
}

/** Checks one batch; `where` names it in messages. Returns how many images it has. @throws As {@link checkBatches}. */
export function checkBatch(where: string, batch: TrainingBatch): number {
  if (typeof batch !== 'object' || batch === null || isPromise(batch) || !('images' in batch)) {
    throw new TypeError(`${where} must be {images, labels}, but is ${show(batch)}.`);
  }
  const {images, labels} = batch;
  if (!Array.isArray(images)) checkTensor(`${where}: images`, images as Tensor, [null, null, null, null]);
  const count = checkImages(where, images as Parameters<typeof checkImages>[1]);
  if (labels === undefined) return count;
  const given =
    labels instanceof Tensor
      ? checkTensor<Tensor1D>(`${where}: labels`, labels, [null]).shape[0]
      : checkNumbers(`${where}: labels`, labels).length;
  if (given !== count) throw new RangeError(`${where}: labels must be as many as the ${count} images of the batch, but are ${given}.`);
  return count;
}
