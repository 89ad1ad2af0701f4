import {AttentiveError} from './attentive-error.js';

/** The model has a form that this library cannot use; the message says which form is needed. */
export class UnsupportedModelError extends AttentiveError {
  override readonly name: string = 'UnsupportedModelError';
}
