/**
 * A function of a batch whose gradient is computed along with its value, one piece of the batch after another: tfjs
 * holds everything between an input and its gradient, and so only what one piece needs is held at a time.
 */
import {
  concat,
  customGrad,
  dispose,
  engine,
  keep,
  mul,
  reshape,
  sum,
  tidy,
  type GradSaveFunc,
  type Scalar,
  type Tensor,
  type Tensor1D,
} from '@tensorflow/tfjs-core';
import {itemsOf} from '../../core/tensors.js';
import {disposeAbandonedTape} from '../abandoned-tape.js';

/**
 * Computes `work` piece by piece.
 *
 * @param batch `[N, …]`, borrowed.
 * @param size The largest piece, at least 1; a batch that is no larger is one piece, as if `work` had been called.
 * @param work From items `first` … of the batch, `[n, …]`, to one number each, `[n]`; each depends on its own item alone.
 * @returns `[N]`, the caller's; differentiable with respect to `batch` only.
 */
export function piecewise<T extends Tensor>(batch: T, size: number, work: (piece: T, first: number) => Tensor1D): Tensor1D {
  const [total = 0] = batch.shape;
  if (total <= size) return work(batch, 0);
  const starts = Array.from({length: Math.ceil(total / size)}, (_, index) => index * size);
  const pieceAt = (from: T, first: number): T => itemsOf(from, first, Math.min(size, total - first));
  // Where nobody asks for a gradient.
  if (!engine().isTapeOn()) return tidy(() => concat(starts.map((first) => tidy(() => work(pieceAt(batch, first), first)))));
  const operation = customGrad((...given) => {
    const [input, save] = given as [T, GradSaveFunc];
    const values: Tensor1D[] = [];
    const gradients: Tensor[] = [];
    try {
      for (const first of starts) {
        const piece = pieceAt(input, first);
        const {value, gradient} = apart(() => valueAndGradient(piece, (each) => work(each, first)));
        piece.dispose();
        values.push(value);
        gradients.push(gradient);
      }
      save([tidy(() => concat(gradients, 0))]);
      const gradFunc = (dy: Tensor, [gradient]: Tensor[]): Tensor =>
        mul(gradient as Tensor, reshape(dy, [-1, ...batch.shape.slice(1).map(() => 1)]));
      return {value: concat(values, 0), gradFunc};
    } finally {
      dispose([...values, ...gradients]);
    }
  });
  return operation(batch) as Tensor1D;
}

/** The numbers of one piece, and the gradient of their sum; kept, since no scope of the caller's may free them. */
function valueAndGradient<T extends Tensor>(piece: T, work: (piece: T) => Tensor1D): {value: Tensor1D; gradient: Tensor} {
  return tidy(() => {
    let value: Tensor1D | undefined;
    const total = (): Scalar => {
      value = keep(work(piece));
      return sum<Scalar>(value);
    };
    try {
      const {grads} = engine().gradients(total, [piece]);
      return {value: value as Tensor1D, gradient: keep(grads[0] as Tensor)};
    } catch (error) {
      value?.dispose();
      throw error;
    }
  });
}

/** Runs a gradient inside another one that knows nothing of it. */
function apart<T>(work: () => T): T {
  const {state} = engine();
  const {activeTape, gradientDepth, kernelDepth} = state;
  Object.assign(state, {activeTape: [], gradientDepth: 0, kernelDepth: 0});
  try {
    return work();
  } catch (error) {
    disposeAbandonedTape();
    throw error;
  } finally {
    Object.assign(state, {activeTape, gradientDepth, kernelDepth});
  }
}
