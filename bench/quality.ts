/**
 * How good maps are: ours in one pass, Grad-CAM, RISE and chance, on pictures that were not trained on, against the
 * baselines of training and others. Takes the explainers in bench/explainers; `--train` makes them anew, going on where it was
 * interrupted.
 *
 * Options: `--models a,b`, `--train`, `--steps N` or `--minutes N`, `--images N`, `--slow N` (pictures for RISE),
 * `--refine K` (ours with K steps of refining beside one pass, on the pictures of the slow ones), `--seed N`,
 * `--backend NAME`, `--paper λ,λ` (trains the paper's form as well, with each of these λ).
 */
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {squeeze, tidy, topk, type Tensor3D, type Tensor4D} from '@tensorflow/tfjs-core';
import {
  AttentiveDistiller,
  FlatMapError,
  batchesOf,
  compare,
  formatComparison,
  gradCamExplainer,
  pairedDifferences,
  paperMethod,
  randomExplainer,
  riseExplainer,
  selectBackend,
  teacherFromLayersModel,
  toNetworkInput,
  type BackendName,
  type Budget,
  type ComparisonRow,
  type EpochBatches,
  type Explainer,
  type Fill,
  type SaliencyMap,
  type Teacher,
} from '../src/index.js';
import {at} from '../src/core/at.js';
import {pictureSheet, writePng, type PictureRow} from '../src/node/index.js';
import {overlay} from '../src/render/index.js';
import {ProgressBar} from '../src/cli/progress-bar.js';
import {cachedExplainer} from './cached-explainer.js';
import {loadModel} from './data.js';
import {qualityCases, type Measured, type QualityCase} from './quality-cases.js';
import type {BenchResult, BenchRow} from './report.js';
import {shownAs} from './shown-picture.js';
import {explainerIn, makeExplainer, trainShown} from './trained-explainer.js';

const RISE_MASKS = 2000;
const REFINED = 'ours, refined';
const RISE = 'RISE';
const GRAD_CAM = 'Grad-CAM';
const FOLDER = join(import.meta.dirname, 'explainers');

/** Runs the bench. */
export async function run(args: string[]): Promise<BenchResult> {
  const {values} = parseArgs({
    args,
    options: {
      models: {type: 'string', default: Object.keys(qualityCases).join(',')},
      train: {type: 'boolean', default: false},
      steps: {type: 'string'},
      minutes: {type: 'string'},
      images: {type: 'string'},
      slow: {type: 'string'},
      refine: {type: 'string', default: '0'},
      seed: {type: 'string', default: '7'},
      backend: {type: 'string'},
      paper: {type: 'string'},
    },
  });
  await selectBackend({prefer: values.backend === undefined ? ['tfjs-node', 'wasm'] : [values.backend as BackendName]});
  const rows: BenchRow[] = [];
  const ratios: Record<string, number> = {};
  for (const name of values.models.split(',')) {
    const entry = qualityCases[name];
    if (entry === undefined) throw new RangeError(`--models must name ${Object.keys(qualityCases).join(', ')}, but names '${name}'.`);
    const result = await measure(name, entry, {
      train: values.train,
      budget:
        values.steps !== undefined
          ? {steps: Number(values.steps)}
          : values.minutes !== undefined
            ? {minutes: Number(values.minutes)}
            : entry.budget,
      images: Number(values.images ?? entry.images),
      slow: Number(values.slow ?? entry.slow),
      refine: Number(values.refine),
      seed: Number(values.seed),
      lambdas: values.paper?.split(',').map(Number) ?? [],
      command: ['npm run bench -- quality', ...args].join(' '),
    });
    rows.push(...result.rows);
    Object.assign(ratios, result.ratios);
  }
  return {rows, ratios};
}

interface Settings {
  readonly train: boolean;
  readonly budget: Budget;
  readonly images: number;
  readonly slow: number;
  readonly refine: number;
  readonly seed: number;
  readonly lambdas: readonly number[];
  readonly command: string;
}

