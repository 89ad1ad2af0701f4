import {AttentiveError} from './attentive-error.js';

/** The explanation network collapsed to a map without structure; the message says which option to change. */
export class FlatMapError extends AttentiveError {
  override readonly name: string = 'FlatMapError';
}
