/** The report of a comparison whose truth is known, read back as a reader and a browser would. */
import {mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import sharp from 'sharp';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {
  compare,
  deletionScore,
  explainReport,
  insertionScore,
  randomExplainer,
  teacherFromLayersModel,
  type ComparisonRow,
  type Explainer,
} from '../../src/index.js';
import {decodeImage, view, writeReport} from '../../src/node/index.js';
import {meanCurves} from '../../src/report/mean-curve.js';
import {markup} from '../../src/report/markup.js';
import {drawMap, sharedScale} from '../../src/report/shown-pictures.js';
import {expectNoLeak} from '../helpers/expect.js';
import {HEIGHT, patchBatch, patchTeacher, WIDTH} from '../helpers/patch-world.js';
import type {Tensor4D} from '@tensorflow/tfjs-core';

const COUNT = 3;
const preprocessing = {scale: 1 / 127.5, mean: 1, std: 1};
const model = patchTeacher();
const teacher = teacherFromLayersModel(model, {preprocessing});
let images: Tensor4D;
let rows: ComparisonRow[];
let folder = '';

/** Finds the patch: the brightest pixels. */
const bright: Explainer = {
  method: 'bright',
  async explain(image, {target} = {}) {
    const values = await (image as Tensor4D).data();
    const data = Float32Array.from({length: HEIGHT * WIDTH}, (_, at) =>
      Math.max(values[3 * at]!, values[3 * at + 1]!, values[3 * at + 2]!),
    );
    return [
      {
        data,
        height: HEIGHT,
        width: WIDTH,
        target: target as number,
        score: 1,
        method: 'bright',
        seed: null,
        options: {a: '<&>'},
        empty: false,
      },
    ];
  },
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'report-'));
  images = patchBatch(0, COUNT).images;
  const explainers = {bright, 'a <b> & "c"': randomExplainer(teacher)};
  rows = await compare({explainers, metrics: ['insertion', 'deletion', 'srg', 'gini'], images, model: teacher, details: true, seed: 5});
});
afterAll(async () => {
  images.dispose();
  model.dispose();
  await rm(folder, {recursive: true});
});

describe('compare with details', () => {
  it('keeps the maps, and the curves whose areas are the numbers', async () => {
    const [image] = rows[0]!.perImage;
    const one = patchBatch(0, 1).images;
    const options = {target: image!.target, batchSize: 16};
    expect(image!.curves!['insertion']!.curve).toEqual((await insertionScore(one, image!.map!, teacher, options)).curve);
    expect(image!.curves!['deletion']!.curve).toEqual((await deletionScore(one, image!.map!, teacher, options)).curve);
    one.dispose();
    expect(image!.curves!['insertion']!.options['fill']).toMatchObject({sigma: 5});
    const {curve, leastFirst, fractions} = image!.curves!['srg']!;
    const gap = leastFirst!.map((value, step) => value - curve[step]!);
    const area = (gap.reduce((sum, value) => sum + value, 0) - (gap[0]! + gap.at(-1)!) / 2) / (fractions.length - 1);
    expect(image!.values['srg']).toBeCloseTo(area, 6);
    expect(Object.keys(image!.curves!)).toEqual(['insertion', 'deletion', 'srg']);
  });

  it('keeps neither where nobody asks', async () => {
    const [row] = await compare({explainers: {bright}, metrics: ['deletion'], images, model: teacher, seed: 5});
    expect(row!.perImage[0]).not.toHaveProperty('map');
    expect(row!.perImage[0]).not.toHaveProperty('curves');
    expect(row!.perImage[0]!.values['deletion']).toBe(rows[0]!.perImage[0]!.values['deletion']);
  });
});

describe('mean curves', () => {
  it('are the mean and standard error of every step', () => {
    const [insertion] = meanCurves(rows);
    const all = rows[0]!.perImage.map(({curves}) => curves!['insertion']!.curve[7]!);
    const mean = all.reduce((sum, value) => sum + value, 0) / COUNT;
    const spread = Math.sqrt(all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (COUNT - 1) / COUNT);
    expect(insertion!.methods.map(({images: count}) => count)).toEqual([COUNT, COUNT]);
    expect(insertion!.methods[0]!.mean[7]).toBeCloseTo(mean, 10);
    expect(insertion!.methods[0]!.standardError[7]).toBeCloseTo(spread, 10);
  });
});

