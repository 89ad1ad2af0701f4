/** The tables of a report: means with standard errors, paired differences, options. */
import type {MeanOf} from '../metrics/mean-of.js';
import type {ComparisonRow} from '../metrics/compare/options.js';
import {pairedDifferences, type PairedDifference} from '../metrics/compare/paired-differences.js';
import {markup, type Markup, type Piece} from './markup.js';
import {metricWords} from './metric-words.js';
import {swatch} from './plot.js';

// More standard errors than this are more than chance usually makes.
const CLEAR = 2;

/** Names of the metrics, in the order of the first row and then of the others. */
export function metricNames(rows: readonly ComparisonRow[]): string[] {
  return [...new Set(rows.flatMap(({values}) => Object.keys(values)))];
}

/** A number with as many digits as its size asks for; none for what is not defined. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  return (size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(3)).replace('-', '−');
}

/** The table of means. */
export function meansTable(rows: readonly ComparisonRow[]): Markup {
  const names = metricNames(rows);
  const counts = (['emptyMaps', 'tiedMaps'] as const).filter((name) => rows.some((row) => row[name] > 0));
  const best = new Map(names.map((name) => [name, bestMean(name, rows)]));
  const head = names.map((name) => markup`<th scope="col">${name}${arrow(name, rows)}</th>`);
  const countHead = counts.map((name) => markup`<th scope="col">${{emptyMaps: 'flat maps', tiedMaps: 'tied peaks'}[name]}</th>`);
  const body = rows.map((row, index) => {
    const cells = names.map((name) => meanCell(row.values[name], row.images, row.values[name]?.mean === best.get(name)));
    return markup`<tr>${rowHead(row.method, index)}<td>${row.images}</td>${counts.map((name) => markup`<td>${row[name]}</td>`)}${cells}</tr>`;
  });
  return scrolling(
    'Means of every method',
    markup`<table><caption class="hidden">Mean and standard error of every metric, by method</caption><thead><tr><th scope="col">method</th><th scope="col">images</th>${countHead}${head}</tr></thead><tbody>${body}</tbody></table>`,
  );
}

/** The table of differences from the reference. */
export function differencesTable(rows: readonly ComparisonRow[], reference: string): Markup {
  const differences = pairedDifferences(rows, {reference});
  const names = metricNames(rows).filter((name) => differences.some(({values}) => Object.hasOwn(values, name)));
  const body = differences.map((row) => {
    const place = rows.findIndex(({method}) => method === row.method);
    return markup`<tr>${rowHead(row.method, place)}<td>${row.images}</td>${names.map((name) => differenceCell(row, name, rows))}</tr>`;
  });
  return scrolling(
    `Differences from ${reference}`,
    markup`<table><caption class="hidden">Every method minus ${reference}, image by image: mean and standard error of the difference</caption><thead><tr><th scope="col">minus ${reference}</th><th scope="col">images</th>${names.map((name) => markup`<th scope="col">${name}${arrow(name, rows)}</th>`)}</tr></thead><tbody>${body}</tbody></table>`,
  );
}

/** Names and values, one a line. */
export function settingsTable(label: string, heads: readonly [string, string], entries: readonly (readonly [Piece, string])[]): Markup {
  const body = entries.map(([name, value]) => markup`<tr><th scope="row">${name}</th><td class="text">${value}</td></tr>`);
  return scrolling(
    label,
    markup`<table><caption class="hidden">${label}</caption><thead><tr><th scope="col">${heads[0]}</th><th scope="col" class="text">${heads[1]}</th></tr></thead><tbody>${body}</tbody></table>`,
  );
}

/** Name and colour of a method. */
export function methodName(name: string, index: number): Markup {
  return markup`${swatch(index)}${name}`;
}

function rowHead(name: string, index: number): Markup {
  return markup`<th scope="row">${methodName(name, index)}</th>`;
}

function arrow(name: string, rows: readonly ComparisonRow[]): Piece {
  const {better} = metricWords(name, rows);
  if (better === undefined) return undefined;
  return markup`\u00a0<span aria-hidden="true">${better === 'higher' ? '↑' : '↓'}</span><span class="hidden">, ${better} is better</span>`;
}

function bestMean(name: string, rows: readonly ComparisonRow[]): number | undefined {
  const {better} = metricWords(name, rows);
  const means = rows.map(({values}) => values[name]?.mean ?? NaN).filter(Number.isFinite);
  if (better === undefined || means.length < 2) return undefined;
  return better === 'higher' ? Math.max(...means) : Math.min(...means);
}

function meanCell(value: MeanOf | undefined, images: number, isBest: boolean): Markup {
  if (value === undefined) return markup`<td>–</td>`;
  return markup`<td class="${isBest ? 'best' : ''}">${meanText(value)}${value.images !== images && markup` <span class="se">(${value.images})</span>`}</td>`;
}

function meanText({mean, standardError}: MeanOf, sign: string = ''): Markup {
  return markup`<span class="unit">${sign}${numberText(mean)}${Number.isFinite(standardError) && markup`<span class="se"> ± ${numberText(standardError)}</span>`}</span>`;
}

function differenceCell(row: PairedDifference, name: string, rows: readonly ComparisonRow[]): Markup {
  const value = Object.hasOwn(row.values, name) ? row.values[name] : undefined;
  if (value === undefined) return markup`<td>–</td>`;
  const {mean, standardError} = value;
  const {better} = metricWords(name, rows);
  const isClear = better !== undefined && Math.abs(mean) > CLEAR * standardError;
  const verdict = mean > 0 === (better === 'higher') ? 'better' : 'worse';
  return markup`<td>${meanText(value, mean > 0 ? '+' : '')}${value.images !== row.images && markup` <span class="se">(${value.images})</span>`}${isClear && markup`<span class="verdict">${verdict}</span>`}</td>`;
}

/** A wide table scrolls by itself, with the keyboard, too. */
function scrolling(label: string, table: Markup): Markup {
  return markup`<div class="scroll" role="region" aria-label="${label}" tabindex="0">${table}</div>`;
}
