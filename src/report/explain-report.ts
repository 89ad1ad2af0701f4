/** A comparison as one HTML file that can be mailed, printed and read on a phone, and that asks for nothing from any network. */
import {show} from '../core/check.js';
import {VERSION} from '../core/version.js';
import type {ComparisonRow} from '../metrics/compare/options.js';
import type {RgbaImage} from '../render/pixels.js';
import {colorize} from '../render/colorize.js';
import {meanChart, trainingCharts} from './charts.js';
import {pictureTools} from './encode-picture.js';
import {Markup, markup, type Piece} from './markup.js';
import {meanCurves} from './mean-curve.js';
import {metricWords} from './metric-words.js';
import {explainReportSchema, planReport, type ReportOptions, type ReportSettings} from './options.js';
import {settingsSection} from './settings-section.js';
import {COLORED, sharedScale, type SharedScale} from './shown-pictures.js';
import {subjectCards} from './subject-cards.js';
import {pageStyle} from './style.js';
import {differencesTable, meansTable, metricNames, numberText} from './tables.js';

const WHERE = 'explainReport';

/**
 * Writes a report: every image with the maps of every method on one scale and its curves, the mean curves with their standard
 * errors, tables of means and of paired differences, training curves, options and seeds, and what each number tells and does
 * not tell. The page holds all of its pictures, has no script, and loads nothing; all text in it is escaped. The same options
 * give the same page.
 *
 * @returns HTML. In Node `writeReport` of `attentive-distiller/node` writes it to a file.
 * @throws {TypeError | RangeError} If an option is of the wrong kind, does not fit the others, or there is nothing to show.
 * @throws {AttentiveError} If pictures cannot be encoded here: in Node that takes the package sharp. Aborting rejects with the
 *   signal's reason.
 * @example
 * const rows = await compare({explainers, metrics: ['insertion', 'deletion'], images, model: teacher, details: true});
 * const html = await explainReport({images, rows, preprocessing: teacher.preprocessing, labels: teacher.labels});
 */
