import {execFile, spawn} from 'node:child_process';
import {chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, truncate, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join, relative} from 'node:path';
import {promisify} from 'node:util';
import {io} from '@tensorflow/tfjs-core';
import {layers, loadLayersModel, sequential} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {ModelFileError} from '../../src/core/errors/model-file-error.js';
import {Random} from '../../src/core/random.js';
import {loadArtifacts, saveArtifacts} from '../../src/files/artifact-store.js';
import {fileModelHandler} from '../../src/files/model-files.js';
import {artifactsOf} from './artifacts-of.js';
import {expectClose} from '../helpers/expect.js';

let root: string;
let folder: string;
let url: string;
let count = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'artifact-store-'));
});
afterAll(() => rm(root, {recursive: true}));
beforeEach(() => {
  folder = join(root, `save ${count++}`);
  url = `file://${folder}`;
});

const weightsFiles = async (): Promise<string[]> => (await readdir(folder)).filter((name) => name !== 'model.json');

/** Compares all fields, and the weights by their bytes (`toEqual` does not look into buffers). */
function expectSame(actual: io.ModelArtifacts, expected: io.ModelArtifacts): void {
  const bytes = ({weightData}: io.ModelArtifacts): Buffer => Buffer.from(weightData as ArrayBuffer);
  expect(bytes(actual).equals(bytes(expected)), 'equal bytes').toBe(true);
  expect({...actual, weightData: null}).toEqual({...expected, weightData: null});
}

/** Loads and asserts that every part is of one version; null when there is no save. */
async function versionSaved(length?: number): Promise<number | null> {
  let loaded: io.ModelArtifacts;
  try {
    loaded = await loadArtifacts('test', url);
  } catch (error) {
    expect(error).toBeInstanceOf(ModelFileError);
    expect((error as Error).message).toMatch(/model\.json cannot be read/);
    return null;
  }
  const version = loaded.userDefinedMetadata!['version'] as number;
  expectSame(loaded, artifactsOf(version, length));
  return version;
}

/** Runs the saving process until it ends or is killed; whether it came to its end. */
function save(mode: 'moment' | 'loop', number: number, killAfterMs?: number): Promise<boolean> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'artifact-saver.ts'), folder, mode, String(number)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (killAfterMs !== undefined) child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), killAfterMs));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) =>
      code === 0 || signal === 'SIGKILL' ? resolve(code === 0) : reject(new Error(`exit ${code} ${signal}`)),
    );
  });
}