async function measure(name: string, entry: QualityCase, settings: Settings): Promise<{rows: BenchRow[]; ratios: Record<string, number>}> {
  const model = await loadModel(name);
  const teacher = teacherFromLayersModel(model, {preprocessing: entry.preprocessing, name});
  const ours = await explainerOf(name, entry, teacher, settings);
  const papers: [method: string, distiller: AttentiveDistiller][] = [];
  for (const lambda of settings.lambdas) {
    const paper = await paperExplainer(name, entry, teacher, lambda, settings);
    if (paper !== undefined) papers.push([`paper, λ ${lambda}`, paper]);
  }
  const measured = await entry.measured(settings.images);
  const parts = batchesOf(measured.images, {batchSize: entry.batchSize, seed: settings.seed});
  const known: Record<string, {agreement: number; intensity: number}> = {};
  for (const [method, distiller] of [['ours', ours], ...papers] as const) {
    const {agreement, meanIntensity} = await distiller.evaluate(parts, {causal: false});
    known[method] = {agreement, intensity: meanIntensity};
  }
  const rise = cachedExplainer(riseExplainer(teacher, {numMasks: RISE_MASKS}), join('out/quality', `rise-${name}`));
  const explainers: Record<string, Explainer> = {
    ours,
    ...(settings.refine > 0 ? {[REFINED]: refined(ours, settings.refine)} : {}),
    [RISE]: rise,
    [GRAD_CAM]: gradCamExplainer(teacher),
    ...Object.fromEntries(papers),
    random: randomExplainer(teacher),
  };
  const judged = await judge(name, teacher, explainers, measured, settings, await unseenPicture(entry, teacher));
  await drawSheet(name, teacher, explainers, measured, settings.slow);
  ours.dispose();
  for (const [, paper] of papers) paper.dispose();
  model.dispose();
  const {agreement, intensity} = known['ours'] ?? {agreement: NaN, intensity: NaN};
  return {
    rows: judged.rows.map((row) => ({teacher: name, ...row, ...(known[String(row['method'])] ?? {agreement: '', intensity: ''})})),
    ratios: {...judged.ratios, [`agreement.${name}`]: agreement, [`intensity.${name}`]: intensity},
  };
}

/** The same explainer with steps of refining. */
function refined(ours: AttentiveDistiller, refine: number): Explainer {
  return {method: REFINED, explain: (images, options) => ours.explain(images, {...options, refine})};
}

/** The explainer of bench/explainers, trained anew if that is asked for, or there is none. */
async function explainerOf(name: string, entry: QualityCase, teacher: Teacher, settings: Settings): Promise<AttentiveDistiller> {
  const folder = join(FOLDER, name);
  const known = settings.train ? undefined : await explainerIn(folder, name, teacher);
  return (
    known ??
    makeExplainer(folder, name, {
      teacher,
      seed: settings.seed,
      batches: () => batchesFor(entry, settings),
      training: {budget: settings.budget},
      states: `out/quality/training-${name}`,
      command: settings.command,
    })
  );
}

/**
 * The paper's form, with a λ; the student for two passes, the explanation network for ten. `undefined` where its maps become
 * flat: this λ does not fit.
 */
async function paperExplainer(
  name: string,
  entry: QualityCase,
  teacher: Teacher,
  lambda: number,
  settings: Settings,
): Promise<AttentiveDistiller | undefined> {
  const distiller = await AttentiveDistiller.create({teacher, ...paperMethod(), seed: settings.seed});
  const title = `${name}, paper, λ ${lambda}`;
  try {
    await trainShown(title, distiller, await batchesFor(entry, settings), {
      epochs: {student: 2, explanation: 10},
      learningRate: {student: 5e-5, explanation: 2e-3},
      lambda,
    });
    return distiller;
  } catch (error) {
    distiller.dispose();
    if (!(error instanceof FlatMapError)) throw error;
    console.log(`${title}: ${error.message}`);
    return undefined;
  }
}

async function batchesFor({batchSize, training}: QualityCase, {seed}: Settings): Promise<EpochBatches> {
  return batchesOf(await training(), {batchSize, seed, flip: true});
}

/** Other baselines than those of the common measures: that training draws, and that it never draws. */
function judgesOf(
  picture: Tensor3D,
): readonly {readonly name: string; readonly seen: boolean; readonly insertion: Fill; readonly deletion: Fill}[] {
  return [
    {name: 'swapped', seen: true, insertion: 'zeros', deletion: 'blur'},
    {name: 'mean colour', seen: true, insertion: 'mean', deletion: 'mean'},
    {name: 'imputed', seen: false, insertion: 'imputed', deletion: 'imputed'},
    {name: 'grey', seen: false, insertion: 0.5, deletion: 0.5},
    {name: 'a picture', seen: false, insertion: picture, deletion: picture},
  ];
}

async function unseenPicture({training}: QualityCase, teacher: Teacher): Promise<Tensor3D> {
  const input = toNetworkInput(at(await training(), 0), teacher);
  const picture = squeeze<Tensor3D>(input, [0]);
  input.dispose();
  return picture;
}

const measures = ['insertion', 'deletion'] as const;

