/** `compare --shards`: parts in a folder that processes share, and that a stop does not cost. */
import {mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, describe, expect, it, vi} from 'vitest';
import {patience} from '../helpers/environment.js';
import {startBackend} from '../helpers/start-backend.js';
import {jsonLines, runCommand, runHere, shapesModel, writeBroken, writeShapes, type Outcome} from '../helpers/command-line.js';

let folder: string;
beforeAll(async () => {
  await startBackend('wasm');
  folder = await mkdtemp(join(tmpdir(), 'shards-'));
  await writeShapes(join(folder, 'photos'), 70);
  await writeBroken(join(folder, 'photos/a/1.png'));
});
afterAll(() => rm(folder, {recursive: true}));
afterEach(() => vi.unstubAllEnvs());

const asked = ['compare', 'photos', '--model', shapesModel, '--preprocessing', 'tf', '--backend', 'wasm', '--method', 'grad-cam,random'];
const compare = (...args: string[]): Promise<Outcome> =>
  runHere([...asked, '--max-side', '32', '--metrics', 'gini,drop', ...args], {cwd: folder});
const results = (of: string): Promise<string[]> =>
  Promise.all(['comparison.csv', 'comparison-images.csv', 'comparison.json'].map((name) => readFile(join(folder, of, name), 'utf8')));

describe('attentive-distiller compare --shards', {timeout: patience}, () => {
  it('adds up to the table of one process, to the last digit, whoever does which part', async () => {
    expect((await compare('--out', 'whole')).code).toBe(4);
    const first = await compare('--shards', 'parts', '--shard', '1/2', '--json');
    expect(first.code).toBe(4);
    expect(jsonLines(first.stdout)).toEqual([{parts: 3, missing: 1}]);
    vi.stubEnv('JOB_COMPLETION_INDEX', '1');
    const second = await compare('--shards', 'parts', '--shard', '/2', '--out', 'shared');
    expect([first, second].map(({stderr}) => stderr.includes('plan: '))).toEqual([true, false]); // The second finds the plan.
    expect(second.stderr).toMatch(/Left out.*\n.*photos\/a\/1\.png: .*cannot be decoded/);
    expect(await results('shared')).toEqual(await results('whole'));
  });

  it('takes parts that are there, does a damaged one again, and keeps those of other settings apart', async () => {
    const before = await readdir(join(folder, 'parts'));
    const [part] = before.filter((name) => name.startsWith('compare-'));
    await writeFile(join(folder, 'parts', part!), 'half a fi');
    expect((await compare('--shards', 'parts', '--out', 'again')).code).toBe(4);
    expect(await results('again')).toEqual(await results('whole'));
    expect(await readdir(join(folder, 'parts'))).toEqual(before);
    const other = await compare('--shards', 'parts', '--seed', '9', '--shard', '3/3', '--json');
    expect(jsonLines(other.stdout)).toEqual([{parts: 3, missing: 2}]);
  });

  it('goes on after Ctrl-C', async () => {
    const args = [...asked, '--metrics', 'insertion', '--shards', 'stopped', '--limits', 'random=40,grad-cam=1'];
    const stopped = await runCommand(args, {cwd: folder, stop: {signal: 'SIGINT', after: /part 2\/3/}});
    expect(stopped.code).toBe(130);
    const kept = await readdir(join(folder, 'stopped'));
    expect(kept.filter((name) => name.startsWith('compare-'))).toHaveLength(1);
    expect((await runHere([...args, '--out', 'went-on'], {cwd: folder})).code).toBe(4);
    expect((await runHere([...args.filter((each) => !/^(--shards|stopped)$/.test(each)), '--out', 'at-once'], {cwd: folder})).code).toBe(4);
    expect(await results('went-on')).toEqual(await results('at-once'));
  });

  it('says what a share is', async () => {
    for (const [args, words] of [
      [['--shard', '1/2'], /--shard needs --shards FOLDER/],
      [['--shards', 'parts', '--shard', '3/2'], /'1\/8' to '8\/8'/],
      [['--shards', 'parts', '--shard', '0/2'], /'1\/8' to '8\/8'/],
      [['--shards', 'parts', '--shard', '/2'], /--shard: .*JOB_COMPLETION_INDEX/],
    ] as const) {
      const {code, stderr} = await compare(...args);
      expect(stderr).toMatch(words);
      expect(code).toBe(2);
    }
  });
});
