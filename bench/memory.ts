/**
 * Whether memory stays level: tensors, resident memory and the heap of the wasm backend over 500
 * training steps of either stage and over 2000 explanations, MobileNet v1 at 128.
 */
import {memory, randomUniform, slice, type Tensor4D} from '@tensorflow/tfjs-core';
import {AttentiveDistiller, selectBackend} from '../src/index.js';
import {loadModel} from './data.js';
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

/** Runs the bench. Options: `--steps N`, `--explanations N`. */
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

  for (const stage of ['student', 'explanation'] as const) {
    const steps = option('--steps', STEPS);
    const other = stage === 'student' ? 'explanation' : 'student';
    const run = distiller.fit(
      Array.from({length: steps}, () => ({images})),
      {epochs: {[stage]: 1, [other]: 0}, learningRate: 1e-6},
    );
    record(`${stage}Steps`, await readAt(steps, async () => void (await run.next())));
    await run.return(undefined as never);
  }
  const explanations = option('--explanations', EXPLANATIONS);
  record('explanations', await readAt(explanations, async () => void (await distiller.explain(image))));
  return {rows, ratios};
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
