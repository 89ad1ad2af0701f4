/** What passes between this thread and a worker thread. Nothing here computes. */
import type {Target, UnscoredMap} from '../core/types.js';
import type {BatchScores} from '../models/score-model.js';
import type {PlainError} from './plain-error.js';

/** A model in shared memory: threads read it there, so that nothing of it is copied per task. */
export interface PackedModel {
  /** For messages. */
  readonly name: string;
  /** JSON, UTF-8: `{topology, specs}`. */
  readonly form: Uint8Array;
  /** The weights as `io.encodeWeights` lays them out. */
  readonly weights: Uint8Array;
}

/** Models that belong together, in the state that they have now. */
export interface Shipment {
  /** One number for as long as the models live. */
  readonly id: number;
  /** Goes up when a weight has changed. */
  readonly version: number;
  readonly models: readonly PackedModel[];
}

/** What a thread can be asked to do with a batch: by name, its settings and its result. */
export interface Jobs {
  /** Scores by a classifier, the only model. */
  score: {readonly settings: undefined; readonly result: BatchScores};
  /** Maps by student and decoder, in this order. */
  explain: {
    readonly settings: {readonly seed: number; readonly target: Target | undefined; readonly scored: boolean; readonly compile: boolean};
    readonly result: UnscoredMap[];
  };
}

/** The name of a job. */
export type JobName = keyof Jobs;

/** One batch for a thread. */
export interface ThreadTask<Name extends JobName = JobName> {
  readonly job: Name;
  readonly settings: Jobs[Name]['settings'];
  readonly shipment: Shipment;
  /** Ids of all shipments whose models still live; a thread frees what it has of others. */
  readonly alive: readonly number[];
  /** Whether this thread computes with `installTrainingKernels()`, whose sums round differently. */
  readonly trainingKernels: boolean;
  /** `[N,H,W,C]`. */
  readonly shape: [number, number, number, number];
  readonly values: Float32Array;
  /** In shared memory; its one value is not 0 when nobody waits for the result any more. */
  readonly abandoned: Int32Array;
}

/** What comes back: the result, an error of the job, or nothing for a task that was abandoned. */
export type ThreadReply<Name extends JobName = JobName> = {readonly result: Jobs[Name]['result']} | {readonly error: PlainError} | undefined;
