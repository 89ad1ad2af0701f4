/**
 * A labelled grid of pictures on one sheet: a name above each column, one before each row, a caption
 * under a cell. Small pictures are enlarged so that single pixels can be told apart. Text is drawn by
 * sharp with the fonts of the machine; where there are none, the sheet comes without words.
 */
import type {DecodedImage} from '../core/types.js';
import {isPromise, show} from '../core/check.js';
import {integer, list, oneOf, text as textField, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import {colorField, rgbaOf, type Rgb, type RgbaImage} from '../render/pixels.js';
import {loadSharp} from './_sharp.js';

/** One picture of a sheet. */
export interface PictureCell {
  /** Any size; it is scaled to the width of a cell. */
  readonly image: DecodedImage;
  /** A line under the picture. */
  readonly caption?: string | undefined;
}

/** One row of a sheet. */
export interface PictureRow {
  /** Written before the row; `\n` starts a new line. */
  readonly title?: string | undefined;
  /** From left to right. Rows may differ in length. */
  readonly cells: readonly PictureCell[];
}

/** Options of {@link pictureSheet}. */
export interface PictureSheetOptions {
  /** Names above the columns. @default none */
  readonly columns?: readonly string[] | undefined;
  /** Edge of a cell in pixels, 16 to 2048; a picture fits into it whole. @default 160 */
  readonly cellSize?: number | undefined;
  /** Space between cells in pixels, 0 to 256. @default 8 */
  readonly gap?: number | undefined;
  /** `'nearest'` shows every pixel, `'lanczos3'` is smooth. @default 'nearest' */
  readonly kernel?: 'nearest' | 'lanczos3' | undefined;
  /** Colour of the sheet; the text is black or white, whichever reads better. @default [255, 255, 255] */
  readonly background?: Rgb | undefined;
}

/** The options of {@link pictureSheet}. */
export const pictureSheetSchema: OptionsSchema<Settled<PictureSheetOptions>> = {
  where: 'pictureSheet',
  fields: {
    columns: withDefault<readonly string[], readonly string[]>(list<string>(textField()), [], 'none'),
    cellSize: withDefault(integer(16, 2048), 160),
    gap: withDefault(integer(0, 256), 8),
    kernel: withDefault(oneOf('nearest', 'lanczos3'), 'nearest'),
    background: withDefault<Rgb, Rgb>(colorField, [255, 255, 255]),
  },
};

const FONT_SIZE = 14;
const LINE = 20;
const WHERE = 'pictureSheet';
// What sharp's text can be drawn on.
const MAX_SIDE = 32767;
// The widest common sans-serif letters take about 0.62 of the font size on average.
const LETTER = FONT_SIZE * 0.62;

/**
 * Lays pictures out on a sheet.
 *
 * @param rows From top to bottom, at least one with at least one picture.
 * @returns The sheet; hand it to {@link writePng}.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {RangeError} If there is no picture, an option is out of bounds, a picture's size does not fit its
 *   data, or the sheet would have a side of more than 32767 pixels.
 * @throws {AttentiveError} If sharp is not installed.
 *
 * @example
 * ```ts
 * const rows = [{title: 'cat', cells: [{image}, {image: overlay(image, map)}]}];
 * await writePng('out/cat.png', await pictureSheet(rows, {columns: ['input', 'saliency']}));
 * ```
 */
export async function pictureSheet(rows: readonly PictureRow[], options?: PictureSheetOptions): Promise<RgbaImage> {
  const {columns, cellSize, gap, kernel, background} = readOptions(pictureSheetSchema, options);
  checkRows(rows);
  const numColumns = Math.max(0, ...rows.map((row) => row.cells.length));
  if (numColumns === 0) throw new RangeError(`${WHERE}: rows must hold at least one picture.`);
  const sharp = await loadSharp();

  const longest = Math.max(0, ...rows.flatMap((row) => (row.title ?? '').split('\n')).map((line) => line.length));
  const left = gap + (longest > 0 ? Math.ceil(longest * LETTER) + gap : 0);
  const pitch = cellSize + gap;
  const texts: string[] = Array.from(columns, (name, column) => text(name, left + column * pitch + cellSize / 2, gap + LINE / 2, 'middle'));
  const layers: {input: Buffer; left: number; top: number}[] = [];
  let top = columns.length > 0 ? gap + LINE + gap / 2 : gap;
  for (const [index, row] of rows.entries()) {
    const lines = (row.title ?? '').split('\n');
    lines.forEach((line, at) => {
      texts.push(text(line, gap, top + cellSize / 2 + (at - (lines.length - 1) / 2) * LINE, 'start'));
    });
    for (const [column, {image, caption = ''}] of row.cells.entries()) {
      const {data, width, height} = rgbaOf(`${WHERE}: rows[${index}].cells[${column}].image`, image);
      const input = await sharp(data, {raw: {width, height, channels: 4}})
        .resize(cellSize, cellSize, {kernel, fit: 'contain', background: {r: 0, g: 0, b: 0, alpha: 0}})
        .png()
        .toBuffer();
      layers.push({input, left: left + column * pitch, top: Math.round(top)});
      texts.push(text(caption, left + column * pitch + cellSize / 2, top + cellSize + LINE / 2, 'middle'));
    }
    top += pitch + (row.cells.some((cell) => cell.caption !== undefined) ? LINE : 0);
  }

  const width = left + numColumns * pitch;
  const height = Math.ceil(top);
  if (width > MAX_SIDE || height > MAX_SIDE) {
    throw new RangeError(
      `${WHERE}: a sheet must be at most ${MAX_SIDE} pixels wide and high, but would be ${width}×${height}. Show fewer or smaller cells.`,
    );
  }
  const [r, g, b] = background;
  const ink = 0.299 * r + 0.587 * g + 0.114 * b > 128 ? '#000' : '#fff';
  const font = `font-family="DejaVu Sans, Verdana, Arial, Helvetica, sans-serif" font-size="${FONT_SIZE}" fill="${ink}"`;
  const words = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><g ${font}>${texts.join('')}</g></svg>`;
  const sheet = await sharp({create: {width, height, channels: 4, background: {r, g, b, alpha: 1}}})
    .composite([...layers, {input: Buffer.from(words), left: 0, top: 0}])
    .raw()
    .toBuffer();
  return {data: new Uint8ClampedArray(sheet), width, height, channels: 4};
}

function checkRows(rows: readonly PictureRow[]): void {
  if (!Array.isArray(rows)) throw new TypeError(`${WHERE}: rows must be a list of {title, cells}, but is ${show(rows)}.`);
  for (const [index, {title, cells} = {} as PictureRow] of rows.entries()) {
    const name = `${WHERE}: rows[${index}]`;
    checkWords(`${name}.title`, title);
    if (!Array.isArray(cells)) throw new TypeError(`${name}.cells must be a list of {image, caption}, but is ${show(cells)}.`);
    for (const [column, cell] of (cells as readonly PictureCell[]).entries()) {
      if (typeof cell !== 'object' || (cell as unknown) === null || isPromise(cell)) {
        throw new TypeError(`${name}.cells[${column}] must be {image, caption}, but is ${show(cell)}.`);
      }
      checkWords(`${name}.cells[${column}].caption`, cell.caption);
    }
  }
}

function checkWords(name: string, words: string | undefined): void {
  if (words !== undefined && typeof words !== 'string') throw new TypeError(`${name} must be a text, but is ${show(words)}.`);
}

function text(words: string, x: number, middle: number, anchor: 'start' | 'middle'): string {
  if (words === '') return '';
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  // A third of the font size below the middle of the line is where the letters stand.
  return `<text x="${x}" y="${middle + FONT_SIZE / 3}" text-anchor="${anchor}">${escaped}</text>`;
}
