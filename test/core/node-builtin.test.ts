import {readFileSync, readdirSync} from 'node:fs';
import {homedir} from 'node:os';
import {join, sep} from 'node:path';
import {afterEach, describe, expect, it, vi} from 'vitest';
import {AttentiveError} from '../../src/core/errors/attentive-error.js';
import {schemeOf, toFilePath} from '../../src/files/file-path.js';
import {nodeBuiltin} from '../../src/core/node-builtin.js';

afterEach(() => vi.unstubAllGlobals());

describe('nodeBuiltin', () => {
  it('returns the module itself', async () => {
    expect(nodeBuiltin('node:fs/promises').readFile).toBe((await import('node:fs/promises')).readFile);
  });

  it('says what is missing in a browser and on an old Node', () => {
    vi.stubGlobal('process', undefined);
    expect(() => nodeBuiltin('node:path')).toThrow(AttentiveError);
    expect(() => nodeBuiltin('node:path')).toThrow(/node:path is needed.*no Node.*ImageData or tensors/);
    vi.stubGlobal('process', {versions: {node: '18.0.0'}});
    expect(() => nodeBuiltin('node:path')).toThrow(/from Node 20\.16 on, but this is Node 18\.0\.0/);
  });
});

describe('toFilePath', () => {
  it.each([
    ['/a/b', '/a/b'],
    ['file:///a/b%20c', '/a/b c'],
    ['file:///a/50%', '/a/50%'],
    ['file:///a/b#c?d', '/a/b#c?d'],
    ['FILE:///a', '/a'],
    ['x/y', `${process.cwd()}/x/y`],
    ['file://./x', `${process.cwd()}/x`],
    ['file://x/y', `${process.cwd()}/x/y`],
    ['file://x%20y', `${process.cwd()}/x%20y`],
  ])('reads %s', (from, to) => {
    expect(toFilePath(from)).toBe(to);
  });

  it('reads URL objects and refuses other schemes and nothing', () => {
    expect(toFilePath(new URL('file:///a/b%20c'))).toBe('/a/b c');
    expect(() => toFilePath(new URL('https://a/b'))).toThrow(/scheme 'https:'/);
    expect(() => toFilePath('indexeddb://x')).toThrow(RangeError);
    expect(() => toFilePath('')).toThrow(TypeError);
    expect(() => toFilePath(undefined as never)).toThrow(/path must be a text/);
    expect(() => toFilePath('a\0b', 'load: path')).toThrow(/^load: path must be without the character NUL/);
    expect(schemeOf(homedir())).toBeUndefined();
  });
});

describe('src', () => {
  it('imports no module of Node outside src/node, src/queue, src/cli and what a worker thread runs, but for its types', () => {
    const src = join(import.meta.dirname, '../../src');
    // A thread's own file is loaded by threads alone, and no browser has them.
    const ofNode = ['node', 'queue', 'cli'];
    const runsInNode = (name: string): boolean =>
      ofNode.some((folder) => name.startsWith(`${folder}${sep}`)) || name === join('workers', 'worker-thread.ts');
    const files = readdirSync(src, {recursive: true, encoding: 'utf8'}).filter((name) => name.endsWith('.ts'));
    const imports = (name: string): boolean =>
      /^(?:import (?!type\b)|export ).*from '(?:node:|fs|path|url|crypto)|import\('node:/m.test(readFileSync(join(src, name), 'utf8'));
    expect(files).toContain(join('core', 'node-builtin.ts'));
    expect(imports(join('workers', 'worker-thread.ts'))).toBe(true);
    expect(files.filter((name) => !runsInNode(name) && imports(name))).toEqual([]);
    const importers = files.filter((name) => /from '.*\/worker-thread\.js'/.test(readFileSync(join(src, name), 'utf8')));
    expect(importers).toEqual([]);
  });
});
