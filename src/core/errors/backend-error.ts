import {AttentiveError} from './attentive-error.js';

/** No backend can do what was asked; the message lists each one with its reason. */
export class BackendError extends AttentiveError {
  override readonly name: string = 'BackendError';
}
