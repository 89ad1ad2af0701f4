/** A training run and the stage of it that is under way: what the parts of the loop hand to each other. */
import type {Tensor} from '@tensorflow/tfjs-core';
import type {TrainingBatches} from '../../data/batches.js';
import type {Networks} from '../networks.js';
import type {FitSettings, StageSettings} from '../options.js';
import type {Stage, TrainingProgress} from '../progress.js';
import type {StageLength} from '../stage-length.js';
import type {AveragedWeights} from './averaged-weights.js';
import type {HeldImages} from './held-images.js';
import type {BatchLearner} from './learner.js';
import type {Learner} from './run-place.js';
import type {StageNetworks} from './stage-networks.js';
import type {StudentGuard} from './student-guard.js';
import type {TrainingState} from './training-state.js';

/** What is trained, on what, and how. */
export interface Training {
  /** Names the caller in messages. */
  readonly where: string;
  readonly networks: Networks;
  readonly batches: TrainingBatches;
  readonly settings: FitSettings;
  /** Draws everything that is drawn. */
  readonly seed: number;
  /** Gets every record, before it is yielded. */
  readonly history: TrainingProgress[];
  /** Where an earlier run was interrupted; borrowed. */
  readonly resumed?: TrainingState | undefined;
  /** Writes down where the run stands, which is borrowed and holds until the promise settles. */
  readonly write?: ((state: TrainingState) => Promise<void>) | undefined;
  /** Told what weights would become if the stage ended there, see {@link Outcome}; `undefined` after it. */
  readonly onOutcome?: ((outcome: Outcome | undefined) => void) | undefined;
}

/** What takes the place of a weight, borrowed, when its stage ends: the best, or the mean; `undefined` where it stays. */
export type Outcome = (weight: Tensor) => Tensor | undefined;

/** A run under way. */
export interface Run extends Training {
  /** Batches per epoch; NaN until it is known. */
  epochLength: number;
  /** Steps taken. */
  steps: number;
  /** The stages that have begun, with their courses. */
  readonly lengths: Map<Stage, StageLength>;
  /** When it began, in milliseconds. */
  readonly started: number;
  /** When it was last written down, and after how many steps. */
  written: number;
  writtenSteps: number;
}

/** A stage under way. */
export interface StageRun extends StageSettings, Learner {
  readonly length: StageLength;
  readonly averages: AveragedWeights;
  readonly guard: StudentGuard | undefined;
  /** Images of the last training batch. */
  readonly seen: HeldImages;
  /** Images that are not trained on, of the validation. */
  readonly unseen: HeldImages;
  readonly run: Run;
  readonly networks: StageNetworks;
  readonly learner: BatchLearner;
}
