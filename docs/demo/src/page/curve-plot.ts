/** A small plot of curves over 0–1, which grow with a slider. Plots come from d3-scale and d3-shape, as those of the library's reports. */
import {scaleLinear} from 'd3-scale';
import {area, line} from 'd3-shape';
import {svg} from '../app/dom.js';

/** A curve, and how much of it is shown. */
export interface Curve {
  readonly name: string;
  /** Points, x growing. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Its name in the style sheet. */
  readonly style: 'insertion' | 'deletion' | 'loss';
}

export interface PlotOptions {
  readonly xName: string;
  readonly yName: string;
  readonly xEnd?: number;
  readonly yDomain?: readonly [number, number];
  /** Up to where the curves are drawn; the rest is a faint line. @default all of it */
  readonly until?: number;
  readonly percent?: boolean;
}

/** Drawn at the width that it has on the page, so that its words keep their size. */
const WIDTH = {usual: 440, least: 240, most: 560};
const HEIGHT = 250;
const MARGIN = {top: 30, right: 14, bottom: 42, left: 46};

/** Draws into an element, in place of what was there. */
export function plotCurves(into: SVGSVGElement, curves: readonly Curve[], options: PlotOptions): void {
  const {xName, yName, xEnd = 1, yDomain = [0, 1], percent = true} = options;
  const until = options.until ?? xEnd;
  const width = Math.min(WIDTH.most, Math.max(WIDTH.least, into.clientWidth || WIDTH.usual));
  const x = scaleLinear([0, xEnd], [MARGIN.left, width - MARGIN.right]);
  const y = scaleLinear(yDomain, [HEIGHT - MARGIN.bottom, MARGIN.top]);
  const [left, right, bottom] = [MARGIN.left, width - MARGIN.right, HEIGHT - MARGIN.bottom];
  const parts: SVGElement[] = [];
  for (const tick of y.ticks(4)) {
    parts.push(svg('line', {class: 'grid', x1: left, x2: right, y1: y(tick), y2: y(tick)}));
    parts.push(
      svg('text', {x: left - 8, y: y(tick) + 4, 'text-anchor': 'end'}, percent ? `${Math.round(100 * tick)} %` : y.tickFormat(4)(tick)),
    );
  }
  for (const tick of x.ticks(width < 340 ? 3 : 5))
    parts.push(svg('text', {x: x(tick), y: bottom + 18, 'text-anchor': 'middle'}, percent ? `${Math.round(100 * tick)} %` : String(tick)));
  parts.push(svg('text', {class: 'name', x: (left + right) / 2, y: HEIGHT - 4, 'text-anchor': 'middle'}, xName));
  parts.push(svg('text', {class: 'name', x: left, y: 14, 'text-anchor': 'start'}, yName));
  const path = line<readonly [number, number]>(
    ([at]) => x(at),
    ([, value]) => y(value),
  );
  const below = area<readonly [number, number]>(
    ([at]) => x(at),
    () => bottom,
    ([, value]) => y(value),
  );
  for (const {points, style} of curves) {
    const grown = cut(points, until);
    if (style !== 'loss') parts.push(svg('path', {class: `rest ${style}`, d: path(points) ?? ''}));
    if (style !== 'loss') parts.push(svg('path', {class: `below ${style}`, d: below(grown) ?? ''}));
    parts.push(svg('path', {class: `grown ${style}`, d: path(grown) ?? ''}));
    const last = grown.at(-1);
    if (last !== undefined) parts.push(svg('circle', {class: `dot ${style}`, cx: x(last[0]), cy: y(last[1]), r: 4.5}));
  }
  into.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
  into.replaceChildren(...parts);
}

/** The height of a curve at a place, between its points. */
export function heightAt(points: Curve['points'], place: number): number {
  const after = points.findIndex(([x]) => x >= place);
  if (after <= 0) return points[Math.max(after, 0)]?.[1] ?? 0;
  const [[x0, y0], [x1, y1]] = [points[after - 1], points[after]] as [readonly [number, number], readonly [number, number]];
  return y0 + ((place - x0) / (x1 - x0)) * (y1 - y0);
}

function cut(points: Curve['points'], until: number): Curve['points'] {
  const before = points.filter(([x]) => x < until);
  return points.length === 0 ? [] : [...before, [Math.min(until, points.at(-1)?.[0] ?? until), heightAt(points, until)]];
}
