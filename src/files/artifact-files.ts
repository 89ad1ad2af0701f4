/**
 * A folder that holds one save: model.json and one weights file named by its content. The weights
 * come first, then model.json switches to them in one step, then the older weights go; one process at
 * a time. A killed process therefore leaves a whole save, the old or the new. tfjs can read the folder as well.
 */
import type {io} from '@tensorflow/tfjs-core';
import {at} from '../core/at.js';
import {show} from '../core/check.js';
import {ModelFileError} from '../core/errors/model-file-error.js';
import {isTemporaryName, writeFileAtomically} from './atomic-file.js';
import {LOCK, withFolderLock} from './folder-lock.js';
import {parseJsonObject, readJsonObject, readRegularFile, readText} from './model-json.js';
import {nodeBuiltin} from '../core/node-builtin.js';
import {weightsByteLength} from './weight-size.js';

const MANIFEST = 'model.json';
const SAVER = 'attentive-distiller';
const SEAL_MARK = ',"seal":';
const weightsPattern = 'attentive-weights-[0-9a-f]{16}\\.bin';

/** What model.json says beyond tfjs' own fields, at its end. */
interface Seal {
  readonly savedBy: typeof SAVER;
  readonly weights: {readonly file: string; readonly bytes: number; readonly sha256: string};
  /** Of the text of model.json in front of the seal. Saves of older releases have none. */
  readonly sha256?: string;
}

type Manifest = io.ModelJSON & {readonly seal: Seal};

/** Saves into `folder`, one save at a time. @throws {ModelFileError} See {@link saveArtifacts}. */
export function saveArtifactFiles(folder: string, artifacts: io.ModelArtifacts): Promise<void> {
  // Two saves at once would each delete the weights that the other has not named yet; here they come in the order in
  // which they were asked for, and other processes wait (folder-lock.ts).
  const before = running.get(folder) ?? Promise.resolve();
  const saving = before.catch(() => undefined).then(() => save(folder, artifacts));
  const done = saving
    .catch(() => undefined)
    .then(() => {
      if (running.get(folder) === done) running.delete(folder);
    });
  running.set(folder, done);
  return saving;
}

const running = new Map<string, Promise<void>>();

async function save(folder: string, artifacts: io.ModelArtifacts): Promise<void> {
  const fs = nodeBuiltin('node:fs/promises');
  const {weightData = new ArrayBuffer(0), weightSpecs = [], modelTopology, ...rest} = artifacts;
  if (modelTopology === undefined || modelTopology instanceof ArrayBuffer) {
    throw new TypeError(`saveArtifacts: artifacts.modelTopology must be a JSON object, but is ${show(modelTopology)}.`);
  }
  const bytes = joined(weightData);
  const expected = weightsByteLength('saveArtifacts', weightSpecs);
  if (bytes.byteLength !== expected) {
    throw new RangeError(`saveArtifacts: weightData has ${bytes.byteLength} bytes, but weightSpecs describe ${expected}.`);
  }
  const sha256 = hash(bytes);
  const file = `attentive-weights-${sha256.slice(0, 16)}.bin`;
  const text = sealed(
    {...rest, modelTopology, weightsManifest: [{paths: [file], weights: [...weightSpecs]}]},
    {
      savedBy: SAVER,
      weights: {file, bytes: bytes.byteLength, sha256},
    },
  );
  try {
    await fs.mkdir(folder, {recursive: true});
    await withFolderLock(folder, async (checkHeld) => {
      await checkOwnership(folder);
      await writeFileAtomically(folder, file, bytes);
      await checkHeld();
      await writeFileAtomically(folder, MANIFEST, text);
      await checkHeld();
      await removeOlder(folder, file);
    });
  } catch (cause) {
    if (cause instanceof ModelFileError) throw cause;
    const {code, message} = cause as NodeJS.ErrnoException;
    const advice =
      code === 'EEXIST' || code === 'ENOTDIR'
        ? 'It must be a folder, but a file is in the way.'
        : 'What was saved there before is unchanged.';
    throw new ModelFileError(`Saving to ${folder} failed: ${message}. ${advice}`, {cause});
  }
}

/** Refuses a folder whose model.json this library did not write. */
async function checkOwnership(folder: string): Promise<void> {
  const path = nodeBuiltin('node:path').join(folder, MANIFEST);
  const stats = await nodeBuiltin('node:fs/promises')
    .lstat(path)
    .catch(() => null);
  if (stats === null) return;
  const foreign = `${path} was not written by this library and is not overwritten; save to another folder.`;
  const found = await readJsonObject(path).catch((cause: unknown) => {
    throw new ModelFileError(foreign, {cause});
  });
  if (!sealOf(found)) throw new ModelFileError(foreign);
}

