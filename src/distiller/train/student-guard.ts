/** A short training can make a student that is a copy of its teacher worse than it was: then it stays as it was. */
import {dispose, mean, tidy, type Tensor, type Tensor2D, type Tensor4D, type Variable} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {divergenceOf} from '../../losses/class-probabilities.js';
import {kindOf, runStudent, type Networks} from '../networks.js';
import {Means} from './means.js';
import type {PreparedBatch} from './objectives.js';
import {readScalars} from './read-scalars.js';

// Enough to tell better from worse, and little to hold.
const MAX_IMAGES = 64;

/** What a stage started from, and some images to measure by. */
export class StudentGuard {
  readonly #networks: Networks;
  readonly #variables: readonly Variable[];
  readonly #weights: Tensor[];
  readonly #held: {readonly images: Tensor4D; readonly teacherLogits: Tensor2D}[] = [];
  #count = 0;

  /** @param variables The student's, as they are before its training. */
  constructor(networks: Networks, variables: readonly Variable[]) {
    this.#networks = networks;
    this.#variables = variables;
    this.#weights = variables.map((variable) => variable.clone());
  }

  /** Holds the first images that are trained on, to measure by. */
  see({images, teacherLogits}: Pick<PreparedBatch, 'images' | 'teacherLogits'>): void {
    if (this.#count >= MAX_IMAGES) return;
    this.#count += images.shape[0];
    this.#held.push({images: images.clone(), teacherLogits: teacherLogits.clone()});
  }

  /** What it holds, in one list: the weights, then the images and answers of each batch; this object's. */
  get state(): readonly Tensor[] {
    return [...this.#weights, ...this.#held.flatMap(({images, teacherLogits}) => [images, teacherLogits])];
  }

  /** Goes on from a state; borrowed. */
  restore(state: readonly Tensor[]): void {
    this.dispose();
    const own = state.map((tensor) => tensor.clone());
    this.#weights.push(...own.splice(0, this.#variables.length));
    for (let index = 0; index < own.length; index += 2) {
      this.#held.push({images: at(own, index) as Tensor4D, teacherLogits: at(own, index + 1) as Tensor2D});
    }
    this.#count = this.#held.reduce((sum, {images}) => sum + images.shape[0], 0);
  }

  /** Takes the training back if it has made the student worse, and says so. Frees what is held. */
  async finish(): Promise<string | undefined> {
    try {
      const trained = this.#variables.map((variable) => variable.clone());
      try {
        const after = await this.#divergence();
        this.#assign(this.#weights);
        const before = await this.#divergence();
        if (after > before) return this.#message(before, after);
        this.#assign(trained);
        return undefined;
      } finally {
        dispose(trained);
      }
    } finally {
      this.dispose();
    }
  }

  /** Frees what is held; the student stays as it is. */
  dispose(): void {
    dispose(this.#weights);
    this.#weights.length = 0;
    for (const batch of this.#held.splice(0)) dispose({...batch});
  }

  #assign(weights: readonly Tensor[]): void {
    this.#variables.forEach((variable, index) => variable.assign(at(weights, index)));
  }

  /** Mean KL divergence of the student from the teacher. */
  async #divergence(): Promise<number> {
    const means = new Means();
    for (const {images, teacherLogits} of this.#held) {
      const measured = tidy(() => ({
        kl: mean(divergenceOf(kindOf(this.#networks.teacher), teacherLogits, runStudent(this.#networks.student, images, false).logits)),
      }));
      means.add(await readScalars(measured).finally(() => dispose(measured)), images.shape[0]);
    }
    return means.values()['kl'] ?? NaN;
  }

  #message(before: number, after: number): string {
    return `The student is worse after its training than the copy of '${this.#networks.teacher.name}' that it started as: its mean KL divergence from the teacher rose from ${before.toExponential(1)} to ${after.toExponential(1)}. It is that copy again. Train it for longer, at a lower learningRate.student, or not at all: epochs: {student: 0}.`;
  }
}
