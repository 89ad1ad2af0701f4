/** The gradient of something in the middle of a computation, noted on its way back. */
import {clone, customGrad, keep, type Tensor} from '@tensorflow/tfjs-core';

/** An identity that notes the gradient which passes back through it. */
export class WatchedGradient {
  #gradient: Tensor | undefined;

  /** Returns the same values, the caller's. To be called in a computation that is differentiated. */
  readonly watch: (value: Tensor) => Tensor = customGrad((value) => ({
    value: clone(value as Tensor),
    gradFunc: (gradient: Tensor): Tensor => {
      this.#gradient = keep(clone(gradient));
      return clone(gradient);
    },
  }));

  /** The gradient of the last pass back, this object's; `undefined` if none came by. */
  get gradient(): Tensor | undefined {
    return this.#gradient;
  }

  /** Frees and forgets it. */
  dispose(): void {
    this.#gradient?.dispose();
    this.#gradient = undefined;
  }
}
