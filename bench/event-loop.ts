/**
 * How long the event loop waits at a time while the library computes, and what giving it its turns costs: MobileNet v1
 * 0.25 at 128, on wasm unless `--backend` names another. The longest wait stands beside that of one plain batch, which no
 * program can divide; the price is the time with turns ÷ the time without, in pairs.
 *
 * Options: `--backend NAME`, `--repeats 7`, `--only NAME,NAME`.
 */
import {parseArgs} from 'node:util';
import {split, type Tensor4D} from '@tensorflow/tfjs-core';
import {
  AttentiveDistiller,
  gradCam,
  insertionScore,
  integratedGradients,
  lime,
  meaningfulPerturbation,
  occlusion,
  randomMap,
  rise,
  selectBackend,
  smoothGrad,
  toNetworkInput,
  type BackendName,
} from '../src/index.js';
import {resolvePreprocessing} from '../src/core/preprocessing.js';
import {loadModel, loadPictures} from './data.js';
import type {BenchResult, BenchRow} from './report.js';
import {timeRatio} from './timing.js';

const MODEL = 'mobilenet_v1_025_128';
const BATCH = 16;

/** Runs the bench. */
export async function run(args: string[]): Promise<BenchResult> {
  const {values} = parseArgs({
    args,
    options: {backend: {type: 'string', default: 'wasm'}, repeats: {type: 'string', default: '7'}, only: {type: 'string'}},
  });
  await selectBackend({prefer: [values.backend as BackendName]});
  const model = await loadModel(MODEL);
  const pictures = (await loadPictures('ilsvrc-val', BATCH)).map(({image}) => image);
  const images = toNetworkInput(pictures, {inputShape: [128, 128, 3], preprocessing: resolvePreprocessing('bench', 'tf')});
  const [few, ...rest] = split(images, [2, 2, 12], 0) as [Tensor4D, ...Tensor4D[]];
  rest.forEach((tensor) => tensor.dispose());
  const distiller = await AttentiveDistiller.create({teacher: model, preprocessing: 'tf', seed: 1});
  const maps = [0, 1].map((seed) => randomMap({height: 128, width: 128, seed}));
  const jobs: Readonly<Record<string, () => Promise<unknown>>> = {
    train: () => distiller.train([{images}], {epochs: {student: 0, explanation: 4}}),
    evaluate: () => distiller.evaluate([{images: few}]),
    explain: () => distiller.explain(images),
    'explain, refine 2': () => distiller.explain(few, {refine: 2}),
    rise: () => rise(few, model, {numMasks: 128}),
    lime: () => lime(few, model, {numSamples: 64}),
    occlusion: () => occlusion(few, model, {}),
    gradCam: () => gradCam(images, model, {}),
    integratedGradients: () => integratedGradients(few, model, {numSteps: 16}),
    smoothGrad: () => smoothGrad(few, model, {numSamples: 16}),
    meaningfulPerturbation: () => meaningfulPerturbation(few, model, {numSteps: 4}),
    insertionScore: () => insertionScore(few, maps, model, {}),
    'insertionScore, imputed': () => insertionScore(few, maps, model, {fill: 'imputed', stepSize: 2048}),
  };
  const plainBatch = await longestWait(async () => {
    const answer = model.predict(images) as Tensor4D;
    await answer.data();
    answer.dispose();
  });
  const rows: BenchRow[] = [{what: `one plain batch of ${BATCH}`, 'longest wait ms': Math.round(plainBatch), 'with ÷ without turns': ''}];
  const ratios: Record<string, number> = {};
  for (const [name, job] of Object.entries(jobs)) {
    if (values.only !== undefined && !values.only.split(',').includes(name)) continue;
    await job(); // Compiles.
    const wait = await longestWait(job);
    const timed = await timeRatio(job, () => withoutTurns(job), {repeats: Number(values.repeats)});
    const [low, high] = timed.spread.map((value) => value.toFixed(3));
    rows.push({what: name, 'longest wait ms': Math.round(wait), 'with ÷ without turns': `${timed.ratio.toFixed(3)} (${low}–${high})`});
    ratios[`turns.${name}`] = timed.ratio;
    ratios[`wait.${name}`] = wait / plainBatch;
  }
  distiller.dispose();
  images.dispose();
  few.dispose();
  model.dispose();
  return {rows, ratios};
}

/** The longest time in milliseconds between two turns of the event loop. */
async function longestWait(job: () => Promise<unknown>): Promise<number> {
  let [longest, last] = [0, NaN];
  let timer: NodeJS.Timeout;
  const turn = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    timer = setTimeout(turn, 0);
  };
  timer = setTimeout(turn, 0);
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
  await pause();
  [longest, last] = [0, performance.now()];
  await job();
  // The last piece of work shows when the next timer fires.
  await pause();
  clearTimeout(timer);
  return longest;
}

/** Runs a job whose turns for the event loop are taken away. */
async function withoutTurns(job: () => Promise<unknown>): Promise<void> {
  const {setImmediate} = globalThis;
  globalThis.setImmediate = ((callback: () => void) => callback()) as unknown as typeof setImmediate;
  try {
    await job();
  } finally {
    globalThis.setImmediate = setImmediate;
  }
}
