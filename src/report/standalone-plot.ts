/** Mean curves with their legend as one drawing that stands alone. */
import type {MeanOf} from '../metrics/mean-of.js';
import {meanPlot} from './charts.js';
import {Markup, markup} from './markup.js';
import type {MeanCurves} from './mean-curve.js';
import {swatch} from './plot.js';
import {plotStyle} from './style.js';
import {numberText} from './tables.js';

const WIDTH = 340;
const PLOT_HEIGHT = 250;
const LINE = 20;

/**
 * Draws mean curves as an SVG file.
 *
 * @param valueOf The number of a method, for the legend.
 */
export function standalonePlot(curves: MeanCurves, valueOf: (method: string) => MeanOf | undefined): string {
  const {name, methods} = curves;
  const top = 28;
  const legend = methods.map(({method, index}, place) => {
    const {mean, standardError} = valueOf(method) ?? {mean: NaN, standardError: NaN};
    const y = top + PLOT_HEIGHT + LINE * (place + 0.6);
    const value = Number.isFinite(standardError) ? `${numberText(mean)} ± ${numberText(standardError)}` : numberText(mean);
    return markup`<g transform="translate(48 ${y - 9})">${swatch(index)}</g><text class="note" x="84" y="${y}">${method}</text><text class="note" x="${WIDTH - 14}" y="${y}" text-anchor="end">${value}</text>`;
  });
  const height = top + PLOT_HEIGHT + LINE * methods.length + 8;
  return markup`<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"><style>${new Markup(plotStyle)}</style><rect class="paper" width="${WIDTH}" height="${height}"/><text class="note" x="48" y="18">${name}</text><g transform="translate(0 ${top})">${meanPlot(curves, 'mean curves')}</g>${legend}</svg>
`.text;
}