export async function explainReport(options: ReportOptions): Promise<string> {
  const plan = planReport(explainReportSchema, options);
  const {settings, methods, numImages} = plan;
  const {title, facts = {}, rows = [], reference, training = [], signal, colormap, scale, labels} = settings;
  checkReference(rows, reference);
  signal?.throwIfAborted();
  const tools = await pictureTools(WHERE);
  const shared = sharedScale(methods, settings);
  const curves = meanCurves(rows);
  const cards = await subjectCards(WHERE, plan, {tools, shared});
  const bar = await tools.encode(ramp(colormap));
  const valueOf = (method: string, name: string): string => {
    const {mean, standardError} = rows.find((row) => row.method === method)?.values[name] ?? {mean: NaN, standardError: NaN};
    return Number.isFinite(standardError) ? `${numberText(mean)} ± ${numberText(standardError)}` : numberText(mean);
  };
  const sections: (readonly [id: string, title: string, body: Piece])[] = [];
  if (rows.length > 0) sections.push(['numbers', 'Numbers', numbersSection(rows, reference ?? rows[0]?.method)]);
  if (curves.length > 0) {
    const charts = curves.map((each) => meanChart(each, (method) => valueOf(method, each.name)));
    sections.push(['curves', 'Mean curves', markup`<p>${curveWords}</p><div class="charts">${charts}</div>`]);
  }
  sections.push(['images', 'Image by image', markup`<p>${mapWords(shared, scale)}</p>${scaleBar(bar, shared, scale)}${cards}`]);
  if (training.length > 0) sections.push(['training', 'Training', trainingSection(settings)]);
  if (rows.length > 0) sections.push(['reading', 'What the numbers say', wordsSection(rows, settings)]);
  sections.push(['options', 'Options and seeds', settingsSection(plan)]);
  const known: readonly (readonly [string, string | number])[] = [
    ['images', numImages],
    ['methods', methods.length],
    ...(labels === undefined ? [] : [['classes', labels.length] as const]),
    ...Object.entries(facts),
    ['made by', `attentive-distiller ${VERSION}`],
  ];
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Markup(pageStyle)}</style>
</head>
<body>
<header><p class="over">What a classifier looks at</p><h1>${title}</h1>
<dl class="facts">${known.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
<nav aria-label="Sections">${sections.map(([id, name]) => markup`<a href="#${id}">${name}</a>`)}</nav></header>
<main>${sections.map(
    ([id, name, body]) => markup`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${name}</h2>${body}</section>
`,
  )}</main>
<footer><p>A map shows where this model's score depends on the picture, as one method sees it. It does not show that the model is right, or why a person would agree.</p></footer>
</body>
</html>
`;
  signal?.throwIfAborted();
  return page.text;
}

const curveWords =
  'Each line is the mean over the images of a method, the band around it one standard error to either side. Insertion starts from a picture without its pixels and puts them back, most salient first: a good map rises early, and the area below the line is its score. Deletion takes them out of the whole picture: a good map falls early, and a small area is good. Lines whose bands overlap are not told apart by these images; the paired differences above are the sharper test.';

function numbersSection(rows: readonly ComparisonRow[], reference: string | undefined): Markup {
  const paired =
    rows.length > 1 &&
    reference !== undefined &&
    markup`<h3>Image by image, compared with ${reference}</h3><p>The mean difference on the same images. Some images are easy for every method and some hard; that cancels here. “Better” and “worse” stand where the difference is more than two standard errors; elsewhere these images do not decide it.</p>${differencesTable(rows, reference)}`;
  return markup`<p>Mean ± standard error over the images. ↑ more is better, ↓ less is better; the best mean is bold, which does not make it better by more than chance.</p>${meansTable(rows)}${paired}`;
}

function mapWords({isUnit}: SharedScale, scale: ReportSettings['scale']): string {
  const frame = 'Each picture is cut as the network saw it and shown in grey below its maps.';
  if (scale === 'ranks') {
    const share = `${Math.round(100 * COLORED)}%`;
    return `${frame} Colour shows the ${share} of the pixels that a map ranks highest, brighter the higher; the same number of pixels for every method, whatever the unit of its values. Insertion and deletion read these ranks and nothing else. How strong the evidence is cannot be seen here.`;
  }
  const common = `${frame} All maps share one colour scale.`;
  return isUnit
    ? common
    : `${common} Not all of them lie between 0 and 1, so methods may have different units: compare places, not colours, between methods.`;
}

function scaleBar(bar: string, {range: [low, high]}: SharedScale, scale: ReportSettings['scale']): Markup {
  const ends =
    scale === 'ranks'
      ? [`top ${Math.round(100 * COLORED)}%`, 'highest ranked']
      : [`${numberText(low)} (little)`, `${numberText(high)} (much)`];
  return markup`<div class="scale"><span>${ends[0]}</span><img src="${bar}" width="256" height="12" alt="Colour scale of the maps"><span>${ends[1]}</span></div>`;
}

function ramp(colormap: ReportSettings['colormap']): RgbaImage {
  const width = 256;
  return colorize({data: Array.from({length: width * 12}, (_, index) => index % width), width, height: 12}, {colormap});
}

function trainingSection({training = []}: ReportSettings): Markup {
  const warnings = training.filter(({kind}) => kind === 'warning');
  return markup`<p>How the losses fell. A loss that still falls at the end asks for a longer training; one that falls while the validation rises has learned its pictures by heart.</p>${warnings.map(({warning}) => markup`<p><b>Warning:</b> ${warning ?? ''}</p>`)}<div class="charts">${trainingCharts(training)}</div>`;
}

function wordsSection(rows: readonly ComparisonRow[], {notes = {}}: ReportSettings): Markup {
  const own = new Map(Object.entries(notes));
  const entries = metricNames(rows).map((name) => {
    const {tells, not} = metricWords(name, rows);
    const note = own.get(name);
    return markup`<dt>${name}</dt>${note !== undefined && markup`<dd>${note}</dd>`}<dd>${tells}</dd><dd class="not">${not}</dd>`;
  });
  const counts = [
    rows.some(({emptyMaps}) => emptyMaps > 0) &&
      markup`<dt>flat maps</dt><dd>Maps whose values are all equal. Insertion and deletion then follow the order of the pixels in memory, so their numbers mean little.</dd>`,
    rows.some(({tiedMaps}) => tiedMaps > 0) &&
      markup`<dt>tied peaks</dt><dd>Maps whose highest value is shared by several pixels; the pointing game counts their share.</dd>`,
  ];
  return markup`<dl class="words"><dt>±</dt><dd>One standard error: how far the mean would move, typically, with other images of the same kind. It knows nothing of other models or other kinds of images.</dd>${counts}${entries}</dl>`;
}

function checkReference(rows: readonly ComparisonRow[], reference: string | undefined): void {
  if (reference === undefined || rows.some(({method}) => method === reference)) return;
  const methods = rows.map(({method}) => show(method)).join(', ');
  throw new RangeError(`${WHERE}: reference must be one of the rows, ${methods || 'of which there are none'}, but is ${show(reference)}.`);
}
