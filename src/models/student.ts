/** What a student network is: a classifier that also hands out what its attention changed. */
import type {LayersModel} from '@tensorflow/tfjs-layers';
import type {Teacher} from '../core/types.js';

/**
 * A student S: one tfjs model with four outputs, `[logits, shallow Δf, middle Δf, deep Δf]`: logits
 * `[N,K]` before any softmax, Δf `[N,h,w,C]` at three scales, the finest first.
 */
export interface Student {
  /** The network; its owner disposes of it. */
  readonly model: LayersModel;
  /**
   * Whether batch norm and dropout run in training mode while the student trains. A student that
   * starts from trained weights keeps its teacher's statistics instead.
   */
  readonly trainingMode: boolean;
}

/** What a builder is told besides the teacher. */
export interface StudentBuilderOptions {
  /** Seed of the initial weights. */
  readonly seed: number;
}

/** Makes a student for a teacher. Write one to use an architecture of your own. */
export type StudentBuilder = (teacher: Teacher, options: StudentBuilderOptions) => Student | Promise<Student>;