describe('saveArtifacts and loadArtifacts with file://', () => {
  it('give back what was saved, bit by bit, with metadata', async () => {
    const artifacts = artifactsOf(3);
    await saveArtifacts('test', url, artifacts);
    expectSame(await loadArtifacts('test', url), artifacts);
    expectSame(artifacts, artifactsOf(3));
  });

  it('take relative paths, several buffers and no weights', async () => {
    const {weightData, ...rest} = artifactsOf(4);
    const parts = [(weightData as ArrayBuffer).slice(0, 10), (weightData as ArrayBuffer).slice(10)];
    const near = `file://./${relative(process.cwd(), folder)}`;
    await saveArtifacts('test', near, {...rest, weightData: parts});
    expectSame(await loadArtifacts('test', url), artifactsOf(4));
    await saveArtifacts('test', url, {modelTopology: {a: 1}});
    expectSame(await loadArtifacts('test', near), {modelTopology: {a: 1}, weightSpecs: [], weightData: new ArrayBuffer(0)});
  });

  it('keep one weights file and every foreign file', async () => {
    await mkdir(folder);
    const foreign = ['notes.txt', 'group1-shard1of1.bin', 'attentive-weights-mine.bin', 'model.json.tmp'];
    for (const name of foreign) await writeFile(join(folder, name), name);
    for (const version of [1, 2, 2, 3]) await saveArtifacts('test', url, artifactsOf(version));
    const names = await readdir(folder);
    expect(names.filter((name) => !foreign.includes(name)).sort()).toEqual([
      expect.stringMatching(/^attentive-weights-[0-9a-f]{16}\.bin$/),
      'model.json',
    ]);
    for (const name of foreign) expect(await readFile(join(folder, name), 'utf8')).toBe(name);
    expect(await versionSaved()).toBe(3);
  });

  it('save one after the other when asked at once; the last one stays', async () => {
    await Promise.all([1, 2, 3, 4, 5].map((version) => saveArtifacts('test', url, artifactsOf(version))));
    expect(await versionSaved()).toBe(5);
    expect(await weightsFiles()).toHaveLength(1);
  });

  it('save a model that tfjs reads as well', async () => {
    const made = sequential({layers: [layers.dense({units: 2, inputShape: [3]})]});
    await made.save(
      io.withSaveHandler(async (artifacts) => {
        await saveArtifacts('test', url, artifacts);
        return {modelArtifactsInfo: {dateSaved: new Date(), modelTopologyType: 'JSON'}};
      }),
    );
    for (const handler of [fileModelHandler(folder), {load: () => loadArtifacts('test', url)}]) {
      const model = await loadLayersModel(handler);
      expectClose(model.getWeights()[0]!.dataSync(), made.getWeights()[0]!.dataSync(), {});
      model.dispose();
    }
    made.dispose();
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'weights that were cut off',
      async () => truncate(join(folder, (await weightsFiles())[0]!), 100),
      /has 100 bytes instead of 4000.*Save again/,
    ],
    ['a flipped bit', async () => flipBit(join(folder, (await weightsFiles())[0]!)), /sha-256 differs.*Save again/],
    ['no weights', async () => rm(join(folder, (await weightsFiles())[0]!)), /are missing.*Save again/],
    ['half a model.json', async () => truncate(join(folder, 'model.json'), 200), /is not JSON/],
    [
      'another model.json',
      async () => writeFile(join(folder, 'model.json'), '{"modelTopology": {}, "weightsManifest": []}'),
      /not saved by this library.*loadLayersModelFromFiles/,
    ],
    [
      'a weights file elsewhere',
      async () => rewrite((text) => text.replace(/"file":"[^"]*"/, '"file":"../x.bin"')),
      /not saved by this library/,
    ],
    ['other shapes', async () => rewrite((text) => text.replace('[999]', '[998]')), /model\.json does not have the content.*Save again/],
    [
      'other shapes of an older save, which has no checksum of model.json',
      async () => rewrite((text) => withoutTextSum(text).replace('[999]', '[998]')),
      /describes 3996 bytes of weights, but .* has 4000/,
    ],
  ])('refuse to load %s', async (_, damage, pattern) => {
    await saveArtifacts('test', url, artifactsOf(1));
    await damage();
    await expect(loadArtifacts('test', url)).rejects.toThrow(ModelFileError);
    await expect(loadArtifacts('test', url)).rejects.toThrow(pattern);
  });

  it('refuse a model.json of which any byte has changed', async () => {
    await saveArtifacts('test', url, artifactsOf(1));
    const file = join(folder, 'model.json');
    const bytes = await readFile(file);
    expect(bytes.length).toBeGreaterThan(500);
    for (let index = 0; index < bytes.length; index++) {
      const changed = Buffer.from(bytes);
      changed[index]! ^= 1 << (index % 7);
      await writeFile(file, changed);
      await expect(loadArtifacts('test', url), `byte ${index}`).rejects.toThrow(ModelFileError);
    }
    await writeFile(file, bytes);
    expect(await versionSaved()).toBe(1);
  });

  it('load what older releases saved, which has no checksum of model.json', async () => {
    await saveArtifacts('test', url, artifactsOf(1));
    await rewrite(withoutTextSum);
    expect(await versionSaved()).toBe(1);
  });

  it('refuse to overwrite what is not theirs', async () => {
    await mkdir(folder);
    for (const text of ['{"modelTopology": {}}', 'no json']) {
      await writeFile(join(folder, 'model.json'), text);
      await expect(saveArtifacts('test', url, artifactsOf(1))).rejects.toThrow(
        /not written by this library and is not overwritten; save to another folder/,
      );
      expect(await readdir(folder)).toEqual(['model.json']);
      expect(await readFile(join(folder, 'model.json'), 'utf8')).toBe(text);
    }
    await rm(folder, {recursive: true});
    await writeFile(folder, 'a file');
    await expect(saveArtifacts('test', url, artifactsOf(1))).rejects.toThrow(/must be a folder, but a file is in the way/);
    await expect(saveArtifacts('test', `${url}/below`, artifactsOf(1))).rejects.toThrow(/a file is in the way/);
    expect(await readFile(folder, 'utf8')).toBe('a file');
  });

  it.skipIf(process.getuid?.() === 0)('keep the old save when writing fails', async () => {
    await saveArtifacts('test', url, artifactsOf(1));
    await chmod(folder, 0o500);
    await expect(saveArtifacts('test', url, artifactsOf(2))).rejects.toThrow(/Saving to .* failed.*unchanged/);
    await chmod(folder, 0o700);
    expect(await versionSaved()).toBe(1);
  });

  it('refuse artifacts that do not fit, before anything is written', async () => {
    const bad = {...artifactsOf(1), weightData: new ArrayBuffer(8)};
    await expect(saveArtifacts('test', url, bad)).rejects.toThrow(/weightData has 8 bytes, but weightSpecs describe 4000/);
    await expect(saveArtifacts('test', url, {...artifactsOf(1), modelTopology: new ArrayBuffer(8)})).rejects.toThrow(TypeError);
    await expect(readdir(folder)).rejects.toThrow(/ENOENT/);
    await expect(loadArtifacts('test', url)).rejects.toThrow(/model\.json cannot be read/);
  });

  it.skipIf(process.platform === 'win32')('refuse pipes in the place of their files instead of waiting for ever', async () => {
    await saveArtifacts('test', url, artifactsOf(1));
    for (const name of [(await weightsFiles())[0]!, 'model.json']) {
      await rm(join(folder, name));
      await promisify(execFile)('mkfifo', [join(folder, name)]);
      await expect(loadArtifacts('test', url)).rejects.toThrow(ModelFileError);
    }
    await expect(saveArtifacts('test', url, artifactsOf(2))).rejects.toThrow(/not written by this library/);
  });

  it('find a save that moved', async () => {
    await saveArtifacts('test', url, artifactsOf(1));
    await rename(folder, `${folder} moved`);
    url = `${url} moved`;
    expect(await versionSaved()).toBe(1);
  });
});

