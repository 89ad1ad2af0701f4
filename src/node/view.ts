/** Everything that there is to see of some maps, as files: pictures, overlays, a sheet, curves, and the maps themselves. */
import {mkdir} from 'node:fs/promises';
import {join, parse} from 'node:path';
import {at} from '../core/at.js';
import {AttentiveError} from '../core/errors/attentive-error.js';
import type {OptionsSchema} from '../core/options.js';
import {writeFileAtomically} from '../files/atomic-file.js';
import {toFilePath} from '../files/file-path.js';
import type {ComparedImage} from '../metrics/compare/options.js';
import type {RgbaImage} from '../render/pixels.js';
import {pictureTools} from '../report/encode-picture.js';
import {meanCurves} from '../report/mean-curve.js';
import {picturesFields, planReport, type PicturesOptions, type PicturesSettings} from '../report/options.js';
import {drawMap, sharedScale, shownPicture} from '../report/shown-pictures.js';
import {standalonePlot} from '../report/standalone-plot.js';
import {loadSharp} from './_sharp.js';
import {mapText, type ComparisonFile} from './map-folder.js';
import {pictureSheet, type PictureCell, type PictureRow} from './picture-sheet.js';
import {writePng} from './write-png.js';

const WHERE = 'view';

/** The options of {@link view}. */
export const viewSchema: OptionsSchema<PicturesSettings> = {where: WHERE, fields: picturesFields};

/**
 * Writes what there is to see into a folder, in one line: `sheet.png` with all images and maps side by side; `images/`,
 * `overlays/METHOD/` and `maps/METHOD/` with a file for each; where rows have curves, their means as `curves/METRIC.svg` and
 * `.png`; and `comparison.json`. Maps share one colour scale. `writeReport(file, {folder})` makes a report of the folder.
 * Missing folders are made, files of these names are replaced, others stay.
 *
 * @param folder A path, `file://…` or a URL object.
 * @returns The files that were written, relative to the folder.
 * @throws {TypeError | RangeError} If an option is of the wrong kind, does not fit the others, or there is nothing to show.
 * @throws {AttentiveError} If sharp is not installed, or a file cannot be written. Aborting rejects with the signal's reason.
 * @example
 * await view('out/cat', {images: [photo], maps: {ours: await distiller.explain(photo), 'Grad-CAM': await gradCam(photo, teacher)}});
 * await view('out/comparison', {images, rows: await compare({…, details: true})});
 */
export async function view(folder: string | URL, options: PicturesOptions): Promise<string[]> {
  const root = toFilePath(folder, `${WHERE}: folder`);
  const {settings, numImages, names, preprocessing, methods} = planReport(viewSchema, options);
  const {images, pictureSize: side, rows = [], labels, colormap, opacity, signal, onProgress} = settings;
  const tools = await pictureTools(WHERE);
  const scale = sharedScale(methods, settings);
  const files = fileNames(names);
  const folders = fileNames(methods.map(({name}) => name));
  const written: string[] = [];
  const write = async (parts: readonly string[], content: RgbaImage | string | Uint8Array): Promise<void> => {
    const path = join(root, ...parts);
    if (typeof content === 'object' && 'width' in content) await writePng(path, content);
    else await writeFile(path, content);
    written.push(parts.join('/'));
  };
  const sheet: PictureRow[] = [];
  for (let index = 0; index < numImages; index++) {
    signal?.throwIfAborted();
    const file = at(files, index);
    const drawn = methods.map(({maps}) => maps[index]);
    const first = drawn.find((map) => map !== undefined);
    const picture = await shownPicture({where: WHERE, images, preprocessing, side, tools}, index, first);
    await write(['images', `${file}.png`], picture);
    const cells: PictureCell[] = [{image: picture, caption: shortened(at(names, index), side)}];
    for (const [place, map] of drawn.entries()) {
      const image = methods[place]?.row?.perImage.find((each) => each.index === index);
      if (map === undefined) continue;
      const over = drawMap(picture, map, scale, {colormap, opacity});
      await write(['overlays', at(folders, place), `${file}.png`], over);
      await write(['maps', at(folders, place), `${file}.json`], mapText(map));
      cells.push({image: over, caption: captionOf(image, labels, side)});
    }
    sheet.push({cells});
    onProgress?.({stage: WHERE, done: index + 1, total: numImages});
  }
  const columns = ['picture', ...methods.map(({name}) => shortened(name, side))];
  await write(['sheet.png'], await pictureSheet(sheet, {columns, cellSize: side, kernel: 'lanczos3'}));
  for (const curves of meanCurves(rows)) {
    const drawing = standalonePlot(curves, (method) => rows.find((row) => row.method === method)?.values[curves.name]);
    const [name = 'curve'] = fileNames([curves.name]);
    await write(['curves', `${name}.svg`], drawing);
    const sharp = await loadSharp();
    await write(['curves', `${name}.png`], await sharp(Buffer.from(drawing), {density: 144}).png().toBuffer());
  }
  const comparison: ComparisonFile = {
    files: names,
    pictures: files.map((file) => `${file}.png`),
    methods: Object.fromEntries(methods.map(({name}, index) => [at(folders, index), name])),
    ...(rows.length > 0 && {rows: rows.map((row) => ({...row, perImage: row.perImage.map(({map: _, ...image}) => image)}))}),
  };
  await write(['comparison.json'], `${JSON.stringify(comparison, undefined, 1)}\n`);
  return written;
}

// About the width of a letter, by which a caption is cut to its picture.
const LETTER = 8.5;

function shortened(text: string, side: number): string {
  const letters = Math.max(4, Math.floor(side / LETTER));
  return text.length > letters ? `${text.slice(0, letters - 1)}…` : text;
}

/** The class, and its score in any case. */
function captionOf(image: ComparedImage | undefined, labels: readonly string[] | undefined, side: number): string {
  if (image === undefined) return '';
  const score = image.score.toFixed(2);
  return `${shortened(labels?.[image.target] ?? `class ${image.target}`, side - LETTER * (score.length + 1))} ${score}`;
}

/** Names as files can have them, each once. */
function fileNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const plain =
      name
        .replace(/\.(jpe?g|png|webp|avif|gif|tiff?|bmp)$/i, '')
        .replaceAll(/[^\p{L}\p{N}_-]+/gu, '-')
        .replaceAll(/^-+|-+$/g, '')
        .slice(0, 80) || 'unnamed';
    let free = plain;
    for (let number = 2; taken.has(free.toLowerCase()); number++) free = `${plain}-${number}`;
    taken.add(free.toLowerCase());
    return free;
  });
}

async function writeFile(path: string, content: string | Uint8Array): Promise<void> {
  const {dir, base} = parse(path);
  try {
    await mkdir(dir, {recursive: true});
    await writeFileAtomically(dir, base, content);
  } catch (cause) {
    throw new AttentiveError(`${WHERE}: ${path} cannot be written: ${(cause as Error).message}. Check that it may be written.`, {cause});
  }
}
