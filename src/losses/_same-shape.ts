import type {Tensor} from '@tensorflow/tfjs-core';

/** Throws a RangeError that shows every shape unless all are `[N,K]` and equal. */
export function sameShape(where: string, tensors: Readonly<Record<string, Tensor>>): void {
  const shapes = Object.entries(tensors).map(([name, {shape}]) => ({name, text: `[${shape.join(', ')}]`, rank: shape.length}));
  if (shapes.some(({text, rank}) => rank !== 2 || text !== shapes[0]?.text)) {
    const seen = shapes.map(({name, text}) => `${name} ${text}`).join(', ');
    throw new RangeError(`${where} needs logits of one shape [batch, classes], but got ${seen}.`);
  }
}
