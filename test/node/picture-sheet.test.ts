import {mkdtemp, readdir, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import sharp from 'sharp';
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest';
import {pictureSheet} from '../../src/node/picture-sheet.js';
import {writePng} from '../../src/node/write-png.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pictures-'));
});
afterEach(() => rm(folder, {recursive: true}));

const filled = (width: number, height: number, color: readonly number[]): {data: Uint8Array; width: number; height: number} => ({
  data: Uint8Array.from({length: width * height * color.length}, (_, index) => color[index % color.length]!),
  width,
  height,
});

describe('writePng', () => {
  it('writes what sharp reads back, in a folder that was missing', async () => {
    const image = {data: Uint8Array.from({length: 5 * 3 * 3}, (_, index) => (index * 41) % 256), width: 5, height: 3};
    const path = join(folder, 'deep/er/picture.png');
    await writePng(path, image);
    const {data, info} = await sharp(path).raw().toBuffer({resolveWithObject: true});
    expect([info.width, info.height, info.channels]).toEqual([5, 3, 3]);
    expect([...data]).toEqual([...image.data]);
    expect(await readdir(join(folder, 'deep/er'))).toEqual(['picture.png']);
  });

  it('keeps an alpha channel and repeats grey', async () => {
    await writePng(join(folder, 'alpha.png'), filled(2, 2, [10, 20, 30, 40]));
    expect([...(await sharp(join(folder, 'alpha.png')).raw().toBuffer())].slice(0, 4)).toEqual([10, 20, 30, 40]);
    await writePng(join(folder, 'grey.png'), filled(2, 2, [77]));
    expect([...(await sharp(join(folder, 'grey.png')).toColourspace('srgb').raw().toBuffer())].slice(0, 3)).toEqual([77, 77, 77]);
  });

  it('leaves the old file and no rest when the picture is wrong', async () => {
    const path = join(folder, 'picture.png');
    await writePng(path, filled(2, 2, [1, 2, 3]));
    await expect(writePng(path, {data: new Uint8Array(5), width: 2, height: 2})).rejects.toThrow(RangeError);
    expect([...(await sharp(path).raw().toBuffer())].slice(0, 3)).toEqual([1, 2, 3]);
    expect(await readdir(folder)).toEqual(['picture.png']);
  });
});

describe('loadSharp', () => {
  it('says what to install when sharp is missing', async () => {
    vi.resetModules();
    vi.doMock('sharp', () => {
      throw new Error('not found');
    });
    const fresh = await import('../../src/node/write-png.js');
    await expect(fresh.writePng(join(folder, 'picture.png'), filled(1, 1, [0]))).rejects.toThrow(/npm install sharp/);
    vi.doUnmock('sharp');
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('pictureSheet', () => {
  const red = {image: filled(4, 4, [255, 0, 0])};
  const blue = {image: filled(2, 1, [0, 0, 255])};
  const at = (sheet: {data: ArrayLike<number>; width: number}, x: number, y: number): number[] =>
    [0, 1, 2].map((channel) => sheet.data[(y * sheet.width + x) * 4 + channel]!);

  it('places the pictures in a grid with gaps', async () => {
    const sheet = await pictureSheet([{cells: [red, blue]}, {cells: [red]}], {cellSize: 32, gap: 8});
    expect([sheet.width, sheet.height]).toEqual([8 + 2 * 40, 8 + 2 * 40]);
    expect(at(sheet, 8, 8)).toEqual([255, 0, 0]);
    expect(at(sheet, 39, 39)).toEqual([255, 0, 0]);
    expect(at(sheet, 7, 20)).toEqual([255, 255, 255]);
    expect(at(sheet, 40, 20)).toEqual([255, 255, 255]);
    // A picture of another aspect fits whole; the background shows beside it.
    expect(at(sheet, 64, 24)).toEqual([0, 0, 255]);
    expect(at(sheet, 64, 10)).toEqual([255, 255, 255]);
    expect(at(sheet, 24, 64)).toEqual([255, 0, 0]);
    expect(at(sheet, 64, 64)).toEqual([255, 255, 255]);
  });

  it('makes room for names, titles and captions', async () => {
    const plain = await pictureSheet([{cells: [red]}], {cellSize: 64});
    const named = await pictureSheet([{title: 'a <b> & c', cells: [{...red, caption: 'below'}]}], {cellSize: 64, columns: ['input']});
    expect(named.width).toBeGreaterThan(plain.width + 50);
    expect(named.height).toBeGreaterThan(plain.height + 40);
    // Beside the title, of which each letter takes 0.62 of 14 pixels, a gap on both sides; and a gap behind every picture.
    const titled = await pictureSheet([{title: 'twelve chars', cells: [red, blue]}], {cellSize: 64, gap: 8});
    expect(titled.width).toBe(8 + Math.ceil(12 * 14 * 0.62) + 8 + 2 * (64 + 8));
  });

  it('writes the name of each column above it', async () => {
    const sheet = await pictureSheet([{cells: [red, blue, red]}], {cellSize: 64, gap: 8, columns: ['one', 'two', 'three']});
    const dark = (x: number): boolean => Array.from({length: 28}, (_, y) => at(sheet, x, y)).some(([value]) => value! < 128);
    for (const column of [0, 1, 2]) {
      const left = 8 + column * 72;
      expect(Array.from({length: 64}, (_, x) => dark(left + x)).some(Boolean), `column ${column}`).toBe(true);
    }
  });

  it('refuses a sheet without pictures', async () => {
    await expect(pictureSheet([{cells: []}])).rejects.toThrow(/at least one picture/);
    await expect(pictureSheet([{cells: [red]}], {cellSize: 4})).rejects.toThrow(/cellSize/);
    await expect(pictureSheet([{title: 5 as never, cells: [red]}])).rejects.toThrow('pictureSheet: rows[0].title must be');
  });
});
