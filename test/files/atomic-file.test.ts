/** A file is written whole or not at all, by however many at once, and never through a link. */
import {lstat, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {isTemporaryName, temporaryName, writeFileAtomically} from '../../src/files/atomic-file.js';

let root: string;
let folder: string;
let count = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'atomic-file-'));
});
afterAll(() => rm(root, {recursive: true}));
beforeEach(async () => {
  folder = join(root, String(count++));
  await mkdir(folder);
});

describe('writeFileAtomically', () => {
  it('writes text and bytes, replaces what is there, and leaves nothing else', async () => {
    await writeFileAtomically(folder, 'a.txt', 'ä');
    expect(await readFile(join(folder, 'a.txt'), 'utf8')).toBe('ä');
    await writeFileAtomically(folder, 'a.txt', Uint8Array.of(1, 2, 255));
    expect([...(await readFile(join(folder, 'a.txt')))]).toEqual([1, 2, 255]);
    expect(await readdir(folder)).toEqual(['a.txt']);
  });

  it('lets six callers write the same file at once: all succeed, and one of their contents is there whole', async () => {
    const contents = Array.from({length: 6}, (_, index) => String(index).repeat(100_000));
    await Promise.all(contents.map((content) => writeFileAtomically(folder, 'a.txt', content)));
    expect(contents).toContain(await readFile(join(folder, 'a.txt'), 'utf8'));
    expect(await readdir(folder)).toEqual(['a.txt']);
  });

  it('replaces a link in its place and leaves alone what it points to', async () => {
    const victim = join(root, `victim ${count}`);
    await writeFile(victim, 'untouched');
    await symlink(victim, join(folder, 'a.txt'));
    await writeFileAtomically(folder, 'a.txt', 'new');
    expect(await readFile(victim, 'utf8')).toBe('untouched');
    expect((await lstat(join(folder, 'a.txt'))).isSymbolicLink()).toBe(false);
    expect(await readFile(join(folder, 'a.txt'), 'utf8')).toBe('new');
  });

  it('leaves nothing where it fails', async () => {
    await mkdir(join(folder, 'a.txt'));
    await expect(writeFileAtomically(folder, 'a.txt', 'x')).rejects.toThrow();
    expect(await readdir(folder)).toEqual(['a.txt']);
    await expect(writeFileAtomically(join(folder, 'nowhere'), 'a.txt', 'x')).rejects.toThrow(/ENOENT/);
  });

  it('takes another temporary name each time, which cannot be foreseen and is told from others', () => {
    const names = Array.from({length: 100}, () => temporaryName('a.txt'));
    expect(new Set(names).size).toBe(100);
    for (const name of names) expect(isTemporaryName(name, 'a\\.txt')).toBe(true);
    for (const name of ['a.txt', 'a.txt.tmp', `a.txt.${process.pid}.tmp`, temporaryName('b.txt')])
      expect(isTemporaryName(name, 'a\\.txt')).toBe(false);
  });
});
