/**
 * Checks of arguments at the public edge. Every message names the function and the argument, the
 * rule, and what came instead.
 */

/** Shows a value in an error message, shortened. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (Array.isArray(value)) return `[${value.slice(0, 8).map(show).join(', ')}${value.length > 8 ? ', ...' : ''}]`;
  if (typeof value === 'object' && value !== null) {
    const shape = (value as {shape?: unknown}).shape;
    const kind = value.constructor?.name ?? 'object';
    return Array.isArray(shape) ? `${kind} of shape [${shape.join(', ')}]` : kind;
  }
  return String(value);
}

/**
 * Returns `value` if it is a finite number within the bounds.
 *
 * @throws {TypeError} If it is not a number.
 * @throws {RangeError} If it is outside the bounds or not finite.
 */
export function checkNumber(where: string, value: unknown, min: number = -Infinity, max: number = Infinity): number {
  if (typeof value !== 'number') throw new TypeError(`${where} must be a number, but is ${show(value)}.`);
  if (!Number.isFinite(value) || value < min || value > max) {
    throw new RangeError(`${where} must be a finite number from ${min} to ${max}, but is ${value}.`);
  }
  return value;
}

/**
 * Returns `value` if it is a whole number within the bounds.
 *
 * @throws {TypeError} If it is not a number.
 * @throws {RangeError} If it is outside the bounds or not whole.
 */
export function checkInteger(where: string, value: unknown, min: number = 0, max: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number') throw new TypeError(`${where} must be a whole number, but is ${show(value)}.`);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${where} must be a whole number from ${min} to ${max}, but is ${value}.`);
  }
  return value;
}

/**
 * Returns `value` if it is one of `allowed`.
 *
 * @throws {RangeError} If it is not.
 */
export function checkOneOf<T extends string>(where: string, value: unknown, allowed: readonly T[]): T {
  if (!allowed.includes(value as T)) {
    throw new RangeError(`${where} must be one of ${allowed.map((name) => `'${name}'`).join(', ')}, but is ${show(value)}.`);
  }
  return value as T;
}

/**
 * Compares a shape with a pattern in which `null` stands for any size.
 *
 * @throws {RangeError} If the rank or any size differs; the message shows both.
 */
export function checkShape(where: string, shape: readonly (number | null)[], pattern: readonly (number | null)[]): void {
  const fits = shape.length === pattern.length && pattern.every((size, axis) => size === null || size === shape[axis]);
  if (!fits) {
    const wanted = pattern.map((size) => size ?? '?').join(', ');
    throw new RangeError(`${where} must have shape [${wanted}], but has [${shape.join(', ')}].`);
  }
}
