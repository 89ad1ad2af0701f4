/** Aligned text tables for a terminal or a log. */

/** A cell: text as it is, numbers with the digits of their column. */
import {at} from './at.js';
export type Cell = string | number;

/** Options of {@link formatTable}. */
export interface TableOptions {
  /** Digits after the point, for every number. @default 3 */
  readonly digits?: number | undefined;
}

/**
 * Lays rows out under a header, two spaces apart. A column whose cells are all numbers stands
 * flush right, any other flush left; numbers that are not finite become `–`.
 *
 * @param header One name per column.
 * @param rows As many cells as the header has names.
 * @returns Lines joined by `\n`, without spaces at their ends.
 * @throws {RangeError} If a row has another number of cells.
 * @example
 * const text = formatTable(['method', 'insertion'], [['ours', 0.912], ['random', 0.4]]);
 */
export function formatTable(header: readonly string[], rows: readonly (readonly Cell[])[], options: TableOptions = {}): string {
  const {digits = 3} = options;
  for (const row of rows) {
    if (row.length !== header.length) throw new RangeError(`row ${JSON.stringify(row)} must have ${header.length} cells.`);
  }
  const lines = [header, ...rows.map((row) => row.map((cell) => format(cell, digits)))];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => (line[column] as string).length)));
  const toTheRight = header.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'));
  const rule = widths.map((width) => '─'.repeat(width));
  const align = (line: readonly string[]): string =>
    line
      .map((cell, column) => (toTheRight[column] ? cell.padStart(at(widths, column)) : cell.padEnd(at(widths, column))))
      .join('  ')
      .trimEnd();
  return [header, rule, ...lines.slice(1)].map(align).join('\n');
}

function format(cell: Cell, digits: number): string {
  if (typeof cell === 'string') return cell;
  return Number.isFinite(cell) ? cell.toFixed(Number.isInteger(cell) ? 0 : digits) : '–';
}