describe('the shared scale', () => {
  const plain = (values: number[]): {name: string; row: undefined; maps: {data: number[]; width: number; height: number}[]} => ({
    name: 'a',
    row: undefined,
    maps: [{data: values, width: values.length, height: 1}],
  });
  const picture = {data: new Uint8ClampedArray(40).fill(100), width: 10, height: 1, channels: 4} as const;
  const drawn = (values: number[], scale: 'ranks' | 'values'): number[][] => {
    const method = plain(values);
    const {data} = drawMap(picture, method.maps[0]!, sharedScale([method, plain([0, 40])], {scale, range: undefined}), {opacity: 1});
    return Array.from({length: 10}, (_, at) => [...data.slice(4 * at, 4 * at + 3)]);
  };
  const values = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0];

  it('colours the same share of the pixels for every unit where it is ranks', () => {
    const small = drawn(values, 'ranks');
    expect(
      drawn(
        values.map((value) => 1000 * value),
        'ranks',
      ),
    ).toEqual(small);
    expect(small.filter((color) => color.join() === '100,100,100')).toHaveLength(6);
    expect(new Set(small.slice(0, 4).map(String)).size).toBe(4);
  });

  it('shows a map of small values dark beside one of large values', () => {
    const sum = (colors: number[][]): number => colors.flat().reduce((total, value) => total + value, 0);
    expect(sum(drawn(values, 'values'))).toBeLessThan(
      sum(
        drawn(
          values.map((value) => 4 * value),
          'values',
        ),
      ),
    );
  });
});

describe('markup', () => {
  it('escapes what it is given, and no markup twice', () => {
    const name = `<script>"'&\u0000`;
    expect(markup`<p title="${name}">${[markup`<b>${1}</b>`, false, undefined, '<']}</p>`.text).toBe(
      '<p title="&lt;script&gt;&quot;&#39;&amp;\ufffd"><b>1</b>&lt;</p>',
    );
  });
});

