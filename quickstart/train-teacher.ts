/**
 * Trains the quickstart's teacher and saves it to quickstart/teacher: `npm run quickstart:teacher`.
 * The result lies in the repository, so this is only needed after a change to the pictures or to the
 * network. Takes about twelve minutes on one core.
 */
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import '@tensorflow/tfjs-backend-wasm';
import {
  add,
  log,
  mean,
  mul,
  neg,
  ready,
  setBackend,
  sum,
  tensor2d,
  tensor4d,
  tidy,
  train,
  variableGrads,
  type Scalar,
  type Tensor,
  type Variable,
} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {installTrainingKernels} from '../src/tfjs/install-training-kernels.js';
import {loadLayersModelFromFiles} from '../src/files/load-layers-model.js';
import {ProgressBar} from '../src/cli/progress-bar.js';
import {saveModel} from './save-model.js';
import {classNames, seeds, SIZE} from './shapes.js';
import {teacherBatch} from './teacher-batch.js';
import {checkTeacher, type TeacherCheck} from './teacher-check.js';
import {buildTeacher} from './teacher-model.js';

const BATCH = 32;
const WARM_UP_STEPS = 30;
// Cut-outs around the sign first: they cost a quarter, and in them the sign is four times as large.
const CROP = 32;

const {values: options} = parseArgs({
  options: {
    crops: {type: 'string', default: '48000'},
    pictures: {type: 'string', default: '44000'},
    seed: {type: 'string', default: String(seeds.train)},
    out: {type: 'string', default: join(import.meta.dirname, 'teacher')},
  },
});

/** One part of the training. */
interface Phase {
  readonly name: string;
  readonly crop: number;
  readonly steps: number;
  readonly rate: number;
  /** Share of the phase over which signs on plain grey give way to the real pictures. */
  readonly easyPart: number;
  /** Index of the first picture, so that no phase sees those of another. */
  readonly first: number;
}

await setBackend('wasm');
await ready();
installTrainingKernels();

const seed = Number(options.seed);
const crops = Number(options.crops);
const pictures = Number(options.pictures);
const phases: readonly Phase[] = [
  {name: 'cut-outs', crop: CROP, steps: Math.ceil(crops / BATCH), rate: 3e-3, easyPart: 0.5, first: 0},
  {name: 'pictures', crop: SIZE, steps: Math.ceil(pictures / BATCH), rate: 3e-3, easyPart: 0, first: crops},
];
const started = performance.now();
let crop = CROP;
let model = buildTeacher(seed, crop);
console.log(`teacher: ${model.countParams()} parameters; ${crops} cut-outs, then ${pictures} pictures`);
for (const phase of phases) {
  const next = buildTeacher(seed, phase.crop);
  takeWeights(next, model, (phase.crop / crop) ** 2);
  model.dispose();
  model = next;
  crop = phase.crop;
  await trainTeacher(model, phase);
}
const minutes = ((performance.now() - started) / 60_000).toFixed(1);
report('validation', await checkTeacher(model, seeds.validation, 500));

const bytes = await saveModel(model, options.out, {classes: classNames, preprocessing: 'tf', seed, crops, pictures});
model.dispose();
console.log(`trained in ${minutes} min, saved ${(bytes / 1000).toFixed(0)} kB to ${options.out}`);
const saved = await loadLayersModelFromFiles(options.out);
report('test, as saved', await checkTeacher(saved, seeds.test, 1000));
saved.dispose();

/** In a larger picture the sign is a smaller part of the mean over places; the last layer makes up for it. */
function takeWeights(to: LayersModel, from: LayersModel, growth: number): void {
  to.setWeights(from.getWeights());
  const last = to.getLayer('class');
  const [kernel, bias] = last.getWeights() as [Tensor, Tensor];
  const scaled = mul(kernel, growth);
  last.setWeights([scaled, bias]);
  scaled.dispose();
}

async function trainTeacher(teacher: LayersModel, phase: Phase): Promise<void> {
  const {name, steps, first} = phase;
  const optimizer = train.adam(phase.rate);
  const variables = teacher.trainableWeights.map((weight) => weight.read() as Variable);
  const bar = new ProgressBar();
  let recent = Number.NaN;
  for (let step = 0; step < steps; step++) {
    // Adam has no setter for its rate.
    (optimizer as unknown as {learningRate: number}).learningRate = phase.rate * rateFactor(step, steps);
    const ease = Math.max(0, 1 - step / (phase.easyPart * steps));
    const {images, targets} = teacherBatch(seed, first + step * BATCH, BATCH, {ease, crop: phase.crop});
    const loss = tidy(() => {
      const x = tensor4d(images, [BATCH, phase.crop, phase.crop, 3]);
      const wanted = tensor2d(targets, [BATCH, classNames.length]);
      const {value, grads} = variableGrads(() => crossEntropy(teacher.apply(x, {training: true}) as Tensor, wanted), variables);
      optimizer.applyGradients(grads as Record<string, Variable>);
      return value;
    });
    const [value = Number.NaN] = await loss.data();
    loss.dispose();
    recent = Number.isNaN(recent) ? value : 0.97 * recent + 0.03 * value;
    bar.update({stage: name, done: step + 1, total: steps}, `loss ${recent.toFixed(3)}`);
  }
  bar.stop();
  optimizer.dispose();
}

/** A short warm-up, then a half cosine down to zero. */
function rateFactor(step: number, steps: number): number {
  return Math.min(1, (step + 1) / WARM_UP_STEPS) * 0.5 * (1 + Math.cos((Math.PI * step) / steps));
}

function crossEntropy(probabilities: Tensor, wanted: Tensor): Scalar {
  return neg(mean(sum(mul(wanted, log(add(probabilities, 1e-7))), -1))) as Scalar;
}

function report(what: string, check: TeacherCheck): void {
  const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
  console.log(
    `${what}: accuracy ${percent(check.accuracy)}, mean probability ${percent(check.probability)}, ` +
      `accuracy on the sign alone ${percent(check.accuracySignOnly)}, highest probability without the sign ${percent(check.confidenceWithoutSign)}`,
  );
}
