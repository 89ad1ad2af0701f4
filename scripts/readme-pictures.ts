/**
 * Draws the pictures of the README: photographs with our maps of their two likeliest classes, Grad-CAM and RISE.
 * `tsx scripts/readme-pictures.ts --images FOLDER --names FILE [--pair a.png,b.png] [--out docs/pictures/maps.webp]`; the
 * photographs must be in the public domain. `--pair` adds a row in which two of them stand side by side.
 */
import {mkdir, readFile, readdir, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {parseArgs} from 'node:util';
import sharp from 'sharp';
import {tidy, topk} from '@tensorflow/tfjs-core';
import {
  AttentiveDistiller,
  gradCam,
  riseExplainer,
  selectBackend,
  teacherFromLayersModel,
  toNetworkInput,
  type DecodedImage,
  type SaliencyMap,
} from '../src/index.js';
import {decodeImage, pictureSheet, type PictureCell, type PictureRow} from '../src/node/index.js';
import {overlay} from '../src/render/index.js';
import {cachedExplainer} from '../bench/cached-explainer.js';
import {loadModel} from '../bench/data.js';
import {qualityCases} from '../bench/quality-cases.js';

const {values} = parseArgs({
  options: {
    images: {type: 'string'},
    names: {type: 'string'},
    pair: {type: 'string'},
    model: {type: 'string', default: 'mobilenet_v2_100_224'},
    out: {type: 'string', default: 'docs/pictures/maps.webp'},
  },
});
if (values.images === undefined || values.names === undefined) throw new Error('--images FOLDER and --names FILE are needed.');
const entry = qualityCases[values.model];
if (entry === undefined) throw new Error(`--model must be one of ${Object.keys(qualityCases).join(', ')}.`);

await selectBackend({prefer: ['wasm']});
const teacher = teacherFromLayersModel(await loadModel(values.model), {preprocessing: entry.preprocessing, name: values.model});
const ours = await AttentiveDistiller.load(`file://bench/explainers/${values.model}`, {teacher});
const rise = cachedExplainer(riseExplainer(teacher, {numMasks: 2000}), `out/quality/rise-${values.model}`);
const words = (await readFile(values.names, 'utf8')).trim().split('\n');
const [side] = teacher.inputShape;

const folder = values.images;
const rows: PictureRow[] = [];
const decisions = new Map<string, number>();
for (const file of (await readdir(folder)).sort()) {
  const photo = await square(file);
  const classes = await likeliest(photo);
  decisions.set(file, classes[0]);
  rows.push(await rowOf(photo, classes));
}
if (values.pair !== undefined) {
  const [left = '', right = ''] = values.pair.split(',');
  const both = await sideBySide([await square(left), await square(right)]);
  rows.push(await rowOf(both, [decisions.get(left) ?? 0, decisions.get(right) ?? 0]));
}
const sheet = await pictureSheet(rows, {
  columns: ['picture', 'ours', 'ours, another class', 'RISE, 2000 masks', 'Grad-CAM'],
  cellSize: 160,
  kernel: 'lanczos3',
});
await mkdir(dirname(values.out), {recursive: true});
const {data, width, height} = sheet;
await writeFile(
  values.out,
  await sharp(data, {raw: {width, height, channels: 4}})
    .webp({quality: 80})
    .toBuffer(),
);
console.log(`${values.out}: ${width}×${height}`);

async function rowOf(photo: DecodedImage, [first, second]: readonly [number, number]): Promise<PictureRow> {
  const input = toNetworkInput(photo, teacher);
  const [best, other] = await ours.explain(input, {target: [first, second]});
  const [masked] = await rise.explain(input, {target: first});
  const [cam] = await gradCam(input, teacher, {target: first});
  input.dispose();
  const cell = (map: SaliencyMap | undefined, target: number): PictureCell => ({
    image: overlay(photo, map as SaliencyMap, {opacity: 0.6}),
    caption: nameOf(target),
  });
  return {cells: [{image: photo}, cell(best, first), cell(other, second), cell(masked, first), cell(cam, first)]};
}

async function likeliest(photo: DecodedImage): Promise<[number, number]> {
  const input = toNetworkInput(photo, teacher);
  const best = tidy(() => topk(teacher.logits(input), 2).indices);
  const [first = 0, second = 0] = await best.data();
  best.dispose();
  input.dispose();
  return [first, second];
}

/** The middle of a picture, at the teacher's size. */
async function square(file: string): Promise<DecodedImage> {
  return decodeImage(join(folder, file), {size: [side, side], fit: 'crop'});
}

/** Two pictures in one, each the middle half of itself. */
async function sideBySide(halves: readonly DecodedImage[]): Promise<DecodedImage> {
  const half = Math.floor(side / 2);
  const parts = await Promise.all(
    halves.map(async ({data, width, height, channels = 3}) =>
      sharp(data, {raw: {width, height, channels}})
        .extract({left: Math.floor(side / 4), top: 0, width: half, height: side})
        .png()
        .toBuffer(),
    ),
  );
  const joined = await sharp({create: {width: 2 * half, height: side, channels: 3, background: 'black'}})
    .composite(parts.map((input, place) => ({input, left: place * half, top: 0})))
    .removeAlpha()
    .raw()
    .toBuffer();
  return {data: new Uint8ClampedArray(joined), width: 2 * half, height: side, channels: 3};
}

/** The first name of a class; the network counts the background as class 0. */
function nameOf(index: number): string {
  const word = index === 0 ? 'background' : (words[index - 1] ?? '');
  return (word.replace(/^n\d+ /, '').split(',')[0] ?? '').slice(0, 22);
}
