import {AttentiveError} from './attentive-error.js';

/** A worker thread could not be started or died; the work it had was given up. */
export class WorkerError extends AttentiveError {
  override readonly name: string = 'WorkerError';
}
