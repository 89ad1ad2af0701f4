/**
 * Ownership of tensors across an `await`, where `tidy` cannot reach: a scope owns what is handed to
 * it and frees all of it at its end, also when something throws.
 */
import {dispose, slice, type Tensor} from '@tensorflow/tfjs-core';

/** Collects tensors that live until the scope ends. */
export class TensorScope {
  readonly #owned = new Set<Tensor>();

  /** Hands a tensor to the scope and returns it. */
  own<T extends Tensor>(tensor: T): T {
    this.#owned.add(tensor);
    return tensor;
  }

  /** Takes a tensor out of the scope: the caller owns it now. */
  release<T extends Tensor>(tensor: T): T {
    this.#owned.delete(tensor);
    return tensor;
  }

  /** Frees everything that is still owned. */
  dispose(): void {
    dispose([...this.#owned]);
    this.#owned.clear();
  }
}

/** Runs `work` with a scope whose tensors are freed afterwards, whether it returns or throws. */
export async function withTensors<T>(work: (scope: TensorScope) => Promise<T>): Promise<T> {
  const scope = new TensorScope();
  try {
    return await work(scope);
  } finally {
    scope.dispose();
  }
}

/** Items `first` … `first + count − 1` of a batch `[N, …]`; a tensor of its own. */
export function itemsOf<T extends Tensor>(batch: T, first: number, count: number): T {
  const rest = batch.shape.slice(1);
  return slice(batch as Tensor, [first, ...rest.map(() => 0)], [count, ...rest]) as T;
}
