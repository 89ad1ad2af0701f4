/** Turns what callers write for a file (a path, `file://…`, a URL object) into a path. */
import {show} from '../core/check.js';
import {nodeBuiltin} from '../core/node-builtin.js';

/** Whether the text begins with a scheme such as `file://` or `indexeddb://`. */
export function schemeOf(url: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
}

/**
 * Returns the absolute path. `file://./x` and `file://x` are relative to the working directory, as
 * in tfjs-node; `%20` and the like are read only in absolute `file:///…` URLs.
 *
 * @param name The caller's function and argument, for messages: `'decodeImage: source'`.
 * @throws {TypeError} If it is neither text nor a URL, or is empty.
 * @throws {RangeError} If it has another scheme than `file`, or nothing behind it.
 */
export function toFilePath(file: string | URL, name: string = 'The path'): string {
  const text = file instanceof URL ? file.href : file;
  if (typeof text !== 'string' || text === '') {
    throw new TypeError(`${name} must be a text or a file: URL, but is ${show(file)}.`);
  }
  const scheme = file instanceof URL ? file.protocol.slice(0, -1) : schemeOf(text);
  if (scheme !== undefined && scheme !== 'file') {
    throw new RangeError(`${name} must be on this machine, but ${show(text)} has the scheme '${scheme}:'.`);
  }
  if (text.includes('\0')) throw new RangeError(`${name} must be without the character NUL, but is ${show(text)}.`);
  const path = nodeBuiltin('node:path');
  if (scheme === undefined) return path.resolve(text);
  const rest = text.slice('file://'.length);
  if (rest === '') throw new RangeError(`${name} must name a file or folder, but is ${show(text)}.`);
  if (!rest.startsWith('/')) return path.resolve(rest);
  // '/C:/models' is how a Windows drive looks in a URL.
  return path.resolve(unescape(rest).replace(/^\/(?=[a-z]:[\\/])/i, ''));
}

function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // A lone '%' belongs to the name.
  }
}
