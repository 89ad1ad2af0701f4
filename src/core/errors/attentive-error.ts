/** Base class of every failure that is this library's own; bad arguments are `TypeError` or `RangeError`. */
export class AttentiveError extends Error {
  /** The name of the class, which stands before the message in a stack. */
  override readonly name: string = 'AttentiveError';
}
