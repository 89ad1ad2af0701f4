/**
 * Sums of weighted RISE masks without making the masks. A mask is linear in its bits, so all masks
 * with the same shift add up as grids: the weights go to bins of bits and shifts, cells · cell per
 * axis, as many numbers as the image has pixels, and the bins become a map at the end. Adding a mask
 * costs as many additions as it has bits, in double precision and in the order of the masks; so the
 * map does not depend on the batches.
 */
import type {MaskAxes} from './_geometry.js';
import type {MaskGrids} from './masks.js';

/** Σ weight · mask, and the sum of the weights. */
export class MaskSum {
  readonly #axes: MaskAxes;
  /** Rows are (dy, row of the grid), columns (dx, column of the grid). */
  readonly #bins: Float64Array;
  #total = 0;

  constructor(axes: MaskAxes) {
    const [rows, columns] = axes;
    this.#axes = axes;
    this.#bins = new Float64Array(rows.cell * rows.cells * columns.cell * columns.cells);
  }

  /** The sum of the weights. */
  get total(): number {
    return this.#total;
  }

  /** Adds `weight` times mask number `mask` of the grids. */
  add({bits, shifts}: MaskGrids, mask: number, weight: number): void {
    const [rows, columns] = this.#axes;
    const stride = columns.cell * columns.cells;
    let bit = mask * rows.cells * columns.cells;
    let at = (shifts[2 * mask] as number) * rows.cells * stride + (shifts[2 * mask + 1] as number) * columns.cells;
    for (let row = 0; row < rows.cells; row++, at += stride) {
      for (let column = 0; column < columns.cells; column++, bit++) {
        if (bits[bit] === 1) this.#bins[at + column] = (this.#bins[at + column] as number) + weight;
      }
    }
    this.#total += weight;
  }

  /** Returns the sum as a map: `height · width` values, row-major. */
  toMap(): Float64Array {
    const [rows, columns] = this.#axes;
    const width = columns.size;
    const map = new Float64Array(rows.size * width);
    for (let dy = 0; dy < rows.cell; dy++) {
      const lines = Array.from({length: rows.cells}, (_, row) => this.#line(dy * rows.cells + row));
      for (let y = 0; y < rows.size; y++) {
        const near = lines[rows.first[dy + y] as number] as Float64Array;
        const far = lines[rows.second[dy + y] as number] as Float64Array;
        const share = rows.weight[dy + y] as number;
        for (let x = 0; x < width; x++) {
          map[y * width + x] = (map[y * width + x] as number) + (1 - share) * (near[x] as number) + share * (far[x] as number);
        }
      }
    }
    return map;
  }

  /** One row of bins, enlarged along the columns and summed over their shifts. */
  #line(row: number): Float64Array {
    const {size, cells, cell, first, second, weight} = this.#axes[1];
    const line = new Float64Array(size);
    for (let dx = 0; dx < cell; dx++) {
      const at = (row * cell + dx) * cells;
      for (let x = 0; x < size; x++) {
        const near = this.#bins[at + (first[dx + x] as number)] as number;
        const far = this.#bins[at + (second[dx + x] as number)] as number;
        line[x] = (line[x] as number) + near + (weight[dx + x] as number) * (far - near);
      }
    }
    return line;
  }
}
