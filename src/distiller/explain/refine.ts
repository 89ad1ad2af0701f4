/** Refining the maps of an explanation: the teacher is asked, one map of each image after the other. */
import {dispose, type Tensor4D} from '@tensorflow/tfjs-core';
import {requireBackend} from '../../backend/check-backend.js';
import {at} from '../../core/at.js';
import {Random} from '../../core/random.js';
import type {RunOptions, Teacher} from '../../core/types.js';
import {classLogits} from '../../losses/class-logits.js';
import {freezeTeacher, type Frozen} from '../../models/compiled/frozen-networks.js';
import type {ResolvedTarget} from '../../models/targets.js';
import {installTrainingKernels} from '../../tfjs/install-training-kernels.js';
import {askTeacher, kindOf} from '../networks.js';
import {refineMaps, type RefinedImages} from './refine-maps.js';

/** What a refined explanation goes by. */
export interface RefineSettings extends RunOptions {
  /** Names the caller in messages. */
  readonly where: string;
  /** Steps for each map. */
  readonly steps: number;
  /** Rows and columns of the change. */
  readonly size: number;
  readonly seed: number;
  /** Steps of the whole run, for progress. */
  readonly totalSteps: number;
}

/** A batch, with what is explained of each image. */
export interface RefinedBatch extends Pick<RefinedImages, 'images' | 'first'> {
  readonly targets: readonly (readonly ResolvedTarget[])[];
}

/** Refines batch after batch; holds a compiled copy of the teacher until `dispose()`. */
export class Refiner {
  readonly #teacher: Teacher;
  readonly #settings: RefineSettings;
  #frozen: Frozen<Teacher> | undefined;
  #done: number = 0;

  constructor(teacher: Teacher, settings: RefineSettings) {
    this.#teacher = teacher;
    this.#settings = settings;
  }

  /**
   * Refines for each target the map of every image.
   *
   * @param maps `[N,H,W,1]`, one per target or one for all; borrowed.
   * @returns One per target; the caller's.
   */
  async refine(maps: readonly Tensor4D[], {images, first, targets}: RefinedBatch): Promise<Tensor4D[]> {
    const {where, steps, size, seed, signal, onProgress, totalSteps} = this.#settings;
    const {network} = await this.#freeze();
    const random = new Random(seed).split('refine');
    const refined: Tensor4D[] = [];
    const run = {
      where,
      steps,
      size,
      random,
      signal,
      score: (masked: Tensor4D) => classLogits(askTeacher(where, network, masked)),
      kind: kindOf(network),
      onStep: () => onProgress?.({stage: 'refine', done: ++this.#done, total: totalSteps}),
    };
    try {
      for (let rank = 0; rank < at(targets, 0).length; rank++) {
        const classes = targets.map((each) => at(each, rank).target);
        refined.push(await refineMaps(at(maps, Math.min(rank, maps.length - 1)), {images, first, targets: classes}, run));
      }
      return refined;
    } catch (error) {
      dispose(refined);
      throw error;
    }
  }

  async #freeze(): Promise<Frozen<Teacher>> {
    if (this.#frozen !== undefined) return this.#frozen;
    installTrainingKernels();
    await requireBackend(this.#settings.where, 'grad-cam');
    return (this.#frozen = freezeTeacher(this.#teacher));
  }

  /** Frees the copy. */
  dispose(): void {
    this.#frozen?.dispose();
    this.#frozen = undefined;
  }
}
