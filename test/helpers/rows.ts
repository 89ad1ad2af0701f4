/** A stored matrix as rows. */
import type {GoldenArray} from './golden.js';

/** Splits `[rows, columns]`. */
export function rowsOf({shape, values}: GoldenArray): number[][] {
  const [rows, columns] = shape as [number, number];
  return Array.from({length: rows}, (_, row) => Array.from(values.slice(row * columns, (row + 1) * columns)));
}
