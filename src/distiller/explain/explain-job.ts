/** The job of a worker thread that draws maps. */
import type {LayersModel} from '@tensorflow/tfjs-layers';
import type {UnscoredMap} from '../../core/types.js';
import type {Job, ReadyJob} from '../../workers/job.js';
import {CompiledNetworks, drawPlain} from './compiled-networks.js';
import {drawMaps, type DrawSettings} from './draw-maps.js';

/** What all batches of a run have in common. */
export interface ExplainJobSettings extends DrawSettings {
  /** Whether the networks run in their compiled form. */
  readonly compile: boolean;
}

/** Maps by student and decoder, in this order. */
export const explainJob: Job<ExplainJobSettings, UnscoredMap[]> = {module: 'distiller/explain/explain-job', prepare};

/** Makes both networks ready. */
export function prepare([student, decoder]: readonly LayersModel[]): ReadyJob<ExplainJobSettings, UnscoredMap[]> {
  // Training is none of a thread's business.
  const networks = {student: {model: student as LayersModel, trainingMode: false}, decoder: decoder as LayersModel};
  const compiled = new CompiledNetworks(networks);
  return {
    work: (images, {compile, ...settings}) => drawMaps(compile ? compiled.draw : drawPlain(networks), images, settings),
    dispose: () => compiled.dispose(),
  };
}
