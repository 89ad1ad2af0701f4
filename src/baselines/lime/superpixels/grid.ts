/** Superpixels that ignore the picture: plain rectangles. The floor for the others, and the cheapest. */
import {checkInteger, checkSize} from '../../../core/check.js';
import {absentMeans, integer} from '../../../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../../../core/options.js';
import type {Segments} from './segments.js';

/** How many rectangles: about a number of them, or so many rows and columns. */
export interface GridOptions {
  /** About how many, at least 1; rows and columns are rounded so that cells are nearly square. @default 64, unless rows and columns are given */
  readonly numSegments?: number | undefined;
  /** Rows of cells, from 1 to `height`; with `columns`, in place of `numSegments`. @default by numSegments */
  readonly rows?: number | undefined;
  /** Columns of cells, from 1 to `width`; with `rows`. @default by numSegments */
  readonly columns?: number | undefined;
}

/** The options of {@link gridSegments}. */
export const gridSegmentsSchema: OptionsSchema<Settled<GridOptions, 'numSegments' | 'rows' | 'columns'>> = {
  where: 'gridSegments',
  fields: {
    numSegments: absentMeans(integer(1), '64, unless rows and columns are given'),
    rows: absentMeans(integer(1), 'by numSegments'),
    columns: absentMeans(integer(1), 'by numSegments'),
  },
};

/**
 * Cuts a plane into rectangles that differ by at most one pixel: label `⌊y·rows/height⌋ · columns +
 * ⌊x·columns/width⌋`.
 *
 * @returns Segments in reading order.
 * @throws {TypeError} If an argument is of the wrong kind, or `rows` comes without `columns` or with `numSegments`.
 * @throws {RangeError} If a size is not a whole number from 1, or there are more rows or columns than pixels.
 * @example
 * const segments = gridSegments(224, 224, {rows: 7, columns: 7});
 */
export function gridSegments(height: number, width: number, options?: GridOptions): Segments {
  const {numSegments, rows: givenRows, columns: givenColumns} = readOptions(gridSegmentsSchema, options);
  checkSize('gridSegments', height, width);
  if ((givenRows === undefined) !== (givenColumns === undefined) || (givenRows !== undefined && numSegments !== undefined)) {
    throw new TypeError('gridSegments: rows and columns must be given together, and without numSegments.');
  }
  const [rows, columns] =
    givenRows === undefined || givenColumns === undefined ? squareCells(height, width, numSegments ?? 64) : [givenRows, givenColumns];
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

function squareCells(height: number, width: number, numSegments: number): [number, number] {
  const rows = Math.min(height, Math.max(1, Math.round(Math.sqrt((numSegments * height) / width))));
  return [rows, Math.min(width, Math.max(1, Math.round(numSegments / rows)))];
}
