/**
 * The paper's figures 5 to 10 for a data set: two examples with their insertion and deletion curves (5), maps side by side
 * (6), the same with LIME and the scores (7 to 9, one for each fine-grained data set), and where ours does worst (10).
 */
import {join} from 'node:path';
import sharp from 'sharp';
import {
  deletionScore,
  insertionScore,
  toNetworkInput,
  type DecodedImage,
  type Explainer,
  type SaliencyMap,
  type Teacher,
} from '../src/index.js';
import {at} from '../src/core/at.js';
import {pictureSheet, writePng, type PictureCell, type PictureRow} from '../src/node/index.js';
import {overlay} from '../src/render/index.js';
import type {PaperDataset} from './paper-data.js';
import type {Score} from './paper-scores.js';
import {shownAs} from './shown-picture.js';

/** What is drawn. */
export interface Figures {
  readonly dataset: PaperDataset;
  readonly teacher: Teacher;
  readonly explainers: Readonly<Record<string, Explainer>>;
  readonly scores: Readonly<Record<string, readonly Score[]>>;
  /** Which method is the paper's, and which ones get curves. */
  readonly ours: string;
  readonly curvesOf: readonly string[];
  /** How many pictures every method has explained. */
  readonly common: number;
  /** The name of a class of the teacher. */
  readonly nameOf: (target: number) => string;
  readonly folder: string;
}

const CELL = 176;
const SHOWN = 12;
const FAILURES = 4;

/** Draws all figures; returns their files. */
export async function drawFigures(figures: Figures): Promise<string[]> {
  const {ours, curvesOf, common, folder, explainers, scores} = figures;
  const numbers = Array.from({length: common}, (_, picture) => picture);
  const found = numbers.slice(0, SHOWN);
  const some = Object.keys(explainers).filter((method) => method !== 'LIME');
  // Where RISE shows that there was more to be found.
  const gap = (picture: number): number => valueOf(scores, 'RISE', picture, 'insertion') - valueOf(scores, ours, picture, 'insertion');
  const worst = numbers.sort((a, b) => gap(b) - gap(a)).slice(0, 2 * FAILURES);
  const dimFirst = worst.sort((a, b) => valueOf(scores, ours, a, 'intensity') - valueOf(scores, ours, b, 'intensity'));
  const sheets: Readonly<Record<string, () => Promise<PictureRow[]>>> = {
    'figure-5': () => inTurn(found.slice(0, 2).flatMap((picture) => curvesOf.map((method) => () => curveRow(figures, picture, method)))),
    'figure-6': () => mapRows(figures, found, some, false),
    'figures-7-to-9': () => mapRows(figures, found, Object.keys(explainers), true),
    // (a) in the upper half: too little is lit up; (b) in the lower: the wrong places.
    'figure-10': () => mapRows(figures, dimFirst, some, true),
  };
  const files: string[] = [];
  for (const [name, rows] of Object.entries(sheets)) {
    const file = join(folder, `${name}.png`);
    await writePng(file, await pictureSheet(await rows(), {cellSize: CELL, kernel: 'lanczos3'}));
    files.push(file);
  }
  return files;
}

function valueOf(scores: Figures['scores'], method: string, picture: number, measure: keyof Score['values']): number {
  return scores[method]?.find((score) => score.picture === picture)?.values[measure] ?? NaN;
}

/** A row for each picture: itself, and a map of every method. */
async function mapRows(
  figures: Figures,
  pictures: readonly number[],
  methods: readonly string[],
  withScores: boolean,
): Promise<PictureRow[]> {
  const rows: PictureRow[] = [];
  for (const picture of pictures) {
    const {shown, target, maps} = await explained(figures, picture, methods);
    const cells = methods.map((method, index): PictureCell => {
      const [insertion, deletion] = (['insertion', 'deletion'] as const).map((measure) =>
        valueOf(figures.scores, method, picture, measure).toFixed(2),
      );
      const caption = withScores ? `${method} ${insertion} / ${deletion}` : method;
      return {image: overlay(shown, at(maps, index), {opacity: 0.6}), caption};
    });
    rows.push({cells: [{image: shown, caption: figures.nameOf(target).slice(0, 22)}, ...cells]});
  }
  return rows;
}

interface Explained {
  readonly image: DecodedImage;
  /** The same as the network sees it, for the eye: the network's own resize may differ. */
  readonly shown: DecodedImage;
  readonly target: number;
  readonly maps: SaliencyMap[];
}

/** A picture with the maps of its class. */
async function explained(
  {dataset, teacher, explainers, scores, ours}: Figures,
  picture: number,
  methods: readonly string[],
): Promise<Explained> {
  const {images} = await dataset.measured(picture, picture + 1);
  const target = scores[ours]?.find((score) => score.picture === picture)?.target ?? 0;
  const input = toNetworkInput(at(images, 0), teacher);
  const maps: SaliencyMap[] = [];
  for (const method of methods) maps.push(...((await explainers[method]?.explain(input, {target})) ?? []));
  input.dispose();
  const [height, width] = teacher.inputShape;
  return {image: at(images, 0), shown: await shownAs(at(images, 0), height, width), target, maps};
}

/** A picture, its map, and the curves. */
async function curveRow(figures: Figures, picture: number, method: string): Promise<PictureRow> {
  const {teacher, nameOf} = figures;
  const {image, shown, target, maps} = await explained(figures, picture, [method]);
  const [map] = maps as [SaliencyMap];
  const input = toNetworkInput(image, teacher);
  const cells: PictureCell[] = [
    {image: shown, caption: nameOf(target).slice(0, 22)},
    {image: overlay(shown, map, {opacity: 0.6}), caption: method},
  ];
  for (const [name, score] of Object.entries({insertion: insertionScore, deletion: deletionScore})) {
    const {curve, fractions, auc} = await score(input, map, teacher, {target});
    cells.push({image: await curvePicture(curve, fractions), caption: `${name} ${auc.toFixed(3)}`});
  }
  input.dispose();
  return {cells};
}

async function inTurn<T>(works: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  for (const work of works) results.push(await work());
  return results;
}

/** A curve over the share of pixels, 0–1, and what lies below it. */
async function curvePicture(curve: ArrayLike<number>, fractions: ArrayLike<number>): Promise<DecodedImage> {
  const [left, top, side] = [22, 8, CELL - 30];
  const points = Array.from(
    curve,
    (value, index) => `${(left + side * at(fractions, index)).toFixed(1)},${(top + side * (1 - value)).toFixed(1)}`,
  );
  const first = points[0]?.split(',')[0];
  const last = points.at(-1)?.split(',')[0];
  const bottom = top + side;
  const text = (x: number, y: number, words: string): string =>
    `<text x="${x}" y="${y}" font-size="10" font-family="sans-serif">${words}</text>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${CELL}" height="${CELL}"><rect width="100%" height="100%" fill="white"/>
<polygon points="${first},${bottom} ${points.join(' ')} ${last},${bottom}" fill="#9ecae1"/>
<polyline points="${points.join(' ')}" fill="none" stroke="#08519c" stroke-width="2"/>
<path d="M${left},${top} V${bottom} H${left + side}" fill="none" stroke="black"/>
${text(4, top + 8, '1')}${text(4, bottom, '0')}${text(left, bottom + 13, '0')}${text(left + side - 8, bottom + 13, '1')}</svg>`;
  const {data, info} = await sharp(Buffer.from(svg)).removeAlpha().raw().toBuffer({resolveWithObject: true});
  return {data, width: info.width, height: info.height, channels: 3};
}
