/**
 * The tables 2, 3 and 4 of Lee & Kim 2021 and their figures 5 to 10, for one of the paper's data sets and one network: the
 * accuracy of the students, the speed of the methods and the intensity of their maps, insertion and deletion.
 *
 *     npm run bench -- paper --dataset NAME --root DIR
 *
 * NAME: imagenet, cub200, cars, aircraft-variant, aircraft-family, aircraft-manufacturer, each with the archive's folder as DIR (a
 * part of it with `--partial`); or sample and shapes, for trying.
 *
 * The methods are ours as it is by default, ours in the paper's form with λ 1e-5 and 1e-4 (`paperMethod()`), RISE, LIME and
 * Grad-CAM. Whatever is interrupted goes on when the same command runs again; what is there already is not computed
 * again. All of it lies in `out/paper/`, in a folder for each choice of options that matter.
 *
 * - `--teacher NAME|FOLDER` (by the data set), for a folder also `--preprocessing tf|torch|caffe` and `--label-offset N`;
 *   `--batch N`
 * - `--recipe short|paper`: `paper` trains as the paper does, the fine-tuning of a teacher (100 epochs) included;
 *   `short` (default) takes `--tune-epochs`, `--student-epochs`, `--explanation-epochs` with Adam, and `--steps` for ours
 *   (0: the explainer of bench/explainers); `--train-images N` takes some of the training pictures
 * - `--images N`, `--slow N` (pictures for RISE and LIME), `--masks N` (of RISE), `--samples N` (of LIME), `--repeats N` (of
 *   timing), `--seed N`, `--backend NAME`
 */
import {createHash} from 'node:crypto';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {
  gradCamExplainer,
  limeExplainer,
  paperMethod,
  paperTraining,
  riseExplainer,
  selectBackend,
  teacherFromLayersModel,
  toNetworkInput,
  type AttentiveDistiller,
  type BackendName,
  type BatchFunction,
  type BatchSource,
  type Explainer,
  type Teacher,
  type TrainingBatch,
  type TrainOptions,
} from '../src/index.js';
import {at} from '../src/core/at.js';
import {formatTable} from '../src/core/format-table.js';
import {meanOf, type MeanOf} from '../src/metrics/mean-of.js';
import {cachedExplainer} from './cached-explainer.js';
import {kept} from './kept.js';
import {methodRates, predicting, type MethodRates} from './method-rates.js';
import {paperDatasets, published, publishedSpeed, type PaperDataset} from './paper-data.js';
import {drawFigures} from './paper-figures.js';
import {meansOf, paperScores, type Score} from './paper-scores.js';
import {fineTuned, loadPaperTeacher, type PaperTeacher} from './paper-teacher.js';
import type {BenchResult, BenchRow} from './report.js';
import {explainerIn, makeExplainer} from './trained-explainer.js';

const LAMBDAS = [1e-5, 1e-4];
const OURS = 'ours';
const SLOW = ['RISE', 'LIME'];
const paperName = (lambda: number): string => `paper, λ ${lambda.toExponential()}`;

