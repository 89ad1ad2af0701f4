/**
 * Errors on their way from one thread to another. Only classes of the language survive the way, so
 * an error travels as plain values and is made again of the class that it had.
 */
import {AttentiveError} from '../core/errors/attentive-error.js';
import {BackendError} from '../core/errors/backend-error.js';
import {DisposedError} from '../core/errors/disposed-error.js';
import {LayerNotFoundError} from '../core/errors/layer-not-found-error.js';
import {ModelFileError} from '../core/errors/model-file-error.js';
import {UnsupportedModelError} from '../core/errors/unsupported-model-error.js';

/** An error as plain values. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
}

const classes: Readonly<Record<string, new (message: string) => Error>> = {
  RangeError,
  TypeError,
  AttentiveError,
  BackendError,
  DisposedError,
  LayerNotFoundError,
  ModelFileError,
  UnsupportedModelError,
};

/** Takes an error, or whatever else was thrown, apart. */
export function toPlainError(thrown: unknown): PlainError {
  if (!(thrown instanceof Error)) return {name: 'Error', message: String(thrown), stack: undefined};
  const {name, message, stack} = thrown;
  return {name, message, stack};
}

/** Makes an error of the class of that name, where it is a known one; of other classes the name is kept. Its stack is that of the thread. */
export function fromPlainError({name, message, stack}: PlainError): Error {
  const known = classes[name];
  const error = known === undefined ? Object.assign(new Error(message), {name}) : new known(message);
  return stack === undefined ? error : Object.assign(error, {stack});
}
