/**
 * Ownership of tensors across an `await`, where `tidy` cannot reach: a scope owns what is handed to
 * it and frees all of it at its end, also when something throws.
 */
import {dispose, engine, type Tensor} from '@tensorflow/tfjs-core';

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

/** Runs what builds a network at once; if that throws, the weights that it has made until then are freed. */
export function withoutLeftovers<T>(build: () => T): T {
  const {registeredVariables} = engine().state;
  const before = new Set(Object.keys(registeredVariables));
  try {
    return build();
  } catch (error) {
    dispose(
      Object.entries(registeredVariables)
        .filter(([name]) => !before.has(name))
        .map(([, variable]) => variable),
    );
    throw error;
  }
}
