/** The parts of the command line that need no model. */
import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {checkNames, readClassNames, readTarget} from '../../src/cli/class-names.js';
import {toCsv} from '../../src/cli/csv.js';
import {CommandError} from '../../src/cli/exit-code.js';
import {findPictures} from '../../src/cli/find-pictures.js';
import {drawOverlay, peakPlace} from '../../src/cli/place-map.js';
import {openRun} from '../../src/cli/run-record.js';
import {readSavedExplainer, writeSavedExplainer} from '../../src/cli/saved-explainer.js';
import type {SaliencyMap, Teacher} from '../../src/core/types.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parts-'));
  for (const name of ['a/cat.jpg', 'a/cat.PNG', 'a/deep/dog.webp', 'b/bird.jpeg', 'b/notes.txt', 'b/[1].jpg']) {
    await mkdir(join(folder, name, '..'), {recursive: true});
    await writeFile(join(folder, name), '');
  }
});
afterAll(() => rm(folder, {recursive: true}));

describe('findPictures', () => {
  it('takes folders, files and patterns, each picture once, and names what belongs to it', async () => {
    const {root, pictures} = await findPictures([join(folder, 'a'), join(folder, 'b/[1].jpg'), `${folder}/**/*.jp*g`]);
    expect(root).toBe(folder);
    expect(pictures.map(({name, stem}) => [name, stem])).toEqual([
      // Two pictures with one stem keep their extensions.
      ['a/cat.PNG', 'a/cat.PNG'],
      ['a/cat.jpg', 'a/cat.jpg'],
      ['a/deep/dog.webp', 'a/deep/dog'],
      ['b/[1].jpg', 'b/[1]'],
      ['b/bird.jpeg', 'b/bird'],
    ]);
    expect(pictures[2]!.file).toBe(join(folder, 'a/deep/dog.webp'));
  });

  it('says where there is none', async () => {
    for (const [source, words] of [
      [`${folder}/**/*.txt`, /matches 1 files, none of them a picture/],
      [`${folder}/c/*`, /matches nothing/],
      [join(folder, 'c'), /no file or folder/],
    ] as const) {
      const error: unknown = await findPictures([source]).catch((each: unknown) => each);
      expect(error).toMatchObject({exitCode: 3});
      expect((error as Error).message).toMatch(words);
    }
  });
});

describe('class names', () => {
  it('come as lines, as a list, and by class as in Keras', async () => {
    const read = async (text: string): Promise<readonly string[]> => {
      await writeFile(join(folder, 'names'), text);
      return readClassNames(join(folder, 'names'));
    };
    expect(await read('n01440764 tench, Tinca tinca\r\nn01443537 goldfish\r\n\r\n')).toEqual(['tench, Tinca tinca', 'goldfish']);
    expect(await read('["a", "b"]')).toEqual(['a', 'b']);
    expect(await read('{"0": ["n01440764", "tench"], "1": ["n01443537", "goldfish"]}')).toEqual(['tench', 'goldfish']);
    await expect(read('{"1": "a"}')).rejects.toThrow(/must be a list of names, or names by class/);
    await expect(read('[1]')).rejects.toThrow(CommandError);
    await expect(read('')).rejects.toThrow(/is empty/);
    expect(() => checkNames(['a', 'b'], 3)).toThrow(/2 names, but the model has 3 classes\. If class 0 is the background/);
  });

  it('name targets, as do numbers', () => {
    const names = ['tench, Tinca tinca', 'tabby, tabby cat', 'tiger cat', 'tiger'];
    expect(readTarget('top', 4, names)).toEqual({top: 1});
    expect(readTarget('top-3', 4, undefined)).toEqual({top: 3});
    expect(readTarget('tench, tinca tinca', 4, names)).toEqual({classes: [0]});
    expect(readTarget('Tiger,2,tabby cat', 4, names)).toEqual({classes: [3, 2, 1]});
    expect(readTarget('ench', 4, names)).toEqual({classes: [0]});
    for (const [text, words] of [
      ['top-5', /there are 4 classes/],
      ['top-0', /there are 4 classes/],
      ['4', /go from 0 to 3/],
      ['cat', /may be 1 \(tabby, tabby cat\), 2 \(tiger cat\)/],
      ['tenhc', /Did you mean 'tench'\?/],
    ] as const) {
      expect(() => readTarget(text, 4, names), text).toThrow(words);
    }
    expect(() => readTarget('tench', 4, undefined)).toThrow(/--class-names/);
  });
});

describe('drawOverlay', () => {
  const image = {data: new Uint8Array(4 * 8 * 3).fill(100), width: 8, height: 4, channels: 3 as const};
  const map = {data: Float32Array.of(0, 1, 0, 0), width: 2, height: 2} as SaliencyMap;
  const teacher = (fit: 'squash' | 'crop'): Teacher =>
    ({inputShape: [2, 2, 3], preprocessing: {scale: 1, mean: 0, std: 1, fit}}) as unknown as Teacher;

  it('covers what the network saw, and nothing else', () => {
    const changed = (fit: 'squash' | 'crop'): number[] => {
      const {data} = drawOverlay(image, map, teacher(fit), {});
      return [...Array(8).keys()].filter((column) => data[4 * column] !== 100);
    };
    expect(changed('squash')).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    // The centre: four of eight columns.
    expect(changed('crop')).toEqual([2, 3, 4, 5]);
  });

  it('has its peak where the map has it', () => {
    expect(peakPlace(image, map, teacher('squash'))).toEqual({x: 0.75, y: 0.25});
    expect(peakPlace(image, map, teacher('crop'))).toEqual({x: 5 / 8, y: 0.25});
  });
});

describe('openRun', () => {
  it('knows a run again, and refuses another one by name', async () => {
    const out = join(folder, 'out/deep');
    expect(await openRun(out, 'run.json', {seed: 1, target: undefined}, false)).toBe(false);
    expect(await openRun(out, 'run.json', {seed: 1}, false)).toBe(true);
    await expect(openRun(out, 'run.json', {seed: 2}, false)).rejects.toThrow(/another run \(seed 1, now 2\)/);
    expect(await openRun(out, 'run.json', {seed: 2}, true)).toBe(false);
    expect(await openRun(out, 'run.json', {seed: 2}, false)).toBe(true);
    await expect(openRun(join(folder, 'b/notes.txt'), 'run.json', {}, false)).rejects.toMatchObject({exitCode: 1});
  });
});

describe('what lies beside an explainer', () => {
  it('comes back, with the model found from there', async () => {
    const saved = {flags: {model: 'm', preprocessing: 'tf', inputSize: [2, 3] as const}, names: ['x'], trained: {steps: 3, finished: true}};
    await writeSavedExplainer(join(folder, 'saved'), saved);
    const found = await readSavedExplainer(join(folder, 'saved'));
    expect(found).toMatchObject({...saved, flags: {...saved.flags, model: join(process.cwd(), 'm')}});
    expect(await readSavedExplainer(join(folder, 'b'))).toBeUndefined();
    await writeFile(join(folder, 'saved/explainer.json'), '{"flags": {"model": 3}}');
    await expect(readSavedExplainer(join(folder, 'saved'))).rejects.toThrow(/explainer\.json is damaged: .*flags\.model must be a text/);
  });
});

describe('toCsv', () => {
  it('quotes what has to be, and leaves empty what is no number', () => {
    const text = toCsv(
      ['a', 'b', 'c'],
      [
        {a: 'x,"y"', b: 0.1, c: false},
        {a: null, b: NaN},
      ],
    );
    expect(text).toBe('a,b,c\n"x,""y""",0.1,false\n,,\n');
  });
});
