/**
 * Line plots as inline SVG. d3's scales and shapes compute the geometry and need no document, so the same code draws in Node
 * and in a page; colours come from the style sheet, so that a plot follows dark mode and print.
 */
import {scaleLinear, type ScaleLinear} from 'd3-scale';
import {area, line} from 'd3-shape';
import {at} from '../core/at.js';
import type {Markup, Piece} from './markup.js';
import {markup} from './markup.js';

/** One line of a plot. */
export interface PlotLine {
  /** Which of the method colours and dashes, from 0. */
  readonly color: number;
  readonly ys: readonly number[];
  /** Half the width of the band around it at each point; NaN draws none. */
  readonly bands?: readonly number[] | undefined;
  /** Where the filled area ends: at this height, or along another line. */
  readonly fillTo?: number | readonly number[] | undefined;
}

/** A plot. */
export interface PlotOptions {
  /** Read out in place of the picture. */
  readonly label: string;
  readonly xs: readonly number[];
  readonly lines: readonly PlotLine[];
  readonly width: number;
  readonly height: number;
  /** The ends of the axes; the horizontal one is that of `xs` unless told otherwise. */
  readonly yDomain: readonly [number, number];
  readonly xLabel?: string | undefined;
  readonly yLabel?: string | undefined;
  readonly xTicks?: ((value: number) => string) | undefined;
  /** How many ticks each axis should have, about. */
  readonly ticks?: number | undefined;
  /** Dots instead of lines for these. */
  readonly dots?: readonly {readonly color: number; readonly xs: readonly number[]; readonly ys: readonly number[]}[] | undefined;
}

/** How many colours the style sheet has for methods; more start again. */
export const COLORS = 8;
// So that lines can be told apart without colour.
const dashes = ['', '7 4', '2 3', '9 3 2 3', '4 4', '12 4', '1 5', '9 3 2 3 2 3'];

/** Draws a plot. */
export function plot(options: PlotOptions): Markup {
  const {label, xs, lines, width, height, yDomain, xLabel, yLabel, xTicks = String, ticks = 5, dots = []} = options;
  const isSmall = width < 240;
  const left = isSmall ? 24 : 48;
  const [top, right, bottom] = [8, isSmall ? 8 : 20, isSmall ? 18 : xLabel === undefined ? 24 : 42];
  const x = scaleLinear([at(xs, 0), xs.at(-1) ?? 1], [left, width - right]);
  const y = scaleLinear(yDomain, [height - bottom, top]);
  const drawn = lines.flatMap((each) => [bandOf(each, xs, x, y), fillOf(each, xs, x, y), lineOf(each, xs, x, y)]);
  const points = dots.map(({color, xs: across, ys}) =>
    across.map(
      (value, index) => markup`<circle class="c${color % COLORS} dot" cx="${round(x(value))}" cy="${round(y(at(ys, index)))}" r="3"/>`,
    ),
  );
  const yMarks = y.ticks(ticks).map((value) => {
    const place = round(y(value));
    return markup`<line class="grid" x1="${left}" x2="${width - right}" y1="${place}" y2="${place}"/><text x="${left - 6}" y="${place}" dy=".32em" text-anchor="end">${y.tickFormat(ticks)(value)}</text>`;
  });
  const xMarks = x.ticks(ticks).map((value) => {
    const place = round(x(value));
    return markup`<line class="axis" x1="${place}" x2="${place}" y1="${height - bottom}" y2="${height - bottom + 4}"/><text x="${place}" y="${height - bottom + (isSmall ? 14 : 17)}" text-anchor="middle">${xTicks(value)}</text>`;
  });
  const titles: Piece = [
    xLabel !== undefined &&
      markup`<text class="title" x="${(left + width - right) / 2}" y="${height - 4}" text-anchor="middle">${xLabel}</text>`,
    yLabel !== undefined &&
      markup`<text class="title" transform="translate(11 ${(top + height - bottom) / 2}) rotate(-90)" text-anchor="middle">${yLabel}</text>`,
  ];
  const axis = markup`<line class="axis" x1="${left}" x2="${width - right}" y1="${height - bottom}" y2="${height - bottom}"/>`;
  return markup`<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${label}">${yMarks}${drawn}${points}${axis}${xMarks}${titles}</svg>`;
}

/** The ends of an axis that holds values: from 0 to 1 where all lie there and some reach far, otherwise round numbers around them. */
export function domainOf(values: Iterable<number>, wholeUnit: boolean = false): [number, number] {
  let low = 0;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (high <= low) high = low + 1;
  if (low === 0 && high <= 1 && (wholeUnit || high > 0.8)) return [0, 1];
  const [start = low, end = high] = scaleLinear([low, high], [0, 1]).nice(5).domain();
  return [start, end];
}

/** The sample of a line for a legend. */
export function swatch(color: number): Markup {
  return markup`<svg class="swatch" width="26" height="10" viewBox="0 0 26 10" aria-hidden="true"><path class="c${color % COLORS} line" stroke-dasharray="${dashOf(color)}" d="M1,5H25"/></svg>`;
}

type Scale = ScaleLinear<number, number>;

function lineOf({color, ys}: PlotLine, xs: readonly number[], x: Scale, y: Scale): Markup {
  const path =
    line<number>(
      (_, index) => x(at(xs, index)),
      (value) => y(value),
    )
      .defined(Number.isFinite)
      .digits(1)([...ys]) ?? '';
  return markup`<path class="c${color % COLORS} line" stroke-dasharray="${dashOf(color)}" d="${path}"/>`;
}

function bandOf({color, ys, bands}: PlotLine, xs: readonly number[], x: Scale, y: Scale): Piece {
  if (bands === undefined || !bands.some(Number.isFinite)) return undefined;
  const path = area<number>(
    (_, index) => x(at(xs, index)),
    (value, index) => y(value - at(bands, index)),
    (value, index) => y(value + at(bands, index)),
  )
    .defined((value, index) => Number.isFinite(value) && Number.isFinite(bands[index]))
    .digits(1)([...ys]);
  return markup`<path class="c${color % COLORS} band" d="${path ?? ''}"/>`;
}

function fillOf({color, ys, fillTo}: PlotLine, xs: readonly number[], x: Scale, y: Scale): Piece {
  if (fillTo === undefined) return undefined;
  const path = area<number>(
    (_, index) => x(at(xs, index)),
    (_, index) => y(typeof fillTo === 'number' ? fillTo : at(fillTo, index)),
    (value) => y(value),
  ).digits(1)([...ys]);
  return markup`<path class="c${color % COLORS} fill" d="${path ?? ''}"/>`;
}

function dashOf(color: number): string {
  return dashes[color % dashes.length] ?? '';
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
