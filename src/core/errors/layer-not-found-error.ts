import {AttentiveError} from './attentive-error.js';

/** A layer was asked for by a name that the model does not have; the message lists those it has. */
export class LayerNotFoundError extends AttentiveError {
  override readonly name: string = 'LayerNotFoundError';
}