async function judge(
  name: string,
  teacher: Teacher,
  explainers: Record<string, Explainer>,
  {images, regions}: Measured,
  {slow, seed}: Settings,
  picture: Tensor3D,
): Promise<{rows: BenchRow[]; ratios: Record<string, number>}> {
  const bar = new ProgressBar();
  const common = {explainers, model: teacher, seed};
  const standard = await compare({
    ...common,
    metrics: [...measures, 'srg', ...(regions ? (['pointing', 'energy'] as const) : [])],
    images,
    regions,
    limits: Object.fromEntries([RISE, REFINED].filter((method) => method in explainers).map((method) => [method, slow])),
    onProgress: ({done, total}) => bar.update({stage: `${name}, standard`, done, total}),
  });
  bar.stop();
  console.log(`\n${name}:\n${formatComparison(standard, {standardErrors: true})}`);
  for (const reference of [RISE, GRAD_CAM])
    console.log(`\nDifferences from ${reference}:\n${formatComparison(pairedDifferences(standard, {reference}), {standardErrors: true})}`);
  const judges = judgesOf(picture);
  const others = await compare({
    ...common,
    metrics: judges.flatMap(({name: judgeName, ...fills}) =>
      measures.map((metric) => ({metric, name: `${metric}, ${judgeName}`, fill: fills[metric]})),
    ),
    // They cost several times as much for every picture; the slow ones' pictures have to do.
    images: images.slice(0, slow),
    onProgress: ({done, total}) => bar.update({stage: `${name}, other baselines`, done, total}),
  });
  bar.stop();
  picture.dispose();
  console.log(`\n${name}, other baselines:\n${formatComparison(others, {standardErrors: true})}`);

  const unseen = judges.filter(({seen}) => !seen).map(({name: judgeName}) => judgeName);
  const ratios: Record<string, number> = {};
  for (const [method, label] of [
    ['ours', 'ours'],
    [REFINED, 'refined'],
  ] as const) {
    if (!(method in explainers)) continue;
    for (const metric of measures) {
      for (const other of [RISE, GRAD_CAM]) {
        const key = `${metric}.${label}/${other.replace('-', '')}.${name}`;
        ratios[key] = ratioOf(standard, method, other, [metric]);
        ratios[`unseen.${key}`] = ratioOf(
          others,
          method,
          other,
          unseen.map((judgeName) => `${metric}, ${judgeName}`),
        );
      }
    }
  }
  const valuesOf = (row: ComparisonRow): Record<string, number> =>
    Object.fromEntries(Object.entries(row.values).map(([metric, {mean}]) => [metric, mean]));
  return {
    rows: standard.map((row, index) => ({
      method: row.method,
      images: row.images,
      ...valuesOf(row),
      ...valuesOf(others[index] as ComparisonRow),
    })),
    ratios,
  };
}

/** The mean of a method ÷ that of another, over metrics and the images that both explained. */
function ratioOf(rows: readonly ComparisonRow[], method: string, other: string, metrics: readonly string[]): number {
  const [ours, theirs] = [method, other].map((each) => rows.find((row) => row.method === each)?.perImage ?? []) as [
    ComparisonRow['perImage'],
    ComparisonRow['perImage'],
  ];
  const pairs = ours.flatMap((image) =>
    theirs.filter(({index}) => index === image.index).map((their) => [image.values, their.values] as const),
  );
  const sumOf = (side: 0 | 1): number =>
    pairs.reduce((sum, pair) => sum + metrics.reduce((inner, metric) => inner + (pair[side][metric] ?? NaN), 0), 0);
  return sumOf(0) / sumOf(1);
}

const SHEET = 24;
const SECOND_CLASSES = 12;
const CELL = 192;

/** All methods side by side, the first pictures also with the second likeliest class. */
async function drawSheet(
  name: string,
  teacher: Teacher,
  explainers: Record<string, Explainer>,
  {images}: Measured,
  slow: number,
): Promise<void> {
  const {ours, [RISE]: rise, [GRAD_CAM]: gradCam} = explainers as Record<'ours' | typeof RISE | typeof GRAD_CAM, Explainer>;
  const rows: PictureRow[] = [];
  for (const [index, image] of images.slice(0, SHEET).entries()) {
    const input = toNetworkInput(image, teacher);
    const [first, second] = await likeliest(teacher, input);
    const [best, other] = await ours.explain(input, {target: [first, second]});
    const cells = [
      {map: best, caption: `class ${first}`},
      ...(index < SECOND_CLASSES ? [{map: other, caption: `class ${second}`}] : []),
      ...(index < slow ? [{map: (await rise.explain(input, {target: first}))[0], caption: 'RISE'}] : []),
      {map: (await gradCam.explain(input, {target: first}))[0], caption: 'Grad-CAM'},
    ];
    input.dispose();
    const {height, width} = best as SaliencyMap;
    const shown = await shownAs(image, height, width);
    const drawn = cells.map(({map, caption}) => ({image: overlay(shown, map as SaliencyMap, {opacity: 0.6}), caption}));
    const row = {cells: [{image: shown, caption: ''}, ...drawn]};
    rows.push(row);
  }
  const path = `out/quality-${name}.png`;
  await writePng(path, await pictureSheet(rows, {cellSize: CELL, kernel: 'lanczos3'}));
  console.log(`Maps: ${path}.`);
}

async function likeliest(teacher: Teacher, input: Tensor4D): Promise<[number, number]> {
  const best = tidy(() => topk(teacher.logits(input), 2).indices);
  const [first = 0, second = 0] = await best.data();
  best.dispose();
  return [first, second];
}
