/** What passes between this thread and a worker thread. Nothing here computes. */
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

/** One batch for a thread. */
export interface ThreadTask<Settings = unknown> {
  /** The module of the job, see `Job.module`. */
  readonly module: string;
  readonly settings: Settings;
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
export type ThreadReply<Result = unknown> = {readonly result: Result} | {readonly error: PlainError} | undefined;

/** What a thread is told once, when it starts. */
export interface ThreadStart {
  /** The backend to compute on. */
  readonly backend: string;
  /** Where the modules of jobs lie: a URL for ES modules, otherwise a path; ends in a slash. */
  readonly root: string;
  /** The ending of their files: `'.js'`. */
  readonly extension: string;
}