describe('a killed process', () => {
  it('leaves the save before or the new one, whichever step it died in', {timeout: 180_000}, async () => {
    const versions: (number | null)[] = [];
    for (let moment = 1, finished = false; !finished; moment++) {
      expect(moment).toBeLessThan(60);
      folder = join(root, `moment ${moment}`);
      url = `file://${folder}`;
      await saveArtifacts('test', url, artifactsOf(1));
      finished = await save('moment', moment);
      versions.push(await versionSaved());
      // What was left behind does not disturb the next save, which clears it away.
      await saveArtifacts('test', url, artifactsOf(3));
      expect(await versionSaved()).toBe(3);
      expect(await readdir(folder)).toHaveLength(2);
    }
    // At first the old one, from one step on the new one, and both were seen.
    expect(versions.length).toBeGreaterThan(15);
    expect(versions).toEqual([...versions].sort());
    expect(new Set(versions)).toEqual(new Set([1, 2]));
  });

  it('leaves a whole first save or none', {timeout: 60_000}, async () => {
    for (const moment of [2, 4, 5, 6, 8, 12, 14]) {
      folder = join(root, `first ${moment}`);
      url = `file://${folder}`;
      expect(await save('moment', moment)).toBe(false);
      expect([null, 2]).toContain(await versionSaved());
    }
  });

  it('leaves a whole save when it is killed at random while saving on and on', {timeout: 120_000}, async () => {
    const random = new Random(20);
    let version = 1;
    for (let round = 0; round < 12; round++) {
      await save('loop', version, random.int(60));
      const found = await versionSaved(1 << 18);
      expect(found).toBeGreaterThanOrEqual(version);
      version = found! + 1;
    }
  });

  it('never shows half a save to a process that loads meanwhile', {timeout: 60_000}, async () => {
    const saving = save('loop', 1, 1500);
    while ((await versionSaved(1 << 18)) === null) await new Promise((resolve) => setTimeout(resolve, 20));
    const versions: number[] = [];
    let saves = true;
    void saving.then(() => (saves = false));
    while (saves) versions.push((await versionSaved(1 << 18))!);
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    expect(new Set(versions).size).toBeGreaterThan(2);
  });
});

