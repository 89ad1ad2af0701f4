/** The job of a worker thread that scores batches. */
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {scoreModel, type ScoreForm} from '../models/score-model.js';
import type {BatchScores} from '../models/score-function.js';
import type {Job, ReadyJob} from '../workers/job.js';

/** What all batches of a run have in common. */
export interface ScoreJobSettings {
  /** Names the caller in messages. */
  readonly where: string;
  readonly form: ScoreForm;
}

/** Scores by a classifier, the only model. */
export const scoreJob: Job<ScoreJobSettings, BatchScores> = {module: 'queries/score-job', prepare};

/** Makes a classifier ready. */
export function prepare([model]: readonly LayersModel[]): ReadyJob<ScoreJobSettings, BatchScores> {
  return {work: (images, {where, form}) => scoreModel(where, model as LayersModel, form).score(images), dispose: () => undefined};
}
