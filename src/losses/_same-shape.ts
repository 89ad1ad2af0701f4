/** The check that logits are tensors of one shape. */
import type {Tensor} from '@tensorflow/tfjs-core';
import {show} from '../core/check.js';
import {checkTensor} from '../core/check-tensor.js';

/**
 * Checks tensors that are compared class by class.
 *
 * @throws {TypeError} If one is no tensor, or a disposed one.
 * @throws {RangeError} Unless all are `[N,K]` and equal; the message shows every shape.
 */
export function sameShape(where: string, tensors: Readonly<Record<string, Tensor>>): void {
  const shapes = Object.entries(tensors).map(([name, tensor]) => {
    const {shape} = checkTensor(`${where}: ${name}`, tensor);
    return {name, text: show(shape), rank: shape.length};
  });
  if (shapes.every(({text, rank}) => rank === 2 && text === shapes[0]?.text)) return;
  const seen = shapes.map(({name, text}) => `${name} ${text}`).join(', ');
  throw new RangeError(`${where}: logits must have one shape [batch, classes], but are ${seen}.`);
}
