/**
 * A folder that holds one save: model.json and one weights file named by its content. The weights
 * come first, then model.json switches to them in one step, then the older weights go. A killed
 * process therefore leaves a whole save, the old or the new. tfjs can read the folder as well.
 */
import type {io} from '@tensorflow/tfjs-core';
import {at} from '../core/at.js';
import {show} from '../core/check.js';
import {ModelFileError} from '../core/errors/model-file-error.js';
import {isTemporaryName, writeFileAtomically} from './atomic-file.js';
import {readJsonObject, readRegularFile} from './model-json.js';
import {nodeBuiltin} from '../core/node-builtin.js';
import {weightsByteLength} from './weight-size.js';

const MANIFEST = 'model.json';
const SAVER = 'attentive-distiller';
const weightsPattern = 'attentive-weights-[0-9a-f]{16}\\.bin';

/** What model.json says beyond tfjs' own fields. */
interface Seal {
  readonly savedBy: typeof SAVER;
  readonly weights: {readonly file: string; readonly bytes: number; readonly sha256: string};
}

type Manifest = io.ModelJSON & {readonly seal: Seal};

/** Saves into `folder`, one save at a time. @throws {ModelFileError} See {@link saveArtifacts}. */
export function saveArtifactFiles(folder: string, artifacts: io.ModelArtifacts): Promise<void> {
  // Two saves at once would each delete the weights that the other has not named yet.
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
  const seal: Seal = {savedBy: SAVER, weights: {file, bytes: bytes.byteLength, sha256}};
  const manifest: Manifest = {...rest, modelTopology, weightsManifest: [{paths: [file], weights: [...weightSpecs]}], seal};
  const text = JSON.stringify(manifest);
  try {
    await fs.mkdir(folder, {recursive: true});
    await checkOwnership(folder);
    await writeFileAtomically(folder, file, bytes);
    await writeFileAtomically(folder, MANIFEST, text);
  } catch (cause) {
    if (cause instanceof ModelFileError) throw cause;
    const {code, message} = cause as NodeJS.ErrnoException;
    const advice =
      code === 'EEXIST' || code === 'ENOTDIR'
        ? 'It must be a folder, but a file is in the way.'
        : 'What was saved there before is unchanged.';
    throw new ModelFileError(`Saving to ${folder} failed: ${message}. ${advice}`, {cause});
  }
  await removeOlder(folder, file);
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
    (name !== keep && new RegExp(`^${weightsPattern}$`).test(name)) || isTemporaryName(name, `${weightsPattern}|model\\.json`);
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

async function readManifest(path: string): Promise<Manifest> {
  const found = await readJsonObject(path);
  const complete = sealOf(found) && typeof found['modelTopology'] === 'object' && Array.isArray(found['weightsManifest']);
  if (!complete) throw new ModelFileError(`${path} was not saved by this library; load a plain tfjs model with loadLayersModelFromFiles.`);
  return found as unknown as Manifest;
}

function sealOf(manifest: Record<string, unknown>): boolean {
  const seal = manifest['seal'] as Partial<Seal> | null | undefined;
  if (seal?.savedBy !== SAVER) return false;
  return (
    new RegExp(`^${weightsPattern}$`).test(String(seal.weights?.file)) &&
    Number.isInteger(seal.weights?.bytes) &&
    typeof seal.weights?.sha256 === 'string'
  );
}

function hash(bytes: Uint8Array): string {
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
