/** Data that JSON keeps as it is, so that it is the same on every machine. */
import {isNamedValues, show} from '../../core/check.js';

/** Data that JSON keeps. */
export type Plain = null | boolean | number | string | readonly Plain[] | {readonly [name: string]: Plain | undefined};

/**
 * Checks that JSON keeps a value; what is undefined counts as absent.
 *
 * @throws {TypeError} If something in it is a function, an object of a class, NaN or another number that JSON has not.
 */
export function checkPlain(where: string, value: unknown): void {
  if (value === undefined || value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number' && Number.isFinite(value)) return;
  if (Array.isArray(value)) return value.forEach((each, index) => checkPlain(`${where}[${index}]`, each));
  const isObject = isNamedValues(value) && [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null);
  if (!isObject) throw new TypeError(`${where} must be plain data, which is the same on every machine, but is ${show(value)}.`);
  for (const [name, each] of Object.entries(value)) checkPlain(`${where}.${name}`, each);
}
