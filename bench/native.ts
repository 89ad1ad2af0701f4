/**
 * tfjs-node against wasm, side by side in one process: how many times as fast the native backend is, in
 * inference, explanation and training. Every backend has networks of its own, made while it was in
 * use, so that changing it moves nothing. `--models a,b` measures some of the models.
 */
import {parseArgs} from 'node:util';
import {randomUniform, setBackend, slice, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {AttentiveDistiller, selectBackend, studentFromTeacher, type BackendName} from '../src/index.js';
import {loadModel} from './data.js';
import type {BenchResult, BenchRow} from './report.js';
import {timeRatio, timingRow, type Work} from './timing.js';
import {trainingRun} from './training-run.js';

/** The models, with the number of images in a batch. */
const models: Readonly<Record<string, number>> = {mobilenet_v2_100_224: 8, resnet20_cifar10: 32};

/** Runs the bench. @throws {BackendError} Where tfjs-node is not installed. */
export async function run(args: string[]): Promise<BenchResult> {
  const {values} = parseArgs({
    args,
    options: {models: {type: 'string', default: Object.keys(models).join(',')}, repeats: {type: 'string', default: '9'}},
  });
  // TensorFlow says at the start which instructions it was compiled for.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  const rows: BenchRow[] = [];
  const ratios: Record<string, number> = {};
  for (const name of values.models.split(',')) {
    const native = await worksOf(name, ['tfjs-node-gpu', 'tfjs-node']);
    const wasm = await worksOf(name, ['wasm']);
    for (const [kind, work] of Object.entries(native)) {
      const timed = await timeRatio(wasm[kind] as Work, work, {warmup: 2, repeats: Number(values.repeats)});
      rows.push(timingRow(`${kind}.${name}`, timed, ['wasm', 'native']));
      ratios[`native.${kind}.${name}`] = timed.ratio;
    }
  }
  return {rows, ratios};
}

/** What is timed, on one backend. The process ends before anything has to be freed. */
async function worksOf(name: string, prefer: BackendName[]): Promise<Record<string, Work>> {
  const {backend} = await selectBackend({prefer});
  const teacher = await loadModel(name);
  const distiller = await AttentiveDistiller.create({teacher, seed: 1});
  const batch = randomUniform([models[name] as number, ...distiller.teacher.inputShape], -1, 1, 'float32', 1) as Tensor4D;
  const image = slice(batch, 0, 1);
  const predict =
    (images: Tensor4D): Work =>
    async () => {
      const scores = teacher.predict(images) as Tensor;
      await scores.data();
      scores.dispose();
    };
  const training = await trainingRun(teacher, studentFromTeacher(), models[name] as number);
  const works: Record<string, Work> = {
    inferenceOfOne: predict(image),
    inferenceOfBatch: predict(batch),
    explanationOfOne: () => distiller.explain(image),
    explanationOfBatch: () => distiller.explain(batch, {batchSize: models[name]}),
    studentStep: training.step('student').step,
    explanationStep: training.step('explanation').step,
  };
  const onBackend =
    (work: Work): Work =>
    async () => {
      await setBackend(backend);
      await work();
    };
  return Object.fromEntries(Object.entries(works).map(([kind, work]) => [kind, onBackend(work)]));
}
