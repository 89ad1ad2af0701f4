/** The job of a worker thread that draws maps. */
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {at} from '../../core/at.js';
import type {ScoreForm} from '../../models/score-model.js';
import type {Job, ReadyJob} from '../../workers/job.js';
import {CompiledNetworks, drawBatch, drawPlain, type DrawnBatch} from './draw-maps.js';

/** What all batches of a run have in common. */
export interface ExplainJobSettings {
  /** Whether the networks run in their compiled form. */
  readonly compile: boolean;
  /** What is wanted of the student's answers; `undefined` for nothing. */
  readonly form: ScoreForm | undefined;
}

/** What student and decoder, in this order, draw. */
export const explainJob: Job<ExplainJobSettings, DrawnBatch> = {module: 'distiller/explain/explain-job', prepare};

/** Makes both networks ready. */
export function prepare(models: readonly LayersModel[]): ReadyJob<ExplainJobSettings, DrawnBatch> {
  // Training is none of a thread's business.
  const networks = {student: {model: at(models, 0), trainingMode: false}, decoder: at(models, 1)};
  const compiled = new CompiledNetworks(networks);
  return {
    work: (images, {compile, form}) => drawBatch(compile ? compiled.draw : drawPlain(networks), images, form),
    dispose: () => compiled.dispose(),
  };
}
