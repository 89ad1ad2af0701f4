/** The running mean of weights over the steps of training, which explains better than the last of them. */
import {add, dispose, mul, tidy, type Tensor, type Variable} from '@tensorflow/tfjs-core';
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
    dispose(before);
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

  /** Runs something with the means in the place of the weights, which come back afterwards. */
  async inPlace<T>(work: () => Promise<T>): Promise<T> {
    const weights = this.#means.length === 0 ? [] : this.#variables.map((variable) => variable.clone());
    this.#assign(this.#means);
    try {
      return await work();
    } finally {
      this.#assign(weights);
      dispose(weights);
    }
  }

  /** Puts the means in the place of the weights, and frees what is held. */
  settle(): void {
    this.#assign(this.#means);
    this.dispose();
  }

  /** Frees what is held; the weights stay as they are. */
  dispose(): void {
    dispose(this.#means);
    this.#means = [];
  }

  #assign(values: readonly Tensor[]): void {
    values.forEach((value, index) => at(this.#variables, index).assign(value));
  }
}