describe('other schemes', () => {
  it('go through the handlers of tfjs', async () => {
    let kept: io.ModelArtifacts | undefined;
    const handler = {
      save: async (artifacts: io.ModelArtifacts): Promise<io.SaveResult> => {
        kept = artifacts;
        return {modelArtifactsInfo: {dateSaved: new Date(), modelTopologyType: 'JSON'}};
      },
      load: async (): Promise<io.ModelArtifacts> => kept!,
    };
    const route = (text: string | string[]): typeof handler => (text === 'memory://x' ? handler : null) as typeof handler;
    io.registerSaveRouter(route);
    io.registerLoadRouter(route);
    await saveArtifacts('test', 'memory://x', artifactsOf(7));
    expectSame(await loadArtifacts('test', 'memory://x'), artifactsOf(7));
    const saved = kept as io.ModelArtifacts;
    const {weightData, userDefinedMetadata} = saved;
    const other = new Uint8Array(weightData as ArrayBuffer).slice();
    other[17]! ^= 1;
    for (const damaged of [
      {weightData: other.buffer},
      {modelTopology: {class_name: 'Model', config: {name: 'version 8'}}},
      {userDefinedMetadata: {...userDefinedMetadata, version: 8}},
    ]) {
      kept = {...saved, ...damaged};
      await expect(loadArtifacts('test', 'memory://x')).rejects.toThrow(/memory:\/\/x does not have the content that was saved/);
    }
    kept = artifactsOf(7); // Of an older release, which wrote no checksum.
    expectSame(await loadArtifacts('test', 'memory://x'), artifactsOf(7));
    kept = {...kept, weightData: new ArrayBuffer(4)};
    await expect(loadArtifacts('test', 'memory://x')).rejects.toThrow(/4 bytes of weights instead of 4000/);
    handler.load = () => Promise.reject(new Error('gone'));
    await expect(loadArtifacts('test', 'memory://x')).rejects.toThrow(/loading memory:\/\/x failed: gone/);
  });

  it('are named when one is unknown', async () => {
    for (const work of [saveArtifacts('test', 's3://x', artifactsOf(1)), loadArtifacts('test', 's3://x'), loadArtifacts('test', 'out/x')]) {
      await expect(work).rejects.toThrow(/file:\/\/folder.*indexeddb:\/\/.*localstorage:\/\/.*downloads:\/\/.*http/);
    }
    await expect(saveArtifacts('test', undefined as never, artifactsOf(1))).rejects.toThrow(TypeError);
  });
});

/** As releases before the checksum wrote it. */
function withoutTextSum(text: string): string {
  return text.replace(/,"sha256":"[0-9a-f]{64}"}}$/, '}}');
}

async function flipBit(file: string): Promise<void> {
  const bytes = await readFile(file);
  bytes[1234]! ^= 4;
  await writeFile(file, bytes);
}

async function rewrite(change: (text: string) => string): Promise<void> {
  const file = join(folder, 'model.json');
  const text = await readFile(file, 'utf8');
  expect(change(text)).not.toBe(text);
  await writeFile(file, change(text));
}
