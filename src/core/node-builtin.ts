/**
 * Node's own modules without an `import`: a static one would reach every browser bundle of the
 * library, and `process.getBuiltinModule` (Node 20.16 and later) asks only when a file is wanted.
 */
import type * as crypto from 'node:crypto';
import type * as fs from 'node:fs/promises';
import type * as os from 'node:os';
import type * as path from 'node:path';
import type * as url from 'node:url';
import type * as zlib from 'node:zlib';
import {AttentiveError} from './errors/attentive-error.js';

/** The modules that can be asked for, with their types. */
export interface NodeBuiltins {
  readonly 'node:crypto': typeof crypto;
  readonly 'node:fs/promises': typeof fs;
  readonly 'node:os': typeof os;
  readonly 'node:path': typeof path;
  readonly 'node:url': typeof url;
  readonly 'node:zlib': typeof zlib;
}

type GetBuiltin = (name: string) => unknown;

/**
 * Returns a module of Node's.
 *
 * @param name With its prefix, `'node:fs/promises'`.
 * @throws {AttentiveError} Outside Node, or on a Node without `process.getBuiltinModule`.
 */
export function nodeBuiltin<Name extends keyof NodeBuiltins>(name: Name): NodeBuiltins[Name] {
  const host = (globalThis as {process?: {getBuiltinModule?: GetBuiltin; versions?: {node?: string}}}).process;
  const found = host?.getBuiltinModule?.(name);
  if (found == null) {
    const version = host?.versions?.node;
    const where = version === undefined ? 'this is no Node (a browser, perhaps)' : `this is Node ${version}`;
    const instead = 'In a browser pass URLs, ImageData or tensors instead of paths.';
    throw new AttentiveError(`${name} is needed to reach files, from Node 20.16 on, but ${where}. ${instead}`);
  }
  return found as NodeBuiltins[Name];
}
