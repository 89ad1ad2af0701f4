/** Base class of every failure that is this library's own; bad arguments are `TypeError` or `RangeError`. */
export class AttentiveError extends Error {
  override readonly name: string = 'AttentiveError';
}
