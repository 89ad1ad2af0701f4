/** Annotations of Stanford Cars as a table (csv), as copies have them, each with columns of its own. */
import type * as csv from 'csv-parse/sync';
import {AttentiveError} from '../../core/errors/attentive-error.js';
import {nodeBuiltin} from '../../core/node-builtin.js';
import {readText} from '../../files/model-json.js';
import {archiveError, type Archive} from './_archive.js';
import {boxFromOne, labelFromOne, type Row} from './data-set.js';

/** Where the annotations of a copy are. */
export interface CarTable {
  /** The table of the split, relative to the root. */
  readonly annotations: string;
  /** The folder of its pictures, relative to the root. */
  readonly images: string;
  /** A table whose first column has the names of the classes, relative to the root. */
  readonly classNames?: string | undefined;
  /** What the columns are called, or their places from 0 in a table without a head. */
  readonly columns: Readonly<Record<'file' | 'class' | 'left' | 'top' | 'right' | 'bottom', string | number>>;
}

/**
 * Reads a table.
 *
 * @param names The names of the classes, where the table brings none.
 * @throws {ModelFileError} If a file cannot be read, a column is missing, or a number or class is none.
 * @throws {AttentiveError} If the package csv-parse is not installed.
 */
export async function readCarTable(
  archive: Archive,
  folder: string,
  {annotations, classNames: nameFile, columns}: CarTable,
  names: readonly string[] | undefined,
): Promise<{rows: Row[]; classNames: readonly string[]}> {
  const {join} = nodeBuiltin('node:path');
  const classNames = names ?? (await readTable(archive, join(folder, nameFile as string))).map(([name = '']) => name);
  const file = join(folder, annotations);
  const lines = await readTable(archive, file);
  const hasHead = Object.values(columns).some((column) => typeof column === 'string');
  const head = hasHead ? (lines.shift() ?? []) : [];
  const places = Object.entries(columns).map(([what, column]): [string, number] => {
    const place = typeof column === 'number' ? column : head.indexOf(column);
    if (place < 0) throw archiveError(archive, `${file} has no column '${column}' for ${what}; there are ${head.join(', ')}`);
    return [what, place];
  });
  const rows = lines.map((cells, index): Row => {
    const cell = Object.fromEntries(places.map(([what, place]) => [what, cells[place] ?? ''])) as Record<keyof CarTable['columns'], string>;
    const place = `line ${index + (hasHead ? 2 : 1)} of ${file}`;
    const corners = [cell.left, cell.top, cell.right, cell.bottom].map((value) => numberIn(archive, place, value));
    return {file: cell.file, label: labelIn(archive, place, cell.class, classNames), box: boxFromOne(corners)};
  });
  return {rows, classNames};
}

async function readTable(archive: Archive, file: string): Promise<string[][]> {
  const {parse} = await loadParser();
  try {
    return parse(await readText(file), {bom: true, skip_empty_lines: true, relax_column_count: true, trim: true}) as string[][];
  } catch (cause) {
    throw archiveError(archive, `${file} cannot be read (${(cause as Error).message})`, cause);
  }
}

async function loadParser(): Promise<typeof csv> {
  try {
    return await import('csv-parse/sync');
  } catch (cause) {
    throw new AttentiveError('Reading annotations as a table needs the package csv-parse: npm install csv-parse', {cause});
  }
}

function numberIn(archive: Archive, place: string, value: string): number {
  const number = value === '' ? NaN : Number(value);
  if (!Number.isFinite(number)) throw archiveError(archive, `${place} has '${value}' where a number should be`);
  return number;
}

/** A class is its number from 1, or its name. */
function labelIn(archive: Archive, place: string, value: string, classNames: readonly string[]): number {
  const label = classNames.indexOf(value);
  if (label >= 0) return label;
  if (/^\d+(\.0+)?$/.test(value)) return labelFromOne(Number(value));
  throw archiveError(archive, `${place} has the class '${value}', which is neither a number nor one of the ${classNames.length} names`);
}
