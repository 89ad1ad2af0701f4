/**
 * Whether memory stays level: tensors, resident memory and the heap of the wasm backend over 500
 * training steps of either stage and over 2000 explanations, MobileNet v1 at 128; and how high it rises, in a process
 * of its own, when MobileNet v2 at 224 is trained as the README does.
 */
import {memory, randomUniform, slice, type Tensor4D} from '@tensorflow/tfjs-core';
import {AttentiveDistiller, batchesOf, selectBackend} from '../src/index.js';
import {loadModel, loadPictures} from './data.js';
import {peakInChild, reportPeak} from './peak-in-child.js';
import type {BenchResult} from './report.js';

const STEPS = 500;
const EXPLANATIONS = 2000;
const BATCH = 4;
/** Shares of the way at which memory is read; the first is late enough for caches to be full. */
const MARKS = [0.2, 0.6, 1];

interface Reading {
  readonly tensors: number;
  readonly residentMiB: number;
}

const README = {model: 'mobilenet_v2_100_224', photos: 100, batchSize: 16, steps: 7};

/** Runs the bench. Options: `--steps N`, `--explanations N`; 0 leaves them out. */
export async function run(args: string[]): Promise<BenchResult> {
  const option = (name: string, standard: number): number => (args.includes(name) ? Number(args[args.indexOf(name) + 1]) : standard);
  await selectBackend({prefer: ['wasm']});
  const model = await loadModel('mobilenet_v1_025_128');
  const distiller = await AttentiveDistiller.create({teacher: model, preprocessing: 'tf', seed: 1});
  const images = randomUniform([BATCH, ...distiller.teacher.inputShape], -1, 1, 'float32', 1) as Tensor4D;
  const image = slice(images, 0, 1);
  const rows: object[] = [];
  const ratios: Record<string, number> = {};
  const record = (what: string, readings: readonly Reading[]): void => {
    const [first, last] = [readings[0] as Reading, readings.at(-1) as Reading];
    rows.push({
      what,
      MiB: readings.map(({residentMiB}) => residentMiB.toFixed(0)).join(' → '),
      tensors: readings.map(({tensors}) => tensors).join(' → '),
    });
    ratios[`memory.${what}`] = last.residentMiB / first.residentMiB;
    ratios[`tensors.${what}`] = last.tensors / first.tensors;
  };

  const steps = option('--steps', STEPS);
  for (const stage of steps === 0 ? [] : (['student', 'explanation'] as const)) {
    const other = stage === 'student' ? 'explanation' : 'student';
    const run = distiller.fit(
      Array.from({length: steps}, () => ({images})),
      {epochs: {[stage]: 1, [other]: 0}, learningRate: 1e-6},
    );
    record(`${stage}Steps`, await readAt(steps, async () => void (await run.next())));
    await run.return(undefined as never);
  }
  const explanations = option('--explanations', EXPLANATIONS);
  if (explanations > 0) record('explanations', await readAt(explanations, async () => void (await distiller.explain(image))));
  const peak = await peakInChild(import.meta.url);
  rows.push({what: `peak, ${README.model} with ${README.photos} photos in batches of ${README.batchSize}`, MiB: peak.toFixed(0)});
  ratios['peakGiB.readme'] = peak / 1024;
  return {rows, ratios};
}

/** Trains as the README does. */
async function trainLikeReadme(): Promise<void> {
  await selectBackend({prefer: ['wasm']});
  const distiller = await AttentiveDistiller.create({teacher: await loadModel(README.model), preprocessing: 'tf', seed: 7});
  const photos = (await loadPictures('imagenet-sample', README.photos)).map(({image}) => image);
  await distiller.train(batchesOf(photos, {batchSize: README.batchSize, seed: 7, flip: true}), {budget: {steps: README.steps}});
  await distiller.explain(photos[0] as (typeof photos)[number]);
}

async function readAt(count: number, work: () => Promise<void>): Promise<Reading[]> {
  const readings: Reading[] = [];
  for (let done = 1; done <= count; done++) {
    await work();
    if (MARKS.some((mark) => Math.round(mark * count) === done))
      readings.push({tensors: memory().numTensors, residentMiB: process.memoryUsage.rss() / 2 ** 20});
  }
  return readings;
}

await reportPeak(trainLikeReadme);
