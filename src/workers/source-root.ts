/** Where the code of this library lies, as it runs now: what threads load is found below. */
import {nodeBuiltin} from '../core/node-builtin.js';

/** The root of the sources. */
export interface SourceRoot {
  /** A URL for ES modules, otherwise a path; ends in a slash. */
  readonly root: string;
  /** The ending of the files: `'.js'`, in the CommonJS build `'.cjs'`, before any build `'.ts'`. */
  readonly extension: string;
}

/** Finds the root from this file. In the CommonJS build all entries lie below the folder of this file. */
export function sourceRoot(): SourceRoot {
  // Not `new URL('./…', import.meta.url)`, which bundlers take for a file to be bundled.
  const here: string = import.meta.url;
  const [extension] = /\.\w+$/.exec(here) as RegExpExecArray;
  const {fileURLToPath, pathToFileURL} = nodeBuiltin('node:url');
  const isUrl = here.startsWith('file:');
  const folder = new URL(isUrl ? '../' : './', isUrl ? here : pathToFileURL(here).href);
  return {root: extension === '.js' ? folder.href : fileURLToPath(folder), extension};
}
