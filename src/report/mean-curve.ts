/** The mean of many curves, point by point, with how well it is known. */
import {at} from '../core/at.js';
import type {ComparisonRow} from '../metrics/compare/options.js';
import type {CausalName, MetricCurve} from '../metrics/compare/named-metrics.js';
import {meanOf} from '../metrics/mean-of.js';

/** The curves of one method, averaged. */
export interface MeanCurve {
  readonly method: string;
  /** Place of the method among all. */
  readonly index: number;
  /** Curves that entered. */
  readonly images: number;
  readonly fractions: readonly number[];
  readonly mean: readonly number[];
  /** Standard errors; NaN for fewer than two curves. */
  readonly standardError: readonly number[];
}

/** The mean curves of one metric. */
export interface MeanCurves {
  /** The metric's name, and what it is. */
  readonly name: string;
  readonly metric: CausalName;
  readonly methods: readonly MeanCurve[];
}

/** The curve whose area is the metric's number: of srg, the least salient first minus the most salient first. */
export function readCurve({curve, leastFirst}: MetricCurve): readonly number[] {
  return leastFirst === undefined ? curve : leastFirst.map((value, step) => value - at(curve, step));
}

/** Averages the curves of every metric that has some. Those of images of another size than the first have other steps and are left out. */
export function meanCurves(rows: readonly ComparisonRow[]): MeanCurves[] {
  const found = rows.flatMap(({perImage}) => perImage.flatMap(({curves = {}}) => Object.entries(curves)));
  const kinds = new Map(found.map(([name, {metric}]) => [name, metric]));
  return [...kinds].map(([name, metric]) => ({name, metric, methods: rows.flatMap((row, index) => meanCurve(row, index, name))}));
}

function meanCurve({method, perImage}: ComparisonRow, index: number, name: string): MeanCurve[] {
  const all = perImage.flatMap(({curves = {}}) => (Object.hasOwn(curves, name) ? [curves[name] as MetricCurve] : []));
  const [first] = all;
  if (first === undefined) return [];
  const {fractions} = first;
  const alike = all.filter((each) => each.fractions.length === fractions.length).map(readCurve);
  const means = fractions.map((_, step) => meanOf(alike.map((curve) => at(curve, step))));
  return [
    {
      method,
      index,
      images: alike.length,
      fractions,
      mean: means.map(({mean}) => mean),
      standardError: means.map(({standardError}) => standardError),
    },
  ];
}