/** Deletes weights and unfinished files of earlier saves; a failure only leaves them lying. */
async function removeOlder(folder: string, keep: string): Promise<void> {
  const fs = nodeBuiltin('node:fs/promises');
  const isOld = (name: string): boolean =>
    (name !== keep && new RegExp(`^${weightsPattern}$`).test(name)) || isTemporaryName(name, `${weightsPattern}|model\\.json|${LOCK}`);
  const names = await fs.readdir(folder).catch(() => []);
  await Promise.all(names.filter(isOld).map((name) => fs.rm(nodeBuiltin('node:path').join(folder, name)).catch(() => undefined)));
}

/** Loads what {@link saveArtifactFiles} saved. @throws {ModelFileError} See {@link loadArtifacts}. */
export async function loadArtifactFiles(folder: string): Promise<io.ModelArtifacts> {
  const path = nodeBuiltin('node:path');
  let missing = '';
  for (;;) {
    const {modelTopology, weightsManifest, seal, ...rest} = await readManifest(path.join(folder, MANIFEST));
    const {file, bytes, sha256} = seal.weights;
    const again = `Save again, or restore ${folder} from a copy.`;
    let data: Uint8Array;
    try {
      data = await readRegularFile(path.join(folder, file));
    } catch (cause) {
      // Another process may have saved between the two reads; then model.json names other weights.
      if (file !== missing) {
        missing = file;
        continue;
      }
      throw new ModelFileError(`${folder}: the weights ${file} are missing or not readable. ${again}`, {cause});
    }
    if (data.byteLength !== bytes)
      throw new ModelFileError(`${folder}: ${file} has ${data.byteLength} bytes instead of ${bytes}; it was cut off or changed. ${again}`);
    if (hash(data) !== sha256)
      throw new ModelFileError(`${folder}: ${file} does not have the content that was saved (sha-256 differs). ${again}`);
    const weightSpecs = weightsManifest.flatMap(({weights}) => weights);
    const expected = weightsByteLength(folder, weightSpecs);
    if (expected !== bytes)
      throw new ModelFileError(`${folder}: model.json describes ${expected} bytes of weights, but ${file} has ${bytes}. ${again}`);
    return {...rest, modelTopology, weightSpecs, weightData: new Uint8Array(data).buffer};
  }
}

/** The text of a model.json whose last member is the seal. */
function sealed(manifest: io.ModelJSON, seal: Seal): string {
  const text = JSON.stringify(manifest).slice(0, -1);
  return `${text}${SEAL_MARK}${JSON.stringify({...seal, sha256: hash(text)})}}`;
}

async function readManifest(path: string): Promise<Manifest> {
  const text = await readText(path);
  const found = parseJsonObject(path, text);
  const complete = sealOf(found) && typeof found['modelTopology'] === 'object' && Array.isArray(found['weightsManifest']);
  if (!complete) throw new ModelFileError(`${path} was not saved by this library; load a plain tfjs model with loadLayersModelFromFiles.`);
  const manifest = found as unknown as Manifest;
  const {sha256} = manifest.seal;
  if (sha256 !== undefined && hash(text.slice(0, text.lastIndexOf(SEAL_MARK))) !== sha256) {
    throw new ModelFileError(`${path} does not have the content that was saved (sha-256 differs). Save again, or restore it from a copy.`);
  }
  return manifest;
}

function sealOf(manifest: Record<string, unknown>): boolean {
  const seal = manifest['seal'] as Partial<Seal> | null | undefined;
  if (seal === null || seal === undefined) return false;
  const {savedBy, weights, sha256, ...others} = seal;
  return (
    savedBy === SAVER &&
    Object.keys(others).length === 0 &&
    ['undefined', 'string'].includes(typeof sha256) &&
    new RegExp(`^${weightsPattern}$`).test(String(weights?.file)) &&
    Number.isInteger(weights?.bytes) &&
    typeof weights?.sha256 === 'string'
  );
}

function hash(bytes: Uint8Array | string): string {
  return nodeBuiltin('node:crypto').createHash('sha256').update(bytes).digest('hex');
}

function joined(data: io.WeightData): Uint8Array {
  const parts = Array.isArray(data) ? data : [data];
  if (parts.length === 1) return new Uint8Array(at(parts, 0));
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(new Uint8Array(part), offset);
    offset += part.byteLength;
  }
  return whole;
}
