/** The weights after the epoch that the validation found best, and when to stop waiting for a better one. */
import {dispose, type Tensor, type Variable} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';

/** How far the comparison is. */
export interface BestState {
  /** The least loss so far; absent before the first validation. */
  readonly loss?: number | undefined;
  /** Epochs since then. */
  readonly epochsSince: number;
  /** The weights of that epoch; empty where they are not kept. */
  readonly weights: readonly Tensor[];
}

/** Follows the validation from epoch to epoch. */
export class BestWeights {
  readonly #variables: readonly Variable[];
  readonly #keeps: boolean;
  #loss: number | undefined;
  #epochsSince = 0;
  #weights: Tensor[] = [];

  /**
   * @param variables All that makes the networks what they are, statistics of batch norms included.
   * @param keeps Whether the best weights are kept; otherwise epochs are only counted.
   */
  constructor(variables: readonly Variable[], keeps: boolean) {
    this.#variables = variables;
    this.#keeps = keeps;
  }

  /** Epochs since the best one. */
  get epochsSince(): number {
    return this.#epochsSince;
  }

  /** Compares an epoch with those before it, the weights being those that its validation had. */
  consider(loss: number): void {
    this.#epochsSince++;
    if (!(loss < (this.#loss ?? Infinity))) return;
    this.#loss = loss;
    this.#epochsSince = 0;
    if (!this.#keeps) return;
    dispose(this.#weights);
    this.#weights = this.#variables.map((variable) => variable.clone());
  }

  /** The best value of a weight, this object's; `undefined` where there is none yet. */
  bestOf(variable: Tensor): Tensor | undefined {
    return this.#weights[this.#variables.indexOf(variable as Variable)];
  }

  /** What the next epochs depend on; the tensors are this object's. */
  get state(): BestState {
    return {loss: this.#loss, epochsSince: this.#epochsSince, weights: this.#weights};
  }

  /** Goes on from a state; borrowed. */
  restore({loss, epochsSince, weights}: BestState): void {
    this.dispose();
    this.#loss = loss;
    this.#epochsSince = epochsSince;
    this.#weights = weights.map((weight) => weight.clone());
  }

  /** Puts the best weights in the place of the last ones, and frees what is held. */
  settle(): void {
    this.#weights.forEach((weight, index) => at(this.#variables, index).assign(weight));
    this.dispose();
  }

  /** Frees what is held; the weights stay as they are. */
  dispose(): void {
    dispose(this.#weights);
    this.#weights = [];
  }
}
