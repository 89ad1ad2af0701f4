/**
 * Fine-tuning beside a linear probe of scikit-learn on the same features and the same split: the accuracy on pictures that
 * were not trained on, from a fresh head, with the base frozen and free.
 *
 * - `cifar10-pairs`: ResNet-20, pictures of CIFAR-10 relabelled: five pairs of its classes, by its own decision, as the
 *   pictures have no labels. Its last layer has drawn these borders, so the features part them nearly by a plane.
 * - `cifar10-second`: the same pictures, labelled by its second likeliest class, which is no matter of planes.
 * - `shapes`: the quickstart's teacher on its procedural pictures, the true classes in another order.
 *
 * Options: `--cases a,b`, `--python PATH` (an interpreter with scikit-learn; without it, the features are written and the
 * probe is not run), `--frozen N` and `--free N` (epochs), `--train N`, `--test N`, `--seed N`, `--backend NAME`.
 */
import {execFile} from 'node:child_process';
import {mkdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {parseArgs, promisify} from 'node:util';
import {tidy, topk, type Tensor} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {
  batchesOf,
  fineTune,
  listLayers,
  selectBackend,
  teacherFromLayersModel,
  toNetworkInput,
  type BackendName,
  type DecodedImage,
  type FineTuneOptions,
  type PreprocessingName,
} from '../src/index.js';
import {at} from '../src/core/at.js';
import {executeGraph} from '../src/models/index.js';
import {loadLayersModelFromFiles} from '../src/node/index.js';
import {ProgressBar} from '../src/cli/progress-bar.js';
import {classNames, generateShape, seeds} from '../quickstart/shapes.js';
import {loadCifar, loadModel} from './data.js';
import type {BenchResult, BenchRow} from './report.js';

interface Labelled {
  readonly images: DecodedImage[];
  readonly labels: number[];
}

interface Case {
  readonly model: LayersModel;
  readonly preprocessing: PreprocessingName;
  readonly numClasses: number;
  readonly train: Labelled;
  readonly test: Labelled;
}

interface Sizes {
  readonly train: number;
  readonly test: number;
}

const BATCH = 32;
// Which classes of CIFAR-10 make a pair: none that are alike.
const PAIRS = [0, 1, 2, 3, 4, 0, 1, 2, 3, 4];

const cases: Readonly<Record<string, (sizes: Sizes) => Promise<Case>>> = {
  'cifar10-pairs': (sizes) => cifar(sizes, 5, ([first]) => at(PAIRS, first)),
  'cifar10-second': (sizes) => cifar(sizes, 10, ([, second]) => second),
  shapes,
};

/** Runs the bench. */
export async function run(args: string[]): Promise<BenchResult> {
  const {values} = parseArgs({
    args,
    options: {
      cases: {type: 'string', default: Object.keys(cases).join(',')},
      python: {type: 'string'},
      frozen: {type: 'string', default: '60'},
      free: {type: 'string', default: '20'},
      train: {type: 'string', default: '2000'},
      test: {type: 'string', default: '1000'},
      seed: {type: 'string', default: '7'},
      backend: {type: 'string'},
    },
  });
  await selectBackend({prefer: values.backend === undefined ? ['tfjs-node', 'wasm'] : [values.backend as BackendName]});
  const rows: BenchRow[] = [];
  const ratios: Record<string, number> = {};
  for (const name of values.cases.split(',')) {
    const make = cases[name];
    if (make === undefined) throw new RangeError(`--cases must name some of ${Object.keys(cases).join(', ')}, but names '${name}'.`);
    const each = await make({train: Number(values.train), test: Number(values.test)});
    const folder = join('out/fine-tune', name);
    await writeFeatures(each, folder);
    const probe = values.python === undefined ? undefined : await linearProbe(values.python, folder);
    const runs = [
      {base: 'frozen', epochs: Number(values.frozen)},
      {base: 'free', epochs: Number(values.free)},
    ] as const;
    for (const options of runs.filter(({epochs}) => epochs > 0)) {
      const accuracy = await tunedAccuracy(name, each, {...options, seed: Number(values.seed)});
      console.log(`${name}, ${options.base}: ${accuracy} of the test pictures`);
      rows.push({
        case: name,
        classes: each.numClasses,
        trained: each.train.images.length,
        tested: each.test.images.length,
        ...options,
        accuracy,
        'scikit-learn': probe?.test ?? '–',
        'standard error': Math.sqrt((accuracy * (1 - accuracy)) / each.test.images.length),
      });
      if (probe !== undefined) ratios[`fineTune.${options.base}/probe.${name}`] = accuracy / probe.test;
    }
    each.model.dispose();
  }
  return {rows, ratios};
}

async function cifar({train, test}: Sizes, numClasses: number, label: (likeliest: [number, number]) => number): Promise<Case> {
  const model = await loadModel('resnet20_cifar10');
  const preprocessing = 'torch';
  const images = await loadCifar();
  if (images.length < train + test) throw new RangeError(`--train and --test must be ${images.length} at most together.`);
  const teacher = teacherFromLayersModel(model, {preprocessing});
  const labels: number[] = [];
  for (let first = 0; first < images.length; first += BATCH) {
    const best = tidy(() => topk(teacher.logits(toNetworkInput(images.slice(first, first + BATCH), teacher)), 2).indices);
    const pairs = await best.data();
    best.dispose();
    for (let index = 0; index < pairs.length; index += 2) labels.push(label([at(pairs, index), at(pairs, index + 1)]));
  }
  const part = (from: number, to: number | undefined): Labelled => ({images: images.slice(from, to), labels: labels.slice(from, to)});
  return {model, preprocessing, numClasses, train: part(0, train), test: part(images.length - test, undefined)};
}

async function shapes({train, test}: Sizes): Promise<Case> {
  const drawn = (seed: number, count: number): Labelled => {
    const pictures = Array.from({length: count}, (_, index) => generateShape(seed, index));
    return {images: pictures.map(({image}) => image), labels: pictures.map(({label}) => (label * 3 + 5) % classNames.length)};
  };
  return {
    model: await loadLayersModelFromFiles(join(import.meta.dirname, '../quickstart/teacher')),
    preprocessing: 'tf',
    numClasses: classNames.length,
    train: drawn(seeds.train, train),
    test: drawn(seeds.test, test),
  };
}

/** Writes what the last layer of the model reads, and the labels. */
async function writeFeatures({model, preprocessing, train, test}: Case, folder: string): Promise<void> {
  const until = listLayers(model)
    .filter(({outputShape}) => outputShape.length === 2)
    .map(({path}) => path)[0];
  await mkdir(folder, {recursive: true});
  const teacher = teacherFromLayersModel(model, {preprocessing});
  for (const [part, {images}] of Object.entries({train, test})) {
    const rows: Buffer[] = [];
    for (let first = 0; first < images.length; first += BATCH) {
      const features = tidy(() => executeGraph(model, toNetworkInput(images.slice(first, first + BATCH), teacher), {until}) as Tensor);
      rows.push(Buffer.from(Float32Array.from(await features.data()).buffer));
      features.dispose();
    }
    await writeFile(join(folder, `${part}.f32`), Buffer.concat(rows));
  }
  await writeFile(join(folder, 'labels.json'), JSON.stringify({train: train.labels, test: test.labels}));
}

interface Probe {
  readonly version: string;
  /** Accuracies, 0–1. */
  readonly train: number;
  readonly test: number;
}

async function linearProbe(python: string, folder: string): Promise<Probe> {
  const {stdout} = await promisify(execFile)(python, [join(import.meta.dirname, 'peers/linear_probe.py'), folder]);
  console.log(`${folder}: ${stdout.trim()}`);
  return JSON.parse(stdout) as Probe;
}

/** The share of test pictures whose class is found after fine-tuning from a fresh head. */
async function tunedAccuracy(
  name: string,
  {model, preprocessing, numClasses, train, test}: Case,
  options: Pick<FineTuneOptions, 'base' | 'epochs' | 'seed'>,
): Promise<number> {
  const bar = new ProgressBar();
  const {seed = 0} = options;
  const batches = batchesOf(train.images, {labels: train.labels, batchSize: BATCH, seed});
  const tuned = await fineTune(model, batches, {
    ...{numClasses, preprocessing, ...options},
    onProgress: ({done, total, loss, secondsLeft}) =>
      bar.update({stage: `${name}, ${options.base}`, done, total}, `loss ${loss.toFixed(3)}, ${(secondsLeft / 60).toFixed(0)} min left`),
  });
  bar.stop();
  const teacher = teacherFromLayersModel(tuned.model, {preprocessing});
  let right = 0;
  for (let first = 0; first < test.images.length; first += BATCH) {
    const best = tidy(() => topk(teacher.logits(toNetworkInput(test.images.slice(first, first + BATCH), teacher)), 1).indices);
    const found = await best.data();
    best.dispose();
    right += [...found].filter((each, index) => each === test.labels[first + index]).length;
  }
  tuned.model.dispose();
  return right / test.images.length;
}