/** Runs the bench. */
export async function run(args: string[]): Promise<BenchResult> {
  const {values} = parseArgs({
    args,
    options: {
      dataset: {type: 'string', default: 'sample'},
      root: {type: 'string'},
      partial: {type: 'boolean', default: false},
      teacher: {type: 'string'},
      preprocessing: {type: 'string', default: 'tf'},
      batch: {type: 'string'},
      'label-offset': {type: 'string', default: '0'},
      recipe: {type: 'string', default: 'short'},
      'tune-epochs': {type: 'string', default: '20'},
      'student-epochs': {type: 'string', default: '2'},
      'explanation-epochs': {type: 'string', default: '10'},
      steps: {type: 'string', default: '0'},
      'train-images': {type: 'string'},
      images: {type: 'string', default: '200'},
      slow: {type: 'string', default: '60'},
      masks: {type: 'string', default: '2000'},
      samples: {type: 'string', default: '1000'},
      repeats: {type: 'string', default: '9'},
      seed: {type: 'string', default: '7'},
      backend: {type: 'string'},
    },
  });
  await selectBackend({prefer: values.backend === undefined ? ['tfjs-node', 'wasm'] : [values.backend as BackendName]});
  const read = paperDatasets[values.dataset];
  if (read === undefined)
    throw new RangeError(`--dataset must be one of ${Object.keys(paperDatasets).join(', ')}, but is '${values.dataset}'.`);
  if (!['short', 'paper'].includes(values.recipe)) throw new RangeError(`--recipe must be 'short' or 'paper', but is '${values.recipe}'.`);
  const dataset = await read({root: values.root, partial: values.partial});
  const name = values.teacher ?? dataset.teacher;
  // More pictures or repeats go on with what is there; anything else begins anew.
  const {images, slow, repeats, ...decisive} = values;
  const mark = createHash('sha256').update(JSON.stringify(decisive)).digest('hex').slice(0, 8);
  const count = Math.min(Number(images), dataset.numMeasured);
  return measure({
    dataset,
    name,
    choice: {
      name,
      preprocessing: values.preprocessing,
      batchSize: values.batch === undefined ? undefined : Number(values.batch),
      labelOffset: Number(values['label-offset']),
    },
    isPapers: values.recipe === 'paper',
    epochs: {
      tune: Number(values['tune-epochs']),
      student: Number(values['student-epochs']),
      explanation: Number(values['explanation-epochs']),
    },
    steps: Number(values.steps),
    trainImages: Number(values['train-images'] ?? Infinity),
    images: count,
    slow: Math.min(Number(slow), count),
    masks: Number(values.masks),
    samples: Number(values.samples),
    repeats: Number(repeats),
    seed: Number(values.seed),
    command: ['npm run bench -- paper', ...args].join(' '),
    folder: join('out/paper', `${values.dataset}-${name.replaceAll(/[^\w.-]/g, '_')}-${mark}`),
  });
}

interface Settings {
  readonly dataset: PaperDataset;
  /** Of the teacher. */
  readonly name: string;
  readonly choice: Parameters<typeof loadPaperTeacher>[0];
  /** Whether everything is trained as in the paper. */
  readonly isPapers: boolean;
  readonly epochs: Readonly<Record<'tune' | 'student' | 'explanation', number>>;
  readonly steps: number;
  readonly trainImages: number;
  readonly images: number;
  readonly slow: number;
  readonly masks: number;
  readonly samples: number;
  readonly repeats: number;
  readonly seed: number;
  readonly command: string;
  readonly folder: string;
}

async function measure(settings: Settings): Promise<BenchResult> {
  const {dataset, name, folder, images, slow, seed, masks, samples} = settings;
  console.log(`What is there already, and what comes, lies in ${folder}.`);
  const {model, preprocessing, batchSize, labelOffset} = await teacherOf(settings);
  const teacher = teacherFromLayersModel(model, {preprocessing, name});
  const batches = (): Promise<BatchFunction> => trainingBatches(settings, teacher, batchSize, labelOffset);
  const distillers: Record<string, AttentiveDistiller> = {
    [OURS]: await oursOf(settings, teacher, batches),
  };
  for (const lambda of LAMBDAS) distillers[paperName(lambda)] = await paperForm(settings, teacher, lambda, batches);
  const methods: Record<string, Explainer> = {
    ...distillers,
    RISE: riseExplainer(teacher, {numMasks: masks}),
    LIME: limeExplainer(teacher, {numSamples: samples}),
    'Grad-CAM': gradCamExplainer(teacher),
  };
  const explainers = Object.fromEntries(
    Object.entries(methods).map(([method, explainer]) => [method, cachedExplainer(explainer, join(folder, 'maps', method))]),
  );
  const pictures = Object.fromEntries(Object.keys(methods).map((method) => [method, SLOW.includes(method) ? slow : images]));
  const scores = await paperScores({dataset, teacher, explainers, pictures, seed, folder});
  const accuracies = await accuraciesOf(settings, distillers, labelOffset);
  const speeds = await speedsOf(settings, {model, teacher, methods});
  const files = await drawFigures({
    ...{dataset, teacher, explainers, scores, folder},
    curvesOf: [OURS, paperName(at(LAMBDAS, 0))],
    ours: paperName(at(LAMBDAS, 0)),
    common: slow,
    nameOf: (target) => dataset.classNames[target - labelOffset] ?? `class ${target}`,
  });
  console.log(`Figures: ${files.join(', ')}.`);
  for (const distiller of Object.values(distillers)) distiller.dispose();
  model.dispose();
  return report(dataset, accuracies, speeds, scores);
}

