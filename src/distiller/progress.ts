/** What a training run tells: a record per step, and a summary. Nothing here computes. */
import type {Progress} from '../core/types.js';

/** The stages of a run, in order; `'joint'` takes the place of the other two. */
export type Stage = 'student' | 'explanation' | 'joint';

/** What every record of a training says: one of a step, or of the validation after an epoch. */
export interface StepProgress extends Progress {
  /** Steps finished in the whole run. */
  readonly done: number;
  /** Steps of the whole run, estimated where minutes end it; `NaN` while that cannot be known. */
  readonly total: number;
  /** Epoch of the stage, from 1. */
  readonly epoch: number;
  /** Epochs of the stage, begun ones included, estimated where minutes end it. */
  readonly epochs: number;
  /** Seconds to the end of the stage, estimated from its steps so far; `NaN` while that cannot be known. */
  readonly secondsLeft: number;
  /** Rate in force; 0 in validation. */
  readonly learningRate: number;
  /** Training images per second of this step; of the validation run, likewise. */
  readonly imagesPerSecond: number;
}

/** One step of training, the validation after an epoch, or a warning. */
export interface TrainingProgress extends StepProgress {
  /** Which networks are trained. */
  readonly stage: Stage;
  /**
   * `'step'`: after a training step; `'validation'`: after an epoch, on the validation batches; `'warning'`: at the end of
   * a stage, where something is not as it should be, with the numbers of the last step.
   */
  readonly kind: 'step' | 'validation' | 'warning';
  /** Means over the batch (or the validation images): `soft`, `hard`, `fidelity`, `area`, `ranking` where trained, and `total`. */
  readonly losses: Readonly<Record<string, number>>;
  /** Mean of H, 0–1; `null` while no map is drawn. */
  readonly meanIntensity: number | null;
  /** Variance of H over one image's pixels; `null` while no map is drawn. */
  readonly spatialVariance: number | null;
  /** What is not as it should be and what to do, in a `'warning'`; otherwise `null`. */
  readonly warning: string | null;
}

/** What a run has come to. */
export interface TrainingSummary {
  /** Steps taken. */
  readonly steps: number;
  /** Seconds from start to end. */
  readonly seconds: number;
  /** The last record of each stage that ran. */
  readonly stages: readonly TrainingProgress[];
  /** What is not as it should be and what to do; empty if all is well. */
  readonly warnings: readonly string[];
}
