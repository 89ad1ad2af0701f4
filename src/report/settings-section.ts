/** Everything that has to be known to get the same numbers again. */
import type {SaliencyMap} from '../core/types.js';
import type {MapLike} from '../render/pixels.js';
import {markup, type Markup} from './markup.js';
import type {ReportPlan, ReportSettings} from './options.js';
import {methodName, settingsTable} from './tables.js';

/** The options of the explainers, of the metrics that have curves, and of the report. */
export function settingsSection({settings, methods}: ReportPlan<ReportSettings>): Markup {
  const {rows = [], scale, colormap, opacity, pictureSize} = settings;
  const ofMethods = methods.map(({name, maps}, index) => [methodName(name, index), optionsText(maps.filter(isSaliencyMap))] as const);
  const curves = new Map(rows.flatMap(({perImage}) => perImage.flatMap((image) => Object.entries(image.curves ?? {}))));
  const ofMetrics = [...curves].map(
    ([name, {metric, options}]) => [name, listed({...(metric === name ? {} : {metric}), ...shared(options)})] as const,
  );
  const seeds = new Map(rows.flatMap(({perImage}) => perImage.map(({index, seed}) => [index, seed] as const)));
  const ofReport = listed({scale, colormap, opacity, pictureSize});
  return markup`<h3>Methods</h3>${settingsTable('Options of the methods', ['method', 'options'], ofMethods)}
${ofMetrics.length > 0 && markup`<h3>Metrics</h3>${settingsTable('Options of the metrics', ['metric', 'options'], ofMetrics)}`}
<h3>This report</h3>${settingsTable(
    'Options of this report',
    ['what', 'options'],
    [['pictures', ofReport], ...(seeds.size > 0 ? [['seed of each image', [...seeds.values()].join(', ')] as const] : [])],
  )}`;
}

function isSaliencyMap(map: MapLike | undefined): map is SaliencyMap {
  return map !== undefined && 'options' in map && typeof map.options === 'object';
}

function optionsText(maps: readonly SaliencyMap[]): string {
  const [first] = maps;
  if (first === undefined) return 'not known: the maps do not say';
  const seeds = new Set(maps.map(({seed}) => seed));
  const seed = seeds.size > 1 ? 'that of each image' : (first.seed ?? 'none, nothing is random');
  return `${first.method}; ${listed({seed, ...shared(first.options)})}`;
}

/** What is the same for all images. */
function shared({target: _, seed: __, ...options}: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return options;
}

/** Names and values in a line; long lists are cut short. */
function listed(options: Readonly<Record<string, unknown>>): string {
  return Object.entries(options)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${valueText(value)}`)
    .join(', ');
}

function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}
