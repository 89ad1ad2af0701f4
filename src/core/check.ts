/**
 * Checks of arguments at the public edge. Every message names the function and the argument, the
 * rule, and what came instead.
 */

/** The most pixels that a map or picture may have: what needs more memory than a machine has is refused at once. */
export const MAX_PIXELS: number = 2 ** 26;
/** The most channels or filters that a layer may have. */
export const MAX_CHANNELS: number = 65_536;

/** Shows a value in an error message, shortened. Never throws. */
export function show(value: unknown): string {
  try {
    return describe(value);
  } catch {
    return 'an object that cannot be read';
  }
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return `[${value.slice(0, 8).map(show).join(', ')}${value.length > 8 ? ', ...' : ''}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (isPromise(value)) return 'a promise (await it first)';
  const {shape, isDisposed} = value as {shape?: unknown; isDisposed?: unknown};
  const kind = value.constructor?.name ?? 'object';
  if (!Array.isArray(shape)) return kind;
  return `${isDisposed === true ? 'a disposed ' : ''}${kind} of shape [${shape.join(', ')}]`;
}

/** Whether a value has to be awaited. */
export function isPromise(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as {then?: unknown}).then === 'function';
}

/** Whether a value is an object with named values: no array, map, date, view of bytes or promise. */
export function isNamedValues(value: unknown): value is object {
  return !isPromise(value) && ['[object Object]', '[object Module]'].includes(Object.prototype.toString.call(value));
}

/** The bounds of a number in words: `' from 0 to 1'`, `' of at least 1'`, `' above 0'`, or nothing. */
export function boundsText(min: number, max: number): string {
  const open = max === Infinity || max === Number.MAX_SAFE_INTEGER;
  if (min === -Infinity) return open ? '' : ` of at most ${max}`;
  if (min === Number.MIN_VALUE) return open ? ' above 0' : ` above 0 and at most ${max}`;
  return open ? ` of at least ${min}` : ` from ${min} to ${max}`;
}

/**
 * Returns `value` if it is a finite number within the bounds.
 *
 * @throws {TypeError} If it is not a number.
 * @throws {RangeError} If it is outside the bounds or not finite.
 */
export function checkNumber(where: string, value: unknown, min: number = -Infinity, max: number = Infinity): number {
  const rule = `must be a finite number${boundsText(min, max)}, but is ${show(value)}.`;
  if (typeof value !== 'number') throw new TypeError(`${where} ${rule}`);
  if (!Number.isFinite(value) || value < min || value > max) throw new RangeError(`${where} ${rule}`);
  return value;
}

/**
 * Returns `value` if it is a whole number within the bounds.
 *
 * @throws {TypeError} If it is not a number.
 * @throws {RangeError} If it is outside the bounds or not whole.
 */
export function checkInteger(where: string, value: unknown, min: number = 0, max: number = Number.MAX_SAFE_INTEGER): number {
  const rule = `must be a whole number${boundsText(min, max)}, but is ${show(value)}.`;
  if (typeof value !== 'number') throw new TypeError(`${where} ${rule}`);
  if (!Number.isInteger(value) || value < min || value > max) throw new RangeError(`${where} ${rule}`);
  return value;
}

/**
 * Checks the size of a picture or map.
 *
 * @throws {TypeError} If a side is not a number.
 * @throws {RangeError} If a side is not a whole number above 0, or there are more than {@link MAX_PIXELS} pixels.
 */
export function checkSize(where: string, height: unknown, width: unknown): void {
  const pixels = checkInteger(`${where}: height`, height, 1) * checkInteger(`${where}: width`, width, 1);
  if (pixels > MAX_PIXELS) {
    throw new RangeError(`${where}: height · width must be at most ${MAX_PIXELS} pixels, but is ${show(height)} · ${show(width)}.`);
  }
}

/**
 * Returns `value` if it is one of `allowed`.
 *
 * @throws {TypeError} If it is no text.
 * @throws {RangeError} If it is not one of them.
 */
export function checkOneOf<T extends string>(where: string, value: unknown, allowed: readonly T[]): T {
  const rule = `must be one of ${allowed.map((name) => `'${name}'`).join(', ')}, but is ${show(value)}.`;
  if (typeof value !== 'string') throw new TypeError(`${where} ${rule}`);
  if (!allowed.includes(value as T)) throw new RangeError(`${where} ${rule}`);
  return value as T;
}

/** Returns `value` if it is a function. @throws {TypeError} If it is none. */
export function checkFunction<T>(where: string, value: T): T {
  if (typeof value !== 'function') throw new TypeError(`${where} must be a function, but is ${show(value)}.`);
  return value;
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

/**
 * Returns `values` if it is a list of numbers: an array or a typed array.
 *
 * @throws {TypeError} If it is no list, or holds something else than numbers.
 */
export function checkNumbers(where: string, values: ArrayLike<number>): ArrayLike<number> {
  if (!isNumberList(values)) throw new TypeError(`${where} must be a list of numbers, but is ${show(values)}.`);
  if (!Array.isArray(values)) return values;
  const wrong = values.findIndex((value) => typeof value !== 'number');
  if (wrong >= 0) throw new TypeError(`${where}[${wrong}] must be a number, but is ${show(values[wrong])}.`);
  return values;
}

/** Whether a value is an array, or a typed array whose values are numbers. */
export function isNumberList(values: unknown): values is ArrayLike<number> {
  if (Array.isArray(values)) return true;
  return (
    ArrayBuffer.isView(values) && !(values instanceof DataView) && !(values instanceof BigInt64Array || values instanceof BigUint64Array)
  );
}
