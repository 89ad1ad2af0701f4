/** The running mean of weights over the steps of training, which explains better than the last of them. */
import {add, mul, tidy, type Tensor, type Variable} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';

/** How far the means are. */
export interface AveragesState {
  readonly steps: number;
  readonly means: readonly Tensor[];
}

/** Follows variables from step to step, and puts their means in their place. */
export class AveragedWeights {
  readonly #variables: readonly Variable[];
  readonly #decay: number;
  #means: Tensor[] = [];
  #steps = 0;

  /** @param decay What a step leaves of the mean so far, 0 (no mean: the last weights) to below 1. */
  constructor(variables: readonly Variable[], decay: number) {
    this.#variables = decay === 0 ? [] : variables;
    this.#decay = decay;
  }

  /** Takes the weights after a step into the means. */
  follow(): void {
    // Short runs must not keep what they began with: after t steps the mean looks back over some t/10.
    const decay = Math.min(this.#decay, this.#steps / (this.#steps + 9));
    this.#steps++;
    const before = this.#means;
    this.#means = this.#variables.map((variable, index) =>
      tidy(() => (decay === 0 ? variable.clone() : add(mul(at(before, index), decay), mul(variable, 1 - decay)))),
    );
    for (const mean of before) mean.dispose();
  }

  /** The mean of a variable, this object's; `undefined` where there is none yet. */
  meanOf(variable: Tensor): Tensor | undefined {
    return this.#means[this.#variables.indexOf(variable as Variable)];
  }

  /** What the next steps depend on; the tensors are this object's. */
  get state(): AveragesState {
    return {steps: this.#steps, means: this.#means};
  }

  /** Goes on from a state; borrowed. */
  restore({steps, means}: AveragesState): void {
    this.dispose();
    this.#steps = steps;
    this.#means = means.map((mean) => mean.clone());
  }

  /** Puts the means in the place of the weights, and frees what is held. */
  settle(): void {
    this.#means.forEach((mean, index) => at(this.#variables, index).assign(mean));
    this.dispose();
  }

  /** Frees what is held; the weights stay as they are. */
  dispose(): void {
    for (const mean of this.#means) mean.dispose();
    this.#means = [];
  }
}
