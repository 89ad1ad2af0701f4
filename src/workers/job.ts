/**
 * A job for worker threads: what they do with a batch. Its owner defines it in a module of its own, which
 * exports the job's `prepare`, and hands it in; nothing here knows which jobs there are.
 */
import type {Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';

/** A job by its types and the module that does it. */
export interface Job<Settings, Result> {
  /** Path below the root of the sources, without an ending: `'queries/score-job'`. */
  readonly module: string;
  /** Does the job; the module exports it under this name. */
  readonly prepare: Prepare<Settings, Result>;
}

/** Makes models ready for a job. The models stay whose they are. */
export type Prepare<Settings, Result> = (models: readonly LayersModel[]) => ReadyJob<Settings, Result>;

/** Models that are ready for a job. */
export interface ReadyJob<Settings, Result> {
  /** Does one batch `[N,H,W,C]`, which stays the caller's. */
  work(images: Tensor4D, settings: Settings): Promise<Result>;
  /** Frees what was made of the models, not the models. */
  dispose(): void;
}
