/** Superpixels that ignore the picture: plain rectangles. The floor for the others, and the cheapest. */
import {checkInteger} from '../../../core/check.js';
import type {Segments} from './segments.js';

/** How many rectangles: about a number of them, or so many rows and columns. */
export type GridOptions =
  | {
      /** About how many, at least 1; rows and columns are rounded so that cells are nearly square. @default 64 */
      readonly numSegments?: number | undefined;
    }
  | {
      /** Rows of cells, from 1 to `height`. */
      readonly rows: number;
      /** Columns of cells, from 1 to `width`. */
      readonly columns: number;
    };

/**
 * Cuts a plane into rectangles that differ by at most one pixel: label `⌊y·rows/height⌋ · columns +
 * ⌊x·columns/width⌋`.
 *
 * @returns Segments in reading order.
 * @throws {RangeError} If a size is not a whole number from 1, or there are more rows or columns than pixels.
 * @example
 * const segments = gridSegments(224, 224, {rows: 7, columns: 7});
 */
export function gridSegments(height: number, width: number, options: GridOptions = {}): Segments {
  checkInteger('gridSegments: height', height, 1);
  checkInteger('gridSegments: width', width, 1);
  const [rows, columns] = 'rows' in options ? [options.rows, options.columns] : squareCells(height, width, options.numSegments);
  checkInteger('gridSegments: rows', rows, 1, height);
  checkInteger('gridSegments: columns', columns, 1, width);
  const labels = new Int32Array(height * width);
  for (let pixel = 0; pixel < labels.length; pixel++) {
    const y = Math.floor(pixel / width);
    const x = pixel % width;
    labels[pixel] = Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / width);
  }
  return {labels, height, width, numSegments: rows * columns};
}

function squareCells(height: number, width: number, numSegments: number = 64): [number, number] {
  checkInteger('gridSegments: numSegments', numSegments, 1);
  const rows = Math.min(height, Math.max(1, Math.round(Math.sqrt((numSegments * height) / width))));
  return [rows, Math.min(width, Math.max(1, Math.round(numSegments / rows)))];
}
