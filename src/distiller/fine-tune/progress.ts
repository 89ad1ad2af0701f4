/** What fine-tuning tells: a record per step, and what it has come to. Nothing here computes. */
import type {LayersModel} from '@tensorflow/tfjs-layers';
import type {StepProgress} from '../progress.js';

/** One step of fine-tuning, or the validation after an epoch. */
export interface FineTuneProgress extends StepProgress {
  readonly stage: 'fine-tuning';
  /** Where the record comes from. */
  readonly kind: 'step' | 'validation';
  /** Cross entropy with the labels in nats, mean over the images; from before the step. */
  readonly loss: number;
  /** Share of the images whose class is found, 0–1; from before the step. */
  readonly accuracy: number;
}

/** What fine-tuning has come to. */
export interface FineTuned {
  /** The new classifier, the caller's; it shares nothing with the one that was given. */
  readonly model: LayersModel;
  /** Every record, also those of the runs that were resumed. */
  readonly history: readonly FineTuneProgress[];
  /** Steps taken. */
  readonly steps: number;
  /** Seconds from start to end, of all runs. */
  readonly seconds: number;
}
