import {AttentiveError} from './attentive-error.js';

/** The object was used after `dispose()`. */
export class DisposedError extends AttentiveError {
  override readonly name: string = 'DisposedError';
}
