/**
 * Draws the pictures of the demo page with the quickstart's generator: samples to explain, half of them with two signs, so that
 * there is something to say about more than one class, and a sheet of others to distil on. Seed 33 and 22; a few seconds.
 * `npx tsx scripts/demo/make-samples.ts`
 */
import {mkdirSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import sharp from 'sharp';
import {cover, drawFigure, SIZE, type Canvas, type Placement} from '../../quickstart/canvas.js';
import {classNames, generateShape, seeds, type ShapePicture} from '../../quickstart/shapes.js';
import {signs, type Sign} from '../../quickstart/signs.js';

const SINGLE = 6;
const DOUBLE = 6;
const SHEET_SIDE = 14;
/** Radius of the second sign, and how far from the first it stays, in pixels. */
const RADIUS = 8.5;
const APART = 26;

const folder = join(import.meta.dirname, '../../docs/demo/public/samples');
rmSync(folder, {recursive: true, force: true});
mkdirSync(folder, {recursive: true});

const list: {file: string; shows: string[]}[] = [];
const keep = async ({data}: ShapePicture['image'], shows: number[]): Promise<void> => {
  const file = `${list.length}.png`;
  await sharp(data, {raw: {width: SIZE, height: SIZE, channels: 3}})
    .png()
    .toFile(join(folder, file));
  list.push({file, shows: shows.map((label) => classNames[label] as string)});
};
for (let index = 0; index < SINGLE + DOUBLE; index++) {
  const picture = generateShape(seeds.test, 200 + index);
  // Two signs first: they say more.
  if (index >= DOUBLE) await keep(picture.image, [picture.label]);
  else await keep(withSecondSign(picture), [picture.label, otherThan(picture.label)]);
}
writeFileSync(join(folder, 'list.json'), `${JSON.stringify(list, null, 1)}\n`);

const sheet = new Uint8Array(SHEET_SIDE * SIZE * SHEET_SIDE * SIZE * 3);
for (let index = 0; index < SHEET_SIDE ** 2; index++) {
  const {data} = generateShape(seeds.validation, index).image;
  const [top, left] = [Math.floor(index / SHEET_SIDE) * SIZE, (index % SHEET_SIDE) * SIZE];
  for (let row = 0; row < SIZE; row++)
    sheet.set(data.subarray(row * SIZE * 3, (row + 1) * SIZE * 3), ((top + row) * SHEET_SIDE * SIZE + left) * 3);
}
const edge = SHEET_SIDE * SIZE;
await sharp(sheet, {raw: {width: edge, height: edge, channels: 3}})
  .webp({quality: 92})
  .toFile(join(folder, 'training.webp'));
console.log(`${list.length} samples; training.webp has ${(statSync(join(folder, 'training.webp')).size / 1000).toFixed(0)} kB.`);

function otherThan(label: number): number {
  return (label + 3) % classNames.length;
}

/** The picture with another sign where there is room, in black or white, whichever stands out more. */
function withSecondSign({image, label, evidence}: ShapePicture): ShapePicture['image'] {
  const canvas: Canvas = Float32Array.from(image.data);
  const {shape} = signs[otherThan(label)] as Sign;
  const at = freePlace(evidence);
  let [sum, count] = [0, 0];
  cover(shape, at, (pixel) => {
    sum += ((canvas[pixel * 3] as number) + (canvas[pixel * 3 + 1] as number) + (canvas[pixel * 3 + 2] as number)) / 3;
    count++;
  });
  drawFigure(canvas, shape, at, sum / count > 128 ? [24, 24, 32] : [240, 236, 228]);
  return {...image, data: Uint8ClampedArray.from(canvas)};
}

function freePlace(evidence: Uint8Array): Placement {
  const [first, last] = [evidence.indexOf(1), evidence.lastIndexOf(1)];
  const [x, y] = [((first % SIZE) + (last % SIZE)) / 2, (first + last) / 2 / SIZE];
  // Across the picture from the first sign.
  const mirrored = (value: number): number => Math.min(SIZE - RADIUS - 2, Math.max(RADIUS + 2, SIZE - value));
  const place = {x: mirrored(x), y: mirrored(y)};
  const gap = Math.hypot(place.x - x, place.y - y);
  const moved = gap >= APART ? place : {x: mirrored(x < SIZE / 2 ? 0 : SIZE), y: mirrored(y < SIZE / 2 ? 0 : SIZE)};
  return {...moved, radius: RADIUS, angle: 0};
}
