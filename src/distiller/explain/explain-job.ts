/** The job of a worker thread that draws maps. */
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {at} from '../../core/at.js';
import type {ClassKind, Target, TargetFn} from '../../core/types.js';
import type {ScoreForm} from '../../models/score-model.js';
import type {Job, ReadyJob} from '../../workers/job.js';
import type {Method} from '../method.js';
import {evidenceOf} from './evidence.js';
import {CompiledNetworks, drawBatch, drawPlain, type DrawnBatch} from './draw-maps.js';

/** What all batches of a run have in common. */
export interface ExplainJobSettings {
  /** Whether the networks run in their compiled form. */
  readonly compile: boolean;
  /** What is wanted of the student's answers; `undefined` for nothing. */
  readonly form: ScoreForm | undefined;
  /** What the logits mean. */
  readonly kind: ClassKind;
  /** The form of the method. */
  readonly method: Method;
  /** What guides, of those targets that every image has alike and a thread can be told. */
  readonly target: Exclude<Target, TargetFn> | undefined;
}

/** What student and decoder, in this order, draw. */
export const explainJob: Job<ExplainJobSettings, DrawnBatch> = {module: 'distiller/explain/explain-job', prepare};

/** Makes both networks ready. */
export function prepare(models: readonly LayersModel[]): ReadyJob<ExplainJobSettings, DrawnBatch> {
  // Training is none of a thread's business.
  const pair = {student: {model: at(models, 0), trainingMode: false}, decoder: at(models, 1)};
  let compiled: CompiledNetworks | undefined;
  return {
    work: (images, {compile, form, kind, method, target}) => {
      const networks = {...pair, method};
      compiled ??= new CompiledNetworks(networks);
      const evidence = evidenceOf('explain', target, {first: 0, count: images.shape[0], kind});
      return drawBatch(compile ? compiled.draw : drawPlain(networks), images, {form, kind, evidence, objective: method.objective});
    },
    dispose: () => compiled?.dispose(),
  };
}
