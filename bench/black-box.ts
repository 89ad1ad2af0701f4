/**
 * What distilling a black box comes to: ResNet-20 of CIFAR-10, hidden behind a function that gives its probabilities, and
 * a student that starts from nothing. Beside it the explainer of the open teacher (bench/explainers), Grad-CAM and RISE.
 *
 * Options: `--steps N` (of the student), `--explanation N`, `--width N` (of the student), `--images N`, `--slow N` (pictures
 * for RISE), `--seed N`.
 */
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
  teacherFromLayersModel,
  teacherFromScores,
} from '../src/index.js';
import {at} from '../src/core/at.js';
import {ProgressBar} from '../src/cli/progress-bar.js';
import {loadCifar, loadModel} from './data.js';
import {qualityCases, type QualityCase} from './quality-cases.js';
import type {BenchResult} from './report.js';

const NAME = 'resnet20_cifar10';
const BATCH = 64;
const KEPT = 500;

/** Runs the bench. */
export async function run(args: string[]): Promise<BenchResult> {
  const {values} = parseArgs({
    args,
    options: {
      steps: {type: 'string', default: '2200'},
      explanation: {type: 'string', default: '250'},
      width: {type: 'string', default: '16'},
      images: {type: 'string', default: '100'},
      slow: {type: 'string', default: '30'},
      seed: {type: 'string', default: '7'},
    },
  });
  await selectBackend({prefer: ['tfjs-node', 'wasm']});
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
  const [training, kept] = [pictures.slice(0, -KEPT), pictures.slice(-KEPT)];
  const distiller = await AttentiveDistiller.create({
    teacher: hidden,
    student: residualStudent({depth: 18, width: Number(values.width)}),
    seed,
  });
  const bar = new ProgressBar();
  const {seconds} = await distiller.train(batchesOf(training, {batchSize: BATCH, seed, flip: true}), {
    epochs: {student: Math.ceil(Number(values.steps) / Math.ceil(training.length / BATCH))},
    budget: {steps: Number(values.explanation)},
    learningRate: {student: 2e-3},
    onProgress: (progress) => bar.update(progress),
  });
  bar.stop();
  const {agreement} = await distiller.evaluate([{images: kept}], {causal: false});
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
    explainers: {RISE: riseExplainer(hidden, {numMasks: 2000})},
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
