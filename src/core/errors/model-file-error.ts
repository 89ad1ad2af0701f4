import {AttentiveError} from './attentive-error.js';

/** A model or image file is missing, damaged or not allowed; nothing was loaded. */
export class ModelFileError extends AttentiveError {
  override readonly name: string = 'ModelFileError';
}
