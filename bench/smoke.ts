/** A bench of a few seconds that CI runs: explain ÷ plain forward pass with the quickstart's teacher. */
import {join} from 'node:path';
import {randomUniform, tidy, type Tensor4D} from '@tensorflow/tfjs-core';
import {AttentiveDistiller, selectBackend} from '../src/index.js';
import {loadLayersModelFromFiles} from '../src/node/index.js';
import type {BenchResult} from './report.js';

const REPEATS = 9;
const IMAGES = 16;

/** Runs the bench. */
export async function run(): Promise<BenchResult> {
  await selectBackend({prefer: ['wasm']});
  const model = await loadLayersModelFromFiles(join(import.meta.dirname, '../quickstart/teacher'));
  const distiller = await AttentiveDistiller.create({teacher: model, seed: 1});
  const images = randomUniform([IMAGES, ...distiller.teacher.inputShape], -1, 1, 'float32', 1) as Tensor4D;
  const forward = await median(async () => {
    const logits = tidy(() => distiller.teacher.logits(images));
    await logits.data();
    logits.dispose();
  });
  const explain = await median(() => distiller.explain(images));
  images.dispose();
  distiller.dispose();
  model.dispose();
  const rows = [
    {what: 'plain forward pass', milliseconds: forward},
    {what: 'explain', milliseconds: explain},
  ];
  return {rows, ratios: {'explain.quickstart': forward / explain}};
}

/** The median time of a call in milliseconds, after one that does not count. */
async function median(work: () => Promise<unknown>): Promise<number> {
  await work();
  const times: number[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const started = performance.now();
    await work();
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[Math.floor(REPEATS / 2)] as number;
}
