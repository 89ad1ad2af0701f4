/** A comparison as text. */
import {show} from '../../core/check.js';
import {boolean, integer, withDefault} from '../../core/fields.js';
import {formatTable} from '../../core/format-table.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import type {MeanOf} from '../mean-of.js';
import type {ComparisonRow} from './options.js';
import type {PairedDifference} from './paired-differences.js';

/** Options of {@link formatComparison}. */
export interface FormatComparisonOptions {
  /** Digits after the point, for every number, 0–20. @default 3 */
  readonly digits?: number | undefined;
  /** Adds `± standard error` to every mean. @default false */
  readonly standardErrors?: boolean | undefined;
}

const absent: MeanOf = {mean: NaN, standardError: NaN, images: 0};

/** The options of {@link formatComparison}. */
export const formatComparisonSchema: OptionsSchema<Settled<FormatComparisonOptions>> = {
  where: 'formatComparison',
  fields: {digits: withDefault(integer(0, 20), 3), standardErrors: withDefault(boolean(), false)},
};

/**
 * Lays a comparison out as an aligned table: a line per explainer, its number of images, and the mean
 * of every metric. A metric that was not defined for all of these images shows its own number
 * of images in brackets. Flat maps, whose insertion and deletion mean little, and maps whose peak is shared by
 * several pixels, so that pointing counts a share, get a column each if there are any.
 *
 * @param rows What `compare` returned, or `pairedDifferences`.
 * @returns Lines joined by `\n`.
 * @throws {TypeError} If `rows` is no list of rows, or an option is unknown or of the wrong kind.
 * @example
 * const text = formatComparison(await compare({explainers, metrics, images, model}), {digits: 2});
 */
export function formatComparison(rows: readonly (ComparisonRow | PairedDifference)[], options?: FormatComparisonOptions): string {
  const {standardErrors, digits} = readOptions(formatComparisonSchema, options);
  if (!Array.isArray(rows)) throw new TypeError(`formatComparison: rows must be what compare() gives, but is ${show(rows)}.`);
  for (const [index, row] of (rows as readonly unknown[]).entries()) {
    const {method, values} = (row ?? {}) as Partial<ComparisonRow>;
    if (typeof method !== 'string' || typeof values !== 'object' || (values as unknown) === null) {
      throw new TypeError(`formatComparison: rows[${index}] must be a row of compare(), but is ${show(row)}.`);
    }
  }
  const metrics = Object.keys(rows[0]?.values ?? {});
  const cell = (row: ComparisonRow | PairedDifference, name: string): string => {
    const {mean, standardError, images} = (Object.hasOwn(row.values, name) ? row.values[name] : undefined) ?? absent;
    const digitsOf = (value: number): string => (Number.isFinite(value) ? value.toFixed(digits) : '–');
    return `${digitsOf(mean)}${standardErrors ? ` ± ${digitsOf(standardError)}` : ''}${images === row.images ? '' : ` (${images})`}`;
  };
  const countOf = (row: Partial<ComparisonRow>, name: 'emptyMaps' | 'tiedMaps'): number => row[name] ?? 0;
  const counts = (['emptyMaps', 'tiedMaps'] as const).filter((name) => rows.some((row) => countOf(row, name) > 0));
  const header = counts.map((name) => ({emptyMaps: 'flat maps', tiedMaps: 'tied peaks'})[name]);
  const cells = rows.map((row) => [
    row.method,
    row.images,
    ...counts.map((name) => countOf(row, name)),
    ...metrics.map((name) => cell(row, name)),
  ]);
  return formatTable(['method', 'images', ...header, ...metrics], cells, {digits});
}
