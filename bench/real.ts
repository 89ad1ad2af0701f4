/**
 * Real teachers, real pictures: distils on wasm, then compares ours with the other methods on pictures
 * that were not trained on. Options: `--models a,b`, `--images N`, `--slow N` (images for RISE and
 * LIME), `--epochs N`, `--lambda X`, `--seed N`; pictures of the maps go to out/real-NAME.png.
 */
import {parseArgs} from 'node:util';
import {
  AttentiveDistiller,
  batchesOf,
  compare,
  formatComparison,
  gradCamExplainer,
  limeExplainer,
  randomExplainer,
  riseExplainer,
  selectBackend,
  teacherFromLayersModel,
  type ComparisonRow,
  type DecodedImage,
  type Explainer,
  type FitOptions,
  type Preprocessing,
  type Region,
} from '../src/index.js';
import {resolvePreprocessing} from '../src/core/preprocessing.js';
import {writeSheet} from '../quickstart/sheet.js';
import {ProgressBar} from '../quickstart/progress-bar.js';
import {loadCifar, loadModel, loadPictures} from './data.js';
import type {BenchResult, BenchRow} from './report.js';

/** A teacher with its pictures and settings. */
interface Case {
  readonly preprocessing: Preprocessing;
  readonly training: FitOptions;
  readonly batchSize: number;
  /** Pictures to train on, and to measure on, with boxes where the object is known. */
  load(images: number): Promise<{train: DecodedImage[]; measure: DecodedImage[]; regions: Region[] | undefined}>;
}

const cases: Readonly<Record<string, Case>> = {
  resnet20_cifar10: {
    preprocessing: resolvePreprocessing('bench', 'torch'),
    training: {epochs: {student: 1, explanation: 4}, lambda: 3e-5, learningRate: {student: 5e-5, explanation: 1e-3}},
    batchSize: 32,
    // The last 500 pictures are kept for measuring.
    load: async (images) => {
      const pictures = await loadCifar();
      return {train: pictures.slice(0, -500), measure: pictures.slice(-500).slice(0, images), regions: undefined};
    },
  },
  mobilenet_v1_025_128: {
    // The teacher was measured with TensorFlow's bilinear resize, which does not average.
    preprocessing: {...resolvePreprocessing('bench', 'tf'), antialias: false},
    // A thousand classes: other values of λ and fill were tried, see docs/benchmarks.md.
    training: {epochs: {student: 2, explanation: 10}, lambda: 5e-5, fill: 'blur', learningRate: {student: 5e-5, explanation: 2e-3}},
    batchSize: 16,
    load: async (images) => {
      const [train, measure] = [await loadPictures('imagenet-sample'), await loadPictures('ilsvrc-val', images)];
      return {train: train.map(({image}) => image), measure: measure.map(({image}) => image), regions: measure.map(({boxes}) => boxes)};
    },
  },
};

const RISE_MASKS = 2000;
const LIME_SAMPLES = 1000;

/** Runs the bench. */
export async function run(args: string[]): Promise<BenchResult> {
  const {values} = parseArgs({
    args,
    options: {
      models: {type: 'string', default: Object.keys(cases).join(',')},
      images: {type: 'string', default: '100'},
      slow: {type: 'string', default: '30'},
      epochs: {type: 'string'},
      lambda: {type: 'string'},
      seed: {type: 'string', default: '7'},
    },
  });
  await selectBackend({prefer: ['wasm']});
  const rows: BenchRow[] = [];
  const ratios: Record<string, number> = {};
  for (const name of values.models.split(',')) {
    const entry = cases[name];
    if (entry === undefined) throw new RangeError(`--models must name ${Object.keys(cases).join(' and ')}, but names '${name}'.`);
    const result = await runCase(name, entry, {
      images: Number(values.images),
      slow: Number(values.slow),
      seed: Number(values.seed),
      epochs: values.epochs === undefined ? undefined : Number(values.epochs),
      lambda: values.lambda === undefined ? undefined : Number(values.lambda),
    });
    rows.push(...result.rows);
    Object.assign(ratios, result.ratios);
  }
  return {rows, ratios};
}

