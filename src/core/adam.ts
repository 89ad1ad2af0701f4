/** Adam (Kingma & Ba 2015) on plain numbers: for what is optimised per image and is small. */
import {at} from './at.js';

const [BETA_1, BETA_2, EPSILON] = [0.9, 0.999, 1e-8];

/** Moves a list of numbers against their gradient. */
export class Adam {
  readonly #rate: number;
  readonly #first: Float64Array;
  readonly #second: Float64Array;
  #steps = 0;

  constructor(length: number, rate: number) {
    this.#rate = rate;
    this.#first = new Float64Array(length);
    this.#second = new Float64Array(length);
  }

  /** Takes one step, in place. */
  step(values: Float64Array | Float32Array, gradient: ArrayLike<number>): void {
    this.#steps += 1;
    const [correction1, correction2] = [1 - BETA_1 ** this.#steps, 1 - BETA_2 ** this.#steps];
    for (let index = 0; index < values.length; index++) {
      const slope = at(gradient, index);
      const first = (this.#first[index] = BETA_1 * at(this.#first, index) + (1 - BETA_1) * slope);
      const second = (this.#second[index] = BETA_2 * at(this.#second, index) + (1 - BETA_2) * slope * slope);
      values[index] = at(values, index) - (this.#rate * (first / correction1)) / (Math.sqrt(second / correction2) + EPSILON);
    }
  }
}
