/**
 * Ownership inside one run of a graph: which tensor stands in which slot, and which of them the run
 * has to free. Every owned tensor stands in exactly one slot.
 */
import {clone, type Tensor} from '@tensorflow/tfjs-core';

/** The tensors of a run by slot, and which of them the run has to free. */
export class GraphValues {
  readonly #bySlot = new Map<number, Tensor>();
  readonly #owned = new Set<Tensor>();

  has(slot: number): boolean {
    return this.#bySlot.has(slot);
  }

  get(slot: number): Tensor {
    return this.#bySlot.get(slot) as Tensor;
  }

  /** Stores a tensor that stays its owner's. */
  borrow(slot: number, tensor: Tensor): void {
    this.#bySlot.set(slot, tensor);
  }

  /** Stores a tensor that the run frees. One that another slot or owner has is cloned first. */
  own(slot: number, tensor: Tensor): void {
    const shared = [...this.#bySlot.values()].includes(tensor);
    const mine = shared ? clone(tensor) : tensor;
    this.#bySlot.set(slot, mine);
    this.#owned.add(mine);
  }

  free(slot: number): void {
    const tensor = this.get(slot);
    if (this.#owned.delete(tensor)) tensor.dispose();
    this.#bySlot.delete(slot);
  }

  /** Takes a tensor out for the caller; what is not the run's, or was taken before, is cloned. */
  release(slot: number): Tensor {
    const tensor = this.get(slot);
    return this.#owned.delete(tensor) ? tensor : clone(tensor);
  }

  dispose(): void {
    for (const tensor of this.#owned) tensor.dispose();
    this.#owned.clear();
  }
}