/** The network that is explained. */
async function teacherOf({dataset, choice, isPapers, epochs, trainImages, seed, folder}: Settings): Promise<PaperTeacher> {
  const teacher = await loadPaperTeacher(choice);
  if (!dataset.fineTunes) return teacher;
  const size = at(teacher.model.inputs, 0).shape.slice(1, 3) as [number, number];
  return fineTuned(teacher, {
    numClasses: dataset.classNames.length,
    seed,
    folder,
    ...(isPapers ? {} : {epochs: epochs.tune}),
    batches: () => dataset.training({size, batchSize: teacher.batchSize, seed, limit: trainImages}),
  });
}

/** The training pictures with the classes of the teacher. */
async function trainingBatches(
  {dataset, trainImages, seed}: Settings,
  {inputShape}: Teacher,
  batchSize: number,
  labelOffset: number,
): Promise<BatchFunction> {
  const [height, width] = inputShape;
  const batches = await dataset.training({size: [height, width], batchSize, seed, limit: trainImages});
  return labelOffset === 0 ? batches : withOffset(batches, labelOffset);
}

function withOffset(batches: BatchFunction, labelOffset: number): BatchFunction {
  async function* moved(source: BatchSource): AsyncGenerator<TrainingBatch> {
    for await (const {images, labels = []} of source)
      yield {images, labels: Array.from(labels as ArrayLike<number>, (label) => label + labelOffset)};
  }
  const all = async (epoch: number): Promise<BatchSource> => moved(await batches(epoch));
  return Object.assign(all, {batchesPerEpoch: batches.batchesPerEpoch});
}

/** Ours as it is by default. */
async function oursOf(settings: Settings, teacher: Teacher, batches: () => Promise<BatchFunction>): Promise<AttentiveDistiller> {
  const {name, steps, seed, command, folder, dataset} = settings;
  const made = steps === 0 && !dataset.fineTunes ? join(import.meta.dirname, 'explainers', name) : join(folder, OURS);
  const training: TrainOptions = steps === 0 ? {} : {budget: {steps}};
  const recipe = {teacher, seed, batches, training, states: join(folder, `${OURS}-states`), command};
  return (await explainerIn(made, OURS, teacher)) ?? makeExplainer(join(folder, OURS), OURS, recipe);
}

/** Ours in the paper's form. */
async function paperForm(
  {isPapers, epochs: {student, explanation}, seed, command, folder}: Settings,
  teacher: Teacher,
  lambda: number,
  batches: () => Promise<BatchFunction>,
): Promise<AttentiveDistiller> {
  const name = paperName(lambda);
  const made = join(folder, name);
  const training: TrainOptions = isPapers
    ? {...paperTraining(), lambda}
    : {epochs: {student, explanation}, learningRate: {student: 5e-5, explanation: 1e-3}, lambda};
  const recipe = {teacher, seed, ...paperMethod(), batches, training, states: `${made}-states`, command};
  return (await explainerIn(made, name, teacher)) ?? makeExplainer(made, name, recipe);
}

/** Top-1 accuracies with their standard errors: of the teacher, and of every student. */
async function accuraciesOf(
  {dataset, images, folder}: Settings,
  distillers: Readonly<Record<string, AttentiveDistiller>>,
  labelOffset: number,
): Promise<Record<string, MeanOf>> {
  return kept(join(folder, `accuracies-${images}.json`), async () => {
    const PART = 50;
    async function* parts(): AsyncGenerator<TrainingBatch> {
      for (let first = 0; first < images; first += PART) {
        const part = await dataset.measured(first, Math.min(first + PART, images));
        yield {images: part.images, labels: part.labels.map((label) => label + labelOffset)};
      }
    }
    const shareOf = (share: number): MeanOf =>
      meanOf(Array.from({length: images}, (_, index) => Number(index < Math.round(share * images))));
    const found: Record<string, MeanOf> = {};
    for (const [method, distiller] of Object.entries(distillers)) {
      const {studentAccuracy, teacherAccuracy} = await distiller.evaluate(parts, {causal: false});
      found['teacher'] ??= shareOf(teacherAccuracy ?? NaN);
      found[method] = shareOf(studentAccuracy ?? NaN);
    }
    return found;
  });
}

