/**
 * Where the pixels of a RISE mask read its grid: Petsiuk et al. 2018 and eclique/RISE. Per axis the
 * grid of n cells is enlarged to (n + 1) · cell positions, linearly, with half-pixel centres and
 * the border mirrored about the centre of the end cell (−1 → 1, n → n − 2; an image resize clamps
 * instead, which is up to 0.49 away); a mask is a window of this, moved by less than one cell.
 */
import {at} from '../../core/at.js';
import {checkInteger, checkSize, show} from '../../core/check.js';

/** One axis: position u reads `(1 − weight[u]) · grid[first[u]] + weight[u] · grid[second[u]]`. */
export interface MaskAxis {
  /** Pixels of the image along this axis. */
  readonly size: number;
  /** Cells of the grid. */
  readonly cells: number;
  /** Pixels per cell, `ceil(size / cells)`; shifts are from 0 to `cell − 1`. */
  readonly cell: number;
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly weight: Float64Array;
}

/** Rows, then columns. */
export type MaskAxes = readonly [MaskAxis, MaskAxis];

/**
 * Prepares both axes.
 *
 * @param size `[height, width]` of the masks, at least 1.
 * @param gridSize Cells per axis, one number or `[rows, columns]`, from 1 to the size.
 * @throws {RangeError} If a number is out of its range.
 */
export function maskAxes(where: string, size: readonly [number, number], gridSize: number | readonly [number, number]): MaskAxes {
  const pair: readonly number[] = typeof gridSize === 'number' ? [gridSize, gridSize] : gridSize;
  if (!Array.isArray(pair) || pair.length !== 2)
    throw new TypeError(`${where}: gridSize must be a number or [rows, columns], but is ${show(gridSize)}.`);
  if (!Array.isArray(size) || size.length !== 2) throw new TypeError(`${where}: size must be [height, width], but is ${show(size)}.`);
  const [height, width] = size as readonly [number, number];
  checkSize(where, height, width);
  checkInteger(`${where}: gridSize (rows)`, pair[0], 1, height);
  checkInteger(`${where}: gridSize (columns)`, pair[1], 1, width);
  return [axis(height, at(pair, 0)), axis(width, at(pair, 1))];
}

function axis(size: number, cells: number): MaskAxis {
  const cell = Math.ceil(size / cells);
  const length = (cells + 1) * cell;
  const first = new Int32Array(length);
  const second = new Int32Array(length);
  const weight = new Float64Array(length);
  for (let place = 0; place < length; place++) {
    const source = ((place + 0.5) * cells) / length - 0.5;
    const below = Math.floor(source);
    first[place] = mirror(below, cells);
    second[place] = mirror(below + 1, cells);
    weight[place] = source - below;
  }
  return {size, cells, cell, first, second, weight};
}

/** Only −1 and `cells` occur outside. */
function mirror(index: number, cells: number): number {
  if (cells === 1) return 0;
  if (index < 0) return -index;
  return index < cells ? index : 2 * (cells - 1) - index;
}
