import {AttentiveError} from './attentive-error.js';

/** A loss became NaN or infinite during training, or a gradient while a map was refined; the run stopped at that step. */
export class NonFiniteLossError extends AttentiveError {
  override readonly name: string = 'NonFiniteLossError';
}
