/** The job of a worker thread that scores batches. */
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {scoreModel, type BatchScores} from '../models/score-model.js';
import type {Job, ReadyJob} from '../workers/job.js';

/** Scores by a classifier, the only model. */
export const scoreJob: Job<undefined, BatchScores> = {module: 'queries/score-job', prepare};

/** Makes a classifier ready. */
export function prepare([model]: readonly LayersModel[]): ReadyJob<undefined, BatchScores> {
  const scorer = scoreModel(model as LayersModel);
  return {work: (images) => scorer.score(images), dispose: () => undefined};
}
