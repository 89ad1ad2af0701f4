/** A comparison as text. */
import {formatTable, type TableOptions} from '../../core/format-table.js';
import type {ComparisonRow} from './options.js';

/** Options of {@link formatComparison}. */
export interface FormatComparisonOptions extends TableOptions {
  /** Adds `± standard error` to every mean. @default false */
  readonly standardErrors?: boolean | undefined;
}

/**
 * Lays a comparison out as an aligned table: a line per explainer, its number of images, and the mean
 * of every measure. A measure that was not defined for all of these images shows its own number
 * of images in brackets. Flat maps, whose insertion and deletion mean little, get a column if there
 * are any.
 *
 * @param rows What `compare` returned.
 * @returns Lines joined by `\n`.
 * @example
 * const text = formatComparison(await compare({explainers, measures, images, model}), {digits: 2});
 */
export function formatComparison(rows: readonly ComparisonRow[], options: FormatComparisonOptions = {}): string {
  const {standardErrors = false, digits = 3} = options;
  const measures = Object.keys(rows[0]?.values ?? {});
  const cell = (row: ComparisonRow, name: string): string => {
    const {mean, standardError, images} = row.values[name] ?? {mean: NaN, standardError: NaN, images: 0};
    const show = (value: number): string => (Number.isFinite(value) ? value.toFixed(digits) : '–');
    return `${show(mean)}${standardErrors ? ` ± ${show(standardError)}` : ''}${images === row.images ? '' : ` (${images})`}`;
  };
  const anyEmpty = rows.some(({emptyMaps}) => emptyMaps > 0);
  const cells = rows.map((row) => [
    row.method,
    row.images,
    ...(anyEmpty ? [row.emptyMaps] : []),
    ...measures.map((name) => cell(row, name)),
  ]);
  return formatTable(['method', 'images', ...(anyEmpty ? ['flat maps'] : []), ...measures], cells, {digits});
}
