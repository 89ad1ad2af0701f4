/** A few images of a batch, held until the next ones come. */
import {slice, type Tensor4D} from '@tensorflow/tfjs-core';

/** Holds copies of at most so many images. */
export class HeldImages {
  readonly #most: number;
  /** `[N,H,W,C]`, still this object's; `undefined` before the first. */
  images: Tensor4D | undefined;

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes the first images of a batch in the place of those that are held, unless it has fewer. */
  take(batch: Tensor4D): void {
    if (batch.shape[0] < (this.images?.shape[0] ?? 0)) return;
    this.dispose();
    this.images = slice(batch, 0, Math.min(batch.shape[0], this.#most));
  }

  /** Frees what is held. */
  dispose(): void {
    this.images?.dispose();
    this.images = undefined;
  }
}
