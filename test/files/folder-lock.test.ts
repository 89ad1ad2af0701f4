import {spawn} from 'node:child_process';
import fs, {mkdtemp, readdir, rm, utimes, writeFile} from 'node:fs/promises';
import {hostname, tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeEach, describe, expect, it, vi} from 'vitest';
import {ModelFileError} from '../../src/core/errors/model-file-error.js';
import {loadArtifactFiles, saveArtifactFiles} from '../../src/files/artifact-files.js';
import {LOCK, withFolderLock} from '../../src/files/folder-lock.js';
import {rounds} from '../helpers/environment.js';
import {artifactsOf} from './artifacts-of.js';

const root = await mkdtemp(join(tmpdir(), 'folder-lock-'));
let folder = '';
let count = 0;
beforeEach(async () => {
  folder = join(root, String(count++));
  await fs.mkdir(folder);
});
afterAll(() => rm(root, {recursive: true}));

const held = (owner: object): Promise<void> => writeFile(join(folder, LOCK), JSON.stringify({host: hostname(), token: 'x', ...owner}));

/** A process id that nobody has: that of a child that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => child.on('exit', resolve));
  return child.pid as number;
}

describe('withFolderLock', () => {
  it('lets one work at a time and leaves nothing', async () => {
    let inside = 0;
    const most: number[] = [];
    await Promise.all(
      Array.from({length: 5}, () =>
        withFolderLock(folder, async (checkHeld) => {
          most.push(++inside);
          await new Promise((resolve) => setTimeout(resolve, 5));
          await checkHeld();
          inside--;
        }),
      ),
    );
    expect(most).toEqual([1, 1, 1, 1, 1]);
    expect(await readdir(folder)).toEqual([]);
  });

  it('gives the lock back when the work throws', async () => {
    await expect(withFolderLock(folder, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await readdir(folder)).toEqual([]);
  });

  it('takes over from a dead process of this machine at once', async () => {
    await held({pid: await deadPid()});
    expect(await withFolderLock(folder, () => Promise.resolve(7))).toBe(7);
    expect(await readdir(folder)).toEqual([]);
  });

  it('takes back what it could not remove itself', async () => {
    const remove = vi.spyOn(fs, 'rm').mockRejectedValue(new Error('no'));
    await withFolderLock(folder, () => Promise.resolve());
    remove.mockRestore();
    expect(await readdir(folder)).toEqual([LOCK]);
    expect(await withFolderLock(folder, () => Promise.resolve(7))).toBe(7);
    expect(await readdir(folder)).toEqual([]);
  });

  it('takes over from another machine, or from one who never wrote a name, when nobody has touched it for long', async () => {
    for (const [owner, age] of [
      [{pid: 1, host: 'elsewhere'}, 31],
      [{pid: '?'}, 2],
    ] as const) {
      await held(owner);
      const then = new Date(Date.now() - age * 1000);
      await utimes(join(folder, LOCK), then, then);
      expect(await withFolderLock(folder, () => Promise.resolve(7))).toBe(7);
    }
  });

  it('tells who has the folder when it waits in vain, and leaves that lock alone', async () => {
    await held({pid: process.ppid, token: 'other'});
    let now = Date.now();
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => (now += 2_000));
    const keeping = setInterval(() => void utimes(join(folder, LOCK), new Date(now), new Date(now)).catch(() => undefined), 1);
    try {
      await expect(withFolderLock(folder, () => Promise.resolve())).rejects.toThrow(
        new RegExp(`process ${process.ppid} on .* has been saving there for a minute`),
      );
    } finally {
      clearInterval(keeping);
      clock.mockRestore();
    }
    expect(await readdir(folder)).toEqual([LOCK]);
  });

  it('stops one that lost its lock before it does harm', async () => {
    const work = withFolderLock(folder, async (checkHeld) => {
      await held({pid: process.ppid, token: 'other'});
      await checkHeld();
    });
    await expect(work).rejects.toThrow(ModelFileError);
    await expect(work).rejects.toThrow(/another process took over/);
    expect(await readdir(folder)).toEqual([LOCK]);
  });
});

describe('processes that save to one folder', () => {
  const numRounds = rounds(200, 6);

  it(
    `leave a whole save, one that somebody made last, in ${numRounds} rounds of two and three`,
    {timeout: 30_000 + numRounds * 5_000},
    async () => {
      for (let round = 0; round < numRounds; round++) {
        folder = join(root, `round ${round}`);
        const writers = 2 + (round % 2);
        const last = await Promise.all(Array.from({length: writers}, (_, writer) => saver(100 * (writer + 1), 4)));
        const {userDefinedMetadata, ...loaded} = await loadArtifactFiles(folder);
        const version = userDefinedMetadata!['version'] as number;
        expect(last).toContain(version);
        expect(Buffer.from(loaded.weightData as ArrayBuffer).equals(Buffer.from(artifactsOf(version).weightData as ArrayBuffer))).toBe(
          true,
        );
        expect((await readdir(folder)).length).toBe(2);
      }
    },
  );

  /** A process that saves some versions; the last of them. */
  async function saver(first: number, saves: number): Promise<number> {
    const arguments_ = ['--import', 'tsx', join(import.meta.dirname, 'artifact-saver.ts'), folder, `times${saves}`, String(first)];
    const child = spawn(process.execPath, arguments_, {stdio: ['ignore', 'ignore', 'inherit']});
    expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(0);
    return first + saves - 1;
  }
});