describe('explainReport', () => {
  const report = (more: object = {}): Promise<string> => explainReport({images, rows, preprocessing, ...more});

  it('holds everything, asks for nothing, and escapes all text', () =>
    expectNoLeak(async () => {
      const html = await report({
        title: '<i>x</i>',
        names: ['<img src=x>', 'b', 'c'],
        facts: {'<u>': '</dl>'},
        labels: ['<s>', 'green', 'blue'],
      });
      expect(html).not.toMatch(/<i>|<u>|<s>|<img src=x|a <b>|<\/dl><\/dd>|<script/);
      const addresses = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address!);
      expect(addresses.every((address) => /^data:image\/webp;base64,|^#/.test(address))).toBe(true);
      expect(html).not.toMatch(/url\(|@import/);
      // A picture and two maps of each image, and the scale.
      expect([...html.matchAll(/<img [^>]*alt="[^"]+"/g)]).toHaveLength(COUNT * 3 + 1);
      expect([...html.matchAll(/<img /g)]).toHaveLength(COUNT * 3 + 1);
      // Mean curves, and three small plots of each map; all with words.
      expect([...html.matchAll(/role="img" aria-label="[^"]+"/g)]).toHaveLength(3 + COUNT * 2 * 3);
      const {mean, standardError} = rows[0]!.values['insertion']!;
      expect(html).toContain(`${mean.toFixed(3)}<span class="se"> ± ${standardError.toFixed(3)}</span>`);
      expect(html).toContain('It reads the order of the pixels alone');
      expect(html).toContain(String(rows[0]!.perImage[2]!.seed));
    }));

  it('gives the same page twice', async () => expect(await report()).toBe(await report()));

  it('shows a photo as the network saw it, and needs the preprocessing of tensors', async () => {
    await expect(explainReport({images, rows})).rejects.toThrow(/preprocessing must be given/);
    // Red left and right of a green centre that alone was seen.
    const data = Uint8Array.from({length: 60 * 20 * 3}, (_, at) =>
      ([0, 255, 0][at % 3]! === 255) === (Math.floor(at / 3) % 60 >= 15 && Math.floor(at / 3) % 60 < 45) ? 255 : 0,
    );
    const photo = {data, width: 60, height: 20};
    const maps = {a: [{data: rows[0]!.perImage[0]!.map!.data, width: WIDTH, height: HEIGHT}]};
    const html = await explainReport({images: photo, maps, preprocessing: {scale: 1, mean: 0, std: 1, fit: 'crop'}});
    const [, base64] = /data:image\/webp;base64,([^"]+)" width="30" height="20" alt="Picture 1/.exec(html)!;
    const {data: pixels, info} = await sharp(Buffer.from(base64!, 'base64')).removeAlpha().raw().toBuffer({resolveWithObject: true});
    expect([info.width, info.height]).toEqual([30, 20]);
    expect(pixels[1]).toBeGreaterThan(200);
    expect(pixels[0]).toBeLessThan(60);
  });

  it('draws the losses of a training and its warnings', async () => {
    const record = (done: number, kind: string, total: number): object => ({
      stage: 'student',
      kind,
      done,
      losses: {total},
      warning: 'too <short>',
    });
    const training = [
      ...Array.from({length: 400}, (_, at) => record(at + 1, 'step', 1 / (at + 1))),
      record(400, 'validation', 0.5),
      record(400, 'warning', 1),
    ];
    const html = await report({training});
    expect(html).toContain('too &lt;short&gt;');
    expect(html).toMatch(/aria-label="Loss total of the stage student/);
    expect([...html.matchAll(/class="c1 dot"/g)]).toHaveLength(1);
  });

  it('refuses what does not fit together', async () => {
    await expect(explainReport({images} as never)).rejects.toThrow(/rows or maps must be given/);
    await expect(report({names: ['a']})).rejects.toThrow(/names must be one for each image, but there are 1 for 3/);
    await expect(report({reference: 'c'})).rejects.toThrow(/reference must be one of the rows/);
    await expect(report({maps: {x: []}})).rejects.toThrow(/maps\["x"\]/);
    await expect(report({signal: AbortSignal.abort(new Error('enough'))})).rejects.toThrow('enough');
  });
});

describe('view and writeReport', () => {
  it('write everything to disk, and the report of the folder shows the same numbers', async () => {
    const out = join(folder, 'all');
    const files = await view(out, {images, rows, preprocessing, names: ['x/cat.jpg', 'x-cat.png', '?']});
    expect(files).toEqual(
      expect.arrayContaining([
        'images/x-cat.png',
        'images/x-cat-2.png',
        'images/unnamed.png',
        'sheet.png',
        'curves/insertion.svg',
        'curves/insertion.png',
      ]),
    );
    for (const file of files.filter((each) => each.endsWith('.png'))) expect((await decodeImage(join(out, file))).width).toBeGreaterThan(0);
    const bytes = await writeReport(join(folder, 'deep/report.html'), {folder: out});
    const html = await readFile(join(folder, 'deep/report.html'), 'utf8');
    expect(Buffer.byteLength(html)).toBe(bytes);
    const direct = await explainReport({images, rows, preprocessing});
    const plots = (page: string): string[] => [...page.matchAll(/<path class="c\d line"[^>]*d="[^"]+"/g)].map(([path]) => path);
    expect(plots(html)).toEqual(plots(direct));
    expect(plots(html).length).toBeGreaterThan(20);
    expect(html).toContain('x/cat.jpg');
  });

  it('read a folder that another program has made, and say what it lacks', async () => {
    const other = join(folder, 'other');
    await mkdir(join(other, 'maps/mine'), {recursive: true});
    const pixels = {raw: {width: 2, height: 2, channels: 3}} as const;
    await sharp(Buffer.alloc(12, 90), pixels).png().toFile(join(other, 'one.png'));
    await sharp(Buffer.alloc(12, 90), pixels).png().toFile(join(other, 'two.png'));
    await writeFile(join(other, 'maps/mine/one.json'), '[[0, 1], [0, 0]]');
    await expect(writeReport(join(folder, 'r.html'), {folder: other})).rejects.toThrow(/has no map for "two.png"/);
    await sharp(Buffer.from([0, 0, 255, 0]), {raw: {width: 2, height: 2, channels: 1}})
      .png()
      .toFile(join(other, 'maps/mine/two.png'));
    await writeReport(join(folder, 'r.html'), {folder: other});
    const html = await readFile(join(folder, 'r.html'), 'utf8');
    expect(html).toContain('Map of mine over one.png: highest 75% from the left and 25% from the top');
    expect(html).toContain('Map of mine over two.png: highest 25% from the left and 75% from the top');
    await writeFile(join(other, 'maps/mine/one.json'), '{');
    await expect(writeReport(join(folder, 'r.html'), {folder: other})).rejects.toThrow(/one.json cannot be read as a map/);
    await expect(writeReport(join(folder, 'r.html'), {folder: other, images})).rejects.toThrow(/folder stands in place of images/);
  });
});
