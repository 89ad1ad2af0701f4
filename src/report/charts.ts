/** The charts of a report: mean curves of the methods, curves of one map, losses of a training. */
import {at} from '../core/at.js';
import type {TrainingProgress} from '../distiller/progress.js';
import type {ComparedImage} from '../metrics/compare/options.js';
import type {MetricCurve} from '../metrics/compare/named-metrics.js';
import {markup, type Markup} from './markup.js';
import {readCurve, type MeanCurves} from './mean-curve.js';
import {domainOf, plot, type PlotLine} from './plot.js';
import {methodName, numberText} from './tables.js';

const percent = (value: number): string => `${Math.round(value * 100)}%`;
const done = {insertion: 'pixels inserted', deletion: 'pixels deleted', srg: 'pixels removed'} as const;
const watched = {insertion: 'score of the class', deletion: 'score of the class', srg: 'least minus most salient first'} as const;

/** The mean curves of one metric, with bands of one standard error. */
export function meanPlot({name, metric, methods}: MeanCurves, label: string): Markup {
  const ends = methods.flatMap(({mean, standardError}) =>
    mean.flatMap((value, step) => {
      const error = standardError[step] ?? NaN;
      return Number.isNaN(error) ? [value] : [value - error, value + error];
    }),
  );
  const lines = methods.map(({index, mean, standardError}): PlotLine => ({color: index, ys: mean, bands: standardError}));
  const xs = methods[0]?.fractions ?? [];
  return plot({
    label: `${name}: ${label}`,
    xs,
    lines,
    width: 340,
    height: 250,
    yDomain: domainOf(ends),
    xLabel: done[metric],
    yLabel: watched[metric],
    xTicks: percent,
  });
}

/** The same with its title and legend. */
export function meanChart(curves: MeanCurves, values: (method: string) => string): Markup {
  const {name, methods} = curves;
  const spoken = methods.map(({method}) => `${method} ${values(method)}`).join('; ');
  const differ = new Set(methods.map(({images}) => images)).size > 1;
  const entries = methods.map(
    ({method, index, images}) =>
      markup`<li>${methodName(method, index)}${differ && markup`<span class="soft">&nbsp;(${images} ${images === 1 ? 'image' : 'images'})</span>`}<b>${values(method)}</b></li>`,
  );
  return markup`<figure class="card"><h3>${name}</h3>${meanPlot(curves, `mean curves; areas: ${spoken}`)}<ul class="legend" aria-label="Methods and their mean areas">${entries}</ul></figure>`;
}

/** The curves of one map, small, with the area filled that is the number; `domain` is shared by all maps of the image. */
export function mapPlots(image: ComparedImage, color: number, domain: readonly [number, number], whose: string): Markup[] {
  return Object.entries(image.curves ?? {}).map(([name, curve]) => {
    const value = numberText(image.values[name] ?? NaN);
    return markup`<p class="sub">${name}<b>${value}</b></p>${smallPlot(curve, {color, domain, label: `${name} of ${whose}: ${spokenCurve(curve)}, area ${value}`})}`;
  });
}

/** The ends of the vertical axis for the small curves of an image. */
export function mapDomain(images: readonly (ComparedImage | undefined)[]): [number, number] {
  return domainOf(
    images.flatMap((image) => Object.values(image?.curves ?? {}).flatMap(({curve, leastFirst = []}) => [...curve, ...leastFirst])),
    true,
  );
}

/** One curve by itself, or of srg two with the area between them. */
export function smallPlot(
  {curve, leastFirst, fractions}: MetricCurve,
  {color, domain, label}: {color: number; domain: readonly [number, number]; label: string},
): Markup {
  const most: PlotLine = {color, ys: curve, fillTo: leastFirst ?? domain[0]};
  const lines = leastFirst === undefined ? [most] : [most, {color, ys: leastFirst}];
  return plot({label, xs: fractions, lines, width: 180, height: 104, yDomain: domain, xTicks: percent, ticks: 2});
}

/** The losses of each stage of a training. */
export function trainingCharts(records: readonly TrainingProgress[]): Markup[] {
  const stages = [...new Set(records.map(({stage}) => stage))];
  return stages.flatMap((stage) => {
    const own = records.filter((each) => each.stage === stage && each.kind !== 'warning');
    const names = [...new Set(own.flatMap(({losses}) => Object.keys(losses)))];
    return names.map((name) => {
      const points = own.flatMap(({kind, done: x, losses}) => {
        const y = losses[name];
        return y === undefined || !Number.isFinite(y) ? [] : [{kind, x, y}];
      });
      return lossChart(stage, name, points);
    });
  });
}

interface LossPoint {
  readonly kind: TrainingProgress['kind'];
  readonly x: number;
  readonly y: number;
}

// As many points as a chart has pixels to tell apart.
const MAX_POINTS = 160;

function lossChart(stage: string, name: string, points: readonly LossPoint[]): Markup {
  const steps = binned(points.filter(({kind}) => kind === 'step'));
  const checks = points.filter(({kind}) => kind === 'validation');
  const all = steps.length > 0 ? steps : checks;
  const ends = `from ${numberText(all[0]?.y ?? NaN)} to ${numberText(all.at(-1)?.y ?? NaN)}`;
  const xs = [...(all.length > 0 ? all.map(({x}) => x) : [0]), ...(all.length < 2 ? [(all[0]?.x ?? 0) + 1] : [])];
  const chart = plot({
    label: `Loss ${name} of the stage ${stage}, ${ends}`,
    xs,
    lines: steps.length > 0 ? [{color: 0, ys: steps.map(({y}) => y)}] : [],
    dots: [{color: 1, xs: checks.map(({x}) => x), ys: checks.map(({y}) => y)}],
    width: 340,
    height: 210,
    yDomain: domainOf([...steps, ...checks].map(({y}) => y)),
    xLabel: 'steps',
  });
  const legend = checks.length > 0 && markup`<p class="sub">Line: training, means over a few steps. Dots: validation.</p>`;
  return markup`<figure class="card"><h3>${stage}: ${name}</h3>${chart}${legend}</figure>`;
}

function binned(points: readonly LossPoint[]): LossPoint[] {
  const size = Math.ceil(points.length / MAX_POINTS);
  return Array.from({length: Math.ceil(points.length / Math.max(1, size))}, (_, bin) => {
    const own = points.slice(bin * size, (bin + 1) * size);
    const mean = (read: (point: LossPoint) => number): number => own.reduce((sum, each) => sum + read(each), 0) / own.length;
    return {kind: 'step', x: mean(({x}) => x), y: mean(({y}) => y)};
  });
}

/** A curve in words. */
function spokenCurve(curve: MetricCurve): string {
  const values = readCurve(curve);
  const middle = at(values, Math.floor(values.length / 2));
  return `${numberText(at(values, 0))} at first, ${numberText(middle)} half way, ${numberText(values.at(-1) ?? NaN)} at last`;
}