describe('a file system that fails', () => {
  it('costs at most the save at hand, whichever step fails and how', {timeout: 120_000}, async () => {
    const probe = await fs.open(process.execPath, 'r');
    const handles = Object.getPrototypeOf(probe) as Record<string, Step>;
    await probe.close();
    let refused = 0;
    for (const code of ['ENOSPC', 'EIO', 'EACCES', 'EROFS', 'EMFILE', 'EBUSY']) {
      for (let moment = 1, failed = true; failed; moment++) {
        expect(moment).toBeLessThan(60);
        await saveArtifactFiles(folder, artifactsOf(1));
        const {undo, wasReached} = failAt(handles, moment, code);
        const outcome = await saveArtifactFiles(folder, artifactsOf(2)).then(
          () => 2,
          (error: unknown) => error,
        );
        undo();
        failed = wasReached();
        if (outcome !== 2) {
          refused++;
          expect(outcome, `${code} at step ${moment}`).toBeInstanceOf(ModelFileError);
        }
        const {userDefinedMetadata} = await loadArtifactFiles(folder);
        expect(outcome === 2 ? [2] : [1, 2], `${code} at step ${moment}`).toContain(userDefinedMetadata!['version']);
      }
      await saveArtifactFiles(folder, artifactsOf(3));
      expect((await readdir(folder)).length).toBe(2);
    }
    expect(refused).toBeGreaterThan(40);
  });
});

type Step = (...given: unknown[]) => Promise<unknown>;

/** Lets one step on the file system fail. */
function failAt(handles: Record<string, Step>, moment: number, code: string): {undo: () => void; wasReached: () => boolean} {
  let left = moment;
  const undone: (() => void)[] = [];
  const places: [Record<string, Step>, string[]][] = [
    [
      fs as unknown as Record<string, Step>,
      ['mkdir', 'lstat', 'open', 'rename', 'readdir', 'rm', 'readFile', 'writeFile', 'stat', 'utimes'],
    ],
    [handles, ['writeFile', 'sync', 'close']],
  ];
  for (const [target, names] of places) {
    for (const name of names) {
      const original = target[name] as Step;
      target[name] = async function (this: unknown, ...given) {
        if (--left === 0) {
          if (name === 'close') await original.apply(this, given); // Otherwise the file stays open.
          throw Object.assign(new Error(`${code}: by the test`), {code});
        }
        return original.apply(this, given);
      };
      undone.push(() => (target[name] = original));
    }
  }
  return {undo: () => undone.forEach((each) => each()), wasReached: () => left <= 0};
}
