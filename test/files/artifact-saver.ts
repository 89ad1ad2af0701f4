/**
 * A process that saves and is killed, for data-artifact-store.test.ts.
 * `FOLDER moment K`: saves version 2 and kills itself before its K-th step on the file system; a
 * write that it dies in is half done. `FOLDER loop N`: saves versions N, N+1, … until it is killed. `FOLDER timesK N`: K of them.
 */
import fs from 'node:fs/promises';
import {saveArtifactFiles} from '../../src/files/artifact-files.js';
import {artifactsOf} from './artifacts-of.js';

const [folder, mode, number] = process.argv.slice(2) as [string, string, string];

function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
}

let left = Number(number);
type Step = (this: unknown, ...args: unknown[]) => Promise<unknown>;

function count(target: object, name: string): void {
  const methods = target as Record<string, Step>;
  const original = methods[name] as Step;
  methods[name] = async function (...args) {
    if (--left > 0) return original.apply(this, args);
    const content = args[0];
    if (name === 'writeFile' && content instanceof Uint8Array) await original.call(this, content.subarray(0, content.length >> 1));
    else if (name === 'writeFile') await original.call(this, String(content).slice(0, 100));
    return die();
  };
}

if (mode === 'moment') {
  const handle = await fs.open(process.execPath, 'r');
  const prototype = Object.getPrototypeOf(handle) as object;
  await handle.close();
  for (const name of ['mkdir', 'lstat', 'open', 'rename', 'readdir', 'rm', 'readFile']) count(fs, name);
  for (const name of ['writeFile', 'sync', 'close']) count(prototype, name);
  await saveArtifactFiles(folder, artifactsOf(2));
} else if (mode.startsWith('times')) {
  for (let version = left; version < left + Number(mode.slice(5)); version++) await saveArtifactFiles(folder, artifactsOf(version));
} else {
  for (let version = left; ; version++) {
    await saveArtifactFiles(folder, artifactsOf(version, 1 << 18));
    process.stdout.write('.');
  }
}
