/** Saves and loads model artifacts by URL: folders atomically, everything else through tfjs. */
import {io} from '@tensorflow/tfjs-core';
import {show} from '../core/check.js';
import {ModelFileError} from '../core/errors/model-file-error.js';
import {loadArtifactFiles, saveArtifactFiles} from './artifact-files.js';
import {sealArtifacts, unsealArtifacts} from './artifact-seal.js';
import {schemeOf, toFilePath} from './file-path.js';
import {loadHandlersFor} from './load-handlers.js';
import {weightsByteLength} from './weight-size.js';

const known = 'file://folder (Node), indexeddb://name, localstorage://name, downloads://name (browser), http(s)://address';

/**
 * Saves artifacts. `file://PATH` writes a folder in such a way that a process killed at any moment
 * leaves the save before or this one, whole; other files in the folder stay. Other schemes go to
 * tfjs' save handlers. Saves to one folder wait for each other, those of other processes too.
 *
 * @param where Names the caller in messages.
 * @param url `file://PATH` (relative paths start at the working directory), or a scheme of tfjs.
 * @param artifacts With `modelTopology` as JSON; borrowed. `userDefinedMetadata` is kept.
 * @throws {ModelFileError} If PATH is a file, its model.json is not of this library, or writing
 *   fails, or another process saves there for a minute; the save before is unchanged.
 * @throws {RangeError | TypeError} If the scheme is unknown here, or the artifacts do not fit.
 */
export async function saveArtifacts(where: string, url: string, artifacts: io.ModelArtifacts): Promise<void> {
  if (schemeOf(checkUrl(where, url)) === 'file') return saveArtifactFiles(toFilePath(url, `${where}: url`), artifacts);
  const handler = onlyHandler(where, url, io.getSaveHandlers(url));
  if (handler.save === undefined) throw new RangeError(`${where}: nothing can be saved to ${show(url)}; use ${known}.`);
  await handler.save(sealArtifacts(artifacts));
}

/**
 * Loads artifacts that {@link saveArtifacts} saved.
 *
 * @param where Names the caller in messages.
 * @param url As for saving; what was downloaded is loaded by http(s).
 * @returns The artifacts, with `weightData` as one buffer where they come from files.
 * @throws {ModelFileError} If there is no save, it is damaged (checksums of all of it are compared), or
 *   it was not written by this library.
 * @throws {RangeError | TypeError} If the scheme is unknown here.
 */
export async function loadArtifacts(where: string, url: string): Promise<io.ModelArtifacts> {
  if (schemeOf(checkUrl(where, url)) === 'file') return loadArtifactFiles(toFilePath(url, `${where}: url`));
  const handler = onlyHandler(where, url, loadHandlersFor(url));
  if (handler.load === undefined) throw new RangeError(`${where}: nothing can be loaded from ${show(url)}; use ${known}.`);
  let artifacts: io.ModelArtifacts;
  try {
    artifacts = await handler.load();
  } catch (cause) {
    throw new ModelFileError(`${where}: loading ${url} failed: ${(cause as Error).message}. Check the address, or save again.`, {cause});
  }
  const {weightData, weightSpecs = []} = artifacts;
  const found = weightData === undefined ? 0 : [weightData].flat().reduce((sum, part) => sum + part.byteLength, 0);
  const expected = weightsByteLength(url, weightSpecs);
  if (found !== expected)
    throw new ModelFileError(`${where}: ${url} has ${found} bytes of weights instead of ${expected}; it was cut off. Save again.`);
  return unsealArtifacts(where, url, artifacts);
}

/**
 * Returns a URL that has a scheme.
 *
 * @throws {TypeError} If it is no text.
 * @throws {RangeError} If it has no scheme.
 */
export function checkUrl(where: string, url: unknown): string {
  if (typeof url !== 'string') throw new TypeError(`${where}: url must be a text, but is ${show(url)}.`);
  if (schemeOf(url) === undefined) throw new RangeError(`${where}: url must begin with a scheme, but is ${show(url)}; use ${known}.`);
  return url;
}

function onlyHandler(where: string, url: string, handlers: io.IOHandler[]): io.IOHandler {
  const [handler, ...others] = handlers;
  if (handler !== undefined && others.length === 0) return handler;
  const problem = handler === undefined ? 'no handler for it is registered here' : `${handlers.length} handlers are registered for it`;
  throw new RangeError(`${where}: ${show(url)} cannot be used: ${problem}. Known are ${known}.`);
}
