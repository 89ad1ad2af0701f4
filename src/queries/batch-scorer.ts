/**
 * A model that is scored batch by batch, here or in worker threads. Whole batches go to the threads as
 * they are, so that whatever scores batches can use them, and every score is the one that this thread
 * would have computed. Masks are made here: that costs a few hundredths of a forward pass.
 */
import {clone, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {UnsupportedModelError} from '../core/errors/unsupported-model-error.js';
import type {Model, RunOptions, Target, WorkerOptions, Teacher} from '../core/types.js';
import {scoreModel, type ScoreForm, type ScoreModel} from '../models/score-model.js';
import type {BatchScores} from '../models/score-function.js';
import {isTargetFn} from '../models/targets.js';
import {valuesOf} from '../models/target-values.js';
import {classifierOf} from '../models/graph/classifier-head.js';
import {layersModelOf} from '../models/teacher-from-layers-model.js';
import {scoreJob} from './score-job.js';
import {inThreads} from '../workers/in-threads.js';
import {shipModels} from '../workers/shipped-models.js';
import type {Shipment} from '../workers/thread-task.js';

/** A model that is scored batch by batch. */
export interface BatchScorer extends ScoreModel {
  /** Threads that score batches at the same time; 0 where this one does. */
  readonly threads: number;
  /** Scores a batch `[N,H,W,C]` and frees it, with threads as soon as it is on its way. */
  scoreOnce(batch: Tensor4D): Promise<BatchScores>;
}

/** What is asked of the model, and how. */
export interface ScorerOptions extends WorkerOptions, Pick<RunOptions, 'signal'> {
  /** A function of the logits is applied here, so that its values are the scores, one per image. */
  readonly target?: Target | undefined;
}

/**
 * Prepares a model to be scored.
 *
 * @param where Names the caller in messages.
 * @param model Borrowed.
 * @throws {TypeError} If `model` is no model.
 * @throws {UnsupportedModelError} If there are workers and the model cannot be sent to them.
 * @throws {WorkerError | BackendError} If there are workers, and threads cannot be had here.
 */
export function batchScorer(where: string, model: Model, {workers: threads = 0, signal, target}: ScorerOptions): BatchScorer {
  const form: ScoreForm = isTargetFn(target) ? 'logits' : 'probabilities';
  const scorer = withThreads(where, model, scoreModel(where, model, form), {form, threads, signal});
  if (!isTargetFn(target)) return scorer;
  const valued = async (scores: Promise<BatchScores>): Promise<BatchScores> => valuesOf(where, target, await scores);
  return {...scorer, numClasses: 1, score: (batch) => valued(scorer.score(batch)), scoreOnce: (batch) => valued(scorer.scoreOnce(batch))};
}

interface ThreadOptions extends Pick<RunOptions, 'signal'> {
  readonly form: ScoreForm;
  readonly threads: number;
}

function withThreads(where: string, model: Model, scorer: ScoreModel, {form, threads, signal}: ThreadOptions): BatchScorer {
  if (threads === 0) return {...scorer, threads, scoreOnce: (batch) => scorer.score(batch).finally(() => batch.dispose())};
  const sendable = sendableModel(where, model);
  const ship = (): Promise<Shipment> => shipModels(where, [sendable]);
  const run = inThreads({where, job: scoreJob, settings: {where, form}, ship, workers: threads, signal});
  return {...scorer, threads, scoreOnce: run, score: (batch) => run(clone(batch))};
}

function sendableModel(where: string, model: Model): LayersModel {
  const refuse = (what: string): never => {
    throw new UnsupportedModelError(
      `${where}: ${what} cannot be sent to worker threads. Pass a LayersModel, or a Teacher made by teacherFromLayersModel(model); or leave the option workers out.`,
    );
  };
  if (typeof model === 'function') return refuse('a score function, which may use threads of its own,');
  if ('logits' in model && !saysItself(model)) return refuse(`the teacher '${model.name}', whose classes are said to be independent,`);
  if ('logits' in model) return layersModelOf(model) ?? refuse(`the teacher '${model.name}', whose logits are a function of its own,`);
  return 'layers' in model ? (model as LayersModel) : refuse('a GraphModel');
}

/** Whether its model alone tells what its logits mean. */
function saysItself({model, classes = 'exclusive'}: Teacher): boolean {
  return model === undefined || classifierOf(model, 'workers').classes === classes;
}