interface Subject {
  readonly model: PaperTeacher['model'];
  readonly teacher: Teacher;
  readonly methods: Readonly<Record<string, Explainer>>;
}

/** Images per second, one image at a time. */
async function speedsOf({dataset, folder, repeats}: Settings, {model, teacher, methods}: Subject): Promise<MethodRates> {
  return kept(join(folder, `speeds-${repeats}.json`), async () => {
    const {images} = await dataset.measured(0, 1);
    const image = toNetworkInput(at(images, 0), teacher);
    const timed = Object.entries(methods).map(([method, explainer]) => {
      const work = (): Promise<unknown> => explainer.explain(image, {target: 0});
      return [method, {work, isSlow: SLOW.includes(method)}] as const;
    });
    return methodRates(predicting(model, image), Object.fromEntries(timed), repeats).finally(() => image.dispose());
  });
}

function report(
  {column}: PaperDataset,
  accuracies: Readonly<Record<string, MeanOf>>,
  {rates, shares}: MethodRates,
  scores: Readonly<Record<string, readonly Score[]>>,
): BenchResult {
  const paper = published[column];
  const means = Object.fromEntries(Object.entries(scores).map(([method, all]) => [method, meansOf(all)]));
  const tables: Readonly<Record<string, BenchRow[]>> = {
    'Table 2: top-1 accuracy': Object.entries(accuracies).map(([network, accuracy]) => ({
      network: network === 'teacher' ? 'target network' : `student of ${network}`,
      accuracy: shown(accuracy),
      pictures: accuracy.images,
      [`paper, ${column}`]: network === 'teacher' ? paper.teacher : network === paperName(at(LAMBDAS, 0)) ? paper.student : '–',
    })),
    'Table 3: speed and mean intensity': Object.entries(rates).map(([method, rate]) => ({
      method,
      'images/s': Number(rate.toPrecision(3)),
      '÷ normal': Number((shares[method] ?? 1).toPrecision(3)),
      intensity: means[method] === undefined ? '1' : shown(means[method].intensity),
      pictures: means[method]?.intensity.images ?? '',
      'paper images/s': publishedSpeed[method]?.[0] ?? '–',
      'paper intensity': publishedSpeed[method]?.[1] ?? '–',
    })),
    'Table 4: insertion and deletion': Object.entries(means).map(([method, {insertion, deletion}]) => ({
      method,
      insertion: shown(insertion),
      deletion: shown(deletion),
      pictures: insertion.images,
      [`paper, ${column}`]: (paper.scores[method] ?? ['–', '–']).join(' / '),
    })),
  };
  for (const [title, rows] of Object.entries(tables)) {
    const header = Object.keys(at(rows, 0));
    console.log(
      `\n${title}\n${formatTable(
        header,
        rows.map((row) => header.map((name) => row[name] ?? '')),
      )}`,
    );
  }
  const against = (measure: 'insertion' | 'deletion'): Record<string, number> =>
    Object.fromEntries(
      Object.keys(means)
        .filter((method) => method !== 'RISE')
        .map((method) => [`${measure}.${method}/RISE`, ratioOf(scores[method] ?? [], scores['RISE'] ?? [], measure)]),
    );
  const rows = Object.entries(tables).flatMap(([title, all]) => all.map((row) => ({table: title.slice(0, 7), ...row})));
  return {rows, ratios: {...against('insertion'), ...against('deletion')}};
}

function shown({mean, standardError}: MeanOf): string {
  // What was kept as JSON has null for NaN.
  return `${mean.toFixed(3)} ± ${(standardError ?? NaN).toFixed(3)}`;
}

/** The mean of one method ÷ that of another, over the pictures that both explained. */
function ratioOf(ours: readonly Score[], theirs: readonly Score[], measure: 'insertion' | 'deletion'): number {
  const common = ours.filter(({picture}) => theirs.some((other) => other.picture === picture));
  const sumOf = (scores: readonly Score[]): number =>
    scores.filter(({picture}) => common.some((each) => each.picture === picture)).reduce((sum, {values}) => sum + values[measure], 0);
  return sumOf(ours) / sumOf(theirs);
}