interface Settings {
  readonly images: number;
  readonly slow: number;
  readonly seed: number;
  readonly epochs: number | undefined;
  readonly lambda: number | undefined;
}

async function runCase(
  name: string,
  entry: Case,
  {images, slow, seed, epochs, lambda}: Settings,
): Promise<{rows: BenchRow[]; ratios: Record<string, number>}> {
  const {train, measure, regions} = await entry.load(images);
  const model = await loadModel(name);
  const teacher = teacherFromLayersModel(model, {preprocessing: entry.preprocessing, name});
  const distiller = await AttentiveDistiller.create({teacher, seed});
  const bar = new ProgressBar();
  const batches = batchesOf(train, {batchSize: entry.batchSize, seed, flip: true});
  const training: FitOptions = {
    ...entry.training,
    batchesPerEpoch: Math.ceil(train.length / entry.batchSize),
    ...(epochs === undefined ? {} : {epochs: {student: 1, explanation: epochs}}),
    ...(lambda === undefined ? {} : {lambda}),
  };
  const {seconds} = await distiller.train(batches, {
    ...training,
    onProgress: ({stage, done, total, losses, meanIntensity}) => {
      bar.update(
        {stage: `${name}, distil`, done, total},
        `${stage} loss ${(losses['total'] ?? NaN).toFixed(3)}, mean of H ${meanIntensity?.toFixed(2) ?? '–'}`,
      );
    },
  });
  bar.stop();

  const evaluation = await distiller.evaluate([{images: measure}], {causal: false});
  const explainers: Record<string, Explainer> = {
    ours: distiller,
    RISE: riseExplainer(teacher, {numMasks: RISE_MASKS}),
    LIME: limeExplainer(teacher, {numSamples: LIME_SAMPLES}),
    'Grad-CAM': gradCamExplainer(teacher),
    random: randomExplainer(teacher),
  };
  const comparison: ComparisonRow[] = await compare({
    explainers,
    metrics: ['insertion', 'deletion', ...(regions ? (['pointing', 'energy'] as const) : []), 'intensity', 'seconds'],
    images: measure,
    model: teacher,
    regions,
    limits: {RISE: slow, LIME: slow},
    seed,
    onProgress: ({done, total}) => {
      bar.update({stage: `${name}, compare`, done, total});
    },
  });
  bar.stop();
  console.log(
    `\n${name}: distilled in ${seconds.toFixed(0)} s; on ${evaluation.images} unseen pictures student and teacher agree on ${(100 * evaluation.agreement).toFixed(1)} %, KL ${evaluation.meanKL.toFixed(4)}, mean of H ${evaluation.meanIntensity.toFixed(3)}, flat maps ${evaluation.emptyMaps}.`,
  );
  console.log(formatComparison(comparison, {standardErrors: true}));

  const maps = await distiller.explain(measure.slice(0, 12));
  await writeSheet(
    maps.map((map, index) => ({image: measure[index] as DecodedImage, map, caption: `class ${map.target} ${map.score.toFixed(2)}`})),
    `out/real-${name}.png`,
  );
  distiller.dispose();
  model.dispose();

  const value = (row: ComparisonRow, measureName: string): number | string => row.values[measureName]?.mean ?? '';
  const ours = comparison.find(({method}) => method === 'ours') as ComparisonRow;
  const random = comparison.find(({method}) => method === 'random') as ComparisonRow;
  return {
    rows: comparison.map((row) => ({
      teacher: name,
      method: row.method,
      images: row.images,
      insertion: value(row, 'insertion'),
      deletion: value(row, 'deletion'),
      pointing: value(row, 'pointing'),
      energy: value(row, 'energy'),
      intensity: value(row, 'intensity'),
      seconds: value(row, 'seconds'),
      agreement: row === ours ? evaluation.agreement : '',
      'flat maps': row.emptyMaps,
    })),
    ratios: {
      [`insertionAboveRandom.${name}`]: Number(value(ours, 'insertion')) - Number(value(random, 'insertion')),
      [`agreement.${name}`]: evaluation.agreement,
    },
  };
}
