/** The picture that the quickstart leaves behind: what goes in, where the model looks, and the truth. */
import type {DecodedImage} from '../src/core/types.js';
import {pictureSheet, type PictureCell, type PictureRow} from '../src/node/picture-sheet.js';
import {writePng} from '../src/node/write-png.js';
import {maskImage, outline, overlay, paint, toRgba, type MapLike, type Rgb, type RgbaImage} from '../src/render/index.js';

/** One picture with its explanation. */
export interface SheetItem {
  readonly image: DecodedImage;
  /** H in 0–1, of the size of the picture or resized to it. */
  readonly map: MapLike;
  /** As many values as the picture has pixels: 1 where the deciding object is. Absent: no such column. */
  readonly evidence?: Uint8Array | undefined;
  /** Written under the picture, e.g. the class that was found; up to about 24 letters. */
  readonly caption?: string | undefined;
}

const COLUMNS = ['input', 'saliency H', 'x ⊙ H'];
// Mid grey: what the network sees where H is 0, with the preprocessing 'tf'.
const MEAN_COLOUR: Rgb = [127.5, 127.5, 127.5];
const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];
// Pictures are enlarged before lines are drawn, so that a line is thinner than a pixel of the picture.
const ENLARGE = 3;
const BLOCKS = 2;

/**
 * Writes the sheet: two blocks of rows side by side, four pictures per item.
 *
 * @param items Usually 12.
 * @param path Where the PNG goes.
 */
export async function writeSheet(items: readonly SheetItem[], path: string = 'out/quickstart.png'): Promise<void> {
  const rows: PictureRow[] = [];
  for (let first = 0; first < items.length; first += BLOCKS) {
    rows.push({cells: items.slice(first, first + BLOCKS).flatMap(itemCells)});
  }
  const columns = Array.from({length: Math.min(BLOCKS, items.length)}, () =>
    items[0]?.evidence ? [...COLUMNS, 'evidence'] : COLUMNS,
  ).flat();
  await writePng(path, await pictureSheet(rows, {columns, cellSize: 64 * ENLARGE}));
}

/** The four pictures of an item, in the order of the columns. */
function itemCells({image, map, evidence, caption}: SheetItem): PictureCell[] {
  const large = enlarge(image, ENLARGE);
  // A fixed range: a map that is weak everywhere must look weak.
  const pictures = [
    large,
    overlay(large, map, {opacity: 0.65, range: [0, 1]}),
    enlarge(maskImage(image, map, {fill: MEAN_COLOUR}), ENLARGE),
    ...(evidence === undefined ? [] : [drawEvidence(large, image, evidence)]),
  ];
  return pictures.map((picture, column) => ({image: picture, caption: column === 0 ? caption : undefined}));
}

/** A white line around the object with a black one around that: one of them shows on any ground. */
function drawEvidence(large: RgbaImage, {width, height}: DecodedImage, evidence: Uint8Array): RgbaImage {
  const region = enlargeMask(evidence, width, height, ENLARGE);
  const line = outline(region, large.width, large.height, {side: 'outside'});
  const grown = region.map((value, pixel) => value | (line[pixel] as number));
  const border = outline(grown, large.width, large.height, {side: 'outside'});
  return paint(paint(large, line, WHITE), border, BLACK);
}

function enlarge(image: DecodedImage, factor: number): RgbaImage {
  const {data, width, height} = toRgba(image);
  const large = new Uint8ClampedArray(data.length * factor * factor);
  for (let y = 0; y < height * factor; y++) {
    for (let x = 0; x < width * factor; x++) {
      const from = (Math.floor(y / factor) * width + Math.floor(x / factor)) * 4;
      large.set(data.subarray(from, from + 4), (y * width * factor + x) * 4);
    }
  }
  return {data: large, width: width * factor, height: height * factor, channels: 4};
}

function enlargeMask(mask: Uint8Array, width: number, height: number, factor: number): Uint8Array {
  const wide = width * factor;
  return Uint8Array.from({length: wide * height * factor}, (_, pixel) => {
    const x = Math.floor((pixel % wide) / factor);
    const y = Math.floor(Math.floor(pixel / wide) / factor);
    return mask[y * width + x] as number;
  });
}
