/** The options of a run as its result records them: plain values that can be stored and compared. */
import {Tensor} from '@tensorflow/tfjs-core';

/** What stops or watches a run does not change its result. */
const leftOut = ['signal', 'onProgress'];

/**
 * Lists every option in force. A tensor is recorded as `'tensor'`, a function as `'function'`, an
 * infinite number as `'all'`.
 *
 * @param settings Options with their defaults filled in.
 * @param more What else is in force: it goes before a setting of that name.
 */
export function recordOptions(settings: object, more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  const all = Object.entries({...settings, ...more}).filter(([name, value]) => value !== undefined && !leftOut.includes(name));
  return Object.fromEntries(all.map(([name, value]) => [name, plain(value)]));
}

function plain(value: unknown): unknown {
  if (value instanceof Tensor) return 'tensor';
  if (typeof value === 'function') return 'function';
  return value === Infinity ? 'all' : value;
}
