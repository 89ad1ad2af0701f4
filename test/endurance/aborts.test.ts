/** A timer that fires at any moment stops every long function within one step, without a trace. */
import '../helpers/use-wasm.js';
import {memory, slice, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {
  AttentiveDistiller,
  compare,
  confidenceChange,
  deletionScore,
  gradCam,
  gradCamExplainer,
  gradientSaliency,
  insertionScore,
  integratedGradients,
  lime,
  maxSensitivity,
  meaningfulPerturbation,
  muFidelity,
  occlusion,
  randomExplainer,
  randomizationCheck,
  rise,
  scoreCam,
  smoothGrad,
  symmetricRelevanceGain,
  teacherFromScores,
  type Teacher,
} from '../../src/index.js';
import {Random} from '../../src/core/random.js';
import {HEIGHT, patchBatch, patchTeacher, WIDTH} from '../helpers/patch-world.js';
import {rounds} from '../helpers/environment.js';

const TRIES = rounds(200, 6);

let model: LayersModel;
let images: Tensor4D;
let few: Tensor4D;
let one: Tensor4D;
let distiller: AttentiveDistiller;
let hidden: Teacher;

beforeAll(async () => {
  model = patchTeacher();
  images = patchBatch(0, 64).images;
  few = slice(images, [0, 0, 0, 0], [4, HEIGHT, WIDTH, 3]);
  one = slice(images, [0, 0, 0, 0], [1, HEIGHT, WIDTH, 3]);
  distiller = await AttentiveDistiller.create({teacher: model, seed: 1});
  hidden = teacherFromScores((given) => Promise.resolve(model.predict(given) as never), {inputShape: [HEIGHT, WIDTH, 3], numClasses: 3});
});
afterAll(() => {
  distiller.dispose();
  images.dispose();
  few.dispose();
  one.dispose();
  model.dispose();
});

/** What stops a function, and what is told how far it is. */
interface Stop {
  readonly signal: AbortSignal;
  readonly onProgress: () => void;
}

const flat = (): object => ({data: Float32Array.from({length: HEIGHT * WIDTH}, (_, at) => at), height: HEIGHT, width: WIDTH, target: 0});
const maps = (count: number): never[] => Array.from({length: count}, flat) as never[];
const batches = (): {images: Tensor4D}[] => Array.from({length: 6}, () => ({images: few}));

/** Each takes a tenth of a second to a second where nothing stops it. */
const long: Readonly<Record<string, (stop: Stop) => Promise<unknown>>> = {
  train: (stop) => distiller.train(batches(), {epochs: {student: 1, explanation: 1}, ...stop}),
  'train with validation': (stop) => distiller.train(batches(), {epochs: {student: 0, explanation: 2}, validation: batches(), ...stop}),
  fit: async ({signal, onProgress}) => {
    const run = distiller.fit(batches(), {epochs: {student: 0, explanation: 1}, signal});
    while ((await run.next()).done !== true) onProgress();
  },
  evaluate: (stop) => distiller.evaluate(batches(), stop),
  explain: (stop) => distiller.explain(images, {batchSize: 4, ...stop}),
  'explain with refine': (stop) => distiller.explain(few, {refine: 5, ...stop}),
  rise: (stop) => rise(few, model, {numMasks: 200, ...stop}),
  'rise of a function': (stop) => rise(few, hidden, {numMasks: 100, ...stop}),
  lime: (stop) => lime(few, model, {numSamples: 200, ...stop}),
  occlusion: (stop) => occlusion(few, model, {windowSize: 4, stride: 1, ...stop}),
  gradCam: (stop) => gradCam(images, model, {batchSize: 2, ...stop}),
  scoreCam: (stop) => scoreCam(images, model, {batchSize: 2, ...stop}),
  gradientSaliency: (stop) => gradientSaliency(images, model, {batchSize: 2, ...stop}),
  integratedGradients: (stop) => integratedGradients(few, model, {numSteps: 32, ...stop}),
  smoothGrad: (stop) => smoothGrad(few, model, {numSamples: 30, ...stop}),
  meaningfulPerturbation: (stop) => meaningfulPerturbation(few, model, {numSteps: 10, ...stop}),
  insertionScore: (stop) => insertionScore(few, maps(4), model, {stepSize: 4, ...stop}),
  deletionScore: (stop) => deletionScore(few, maps(4), model, {stepSize: 4, ...stop}),
  'insertionScore, imputed': (stop) => insertionScore(few, maps(4), model, {stepSize: 16, fill: 'imputed', ...stop}),
  symmetricRelevanceGain: (stop) => symmetricRelevanceGain(few, maps(4), model, {stepSize: 4, ...stop}),
  confidenceChange: (stop) => confidenceChange(images, maps(64), model, {batchSize: 2, ...stop}),
  muFidelity: (stop) => muFidelity(few, maps(4), model, {numSamples: 100, ...stop}),
  maxSensitivity: (stop) => maxSensitivity(one, gradCamExplainer(model), {numSamples: 20, ...stop}),
  randomizationCheck: (stop) => randomizationCheck(few, (copy) => gradCamExplainer(copy), model, stop),
  compare: (stop) =>
    compare({
      explainers: {random: randomExplainer(model), 'Grad-CAM': gradCamExplainer(model), ours: distiller},
      metrics: ['insertion', 'deletion'],
      images: few,
      model,
      ...stop,
    }),
};

describe(`${TRIES} timer aborts of`, () => {
  it.each(Object.entries(long))('%s', async (name, run) => {
    const random = new Random(5).split(name);
    const idle: Stop = {signal: new AbortController().signal, onProgress: () => undefined};
    await run(idle); // Compiles.
    // The shorter of two: by one that other work held up, most timers would go off after the end.
    const whole = Math.min(await timed(() => run(idle)), await timed(() => run(idle)));
    const held = memory().numTensors;
    let [stopped, latest] = [0, 0];
    for (let tried = 0; tried < TRIES; tried++) {
      const controller = new AbortController();
      const reason = new Error(`stop ${tried}`);
      let [after, at] = [0, NaN];
      const timer = setTimeout(
        () => {
          at = performance.now();
          controller.abort(reason);
        },
        random.uniform(0, whole),
      );
      const onProgress = (): void => {
        if (controller.signal.aborted) after++;
      };
      const outcome = await run({signal: controller.signal, onProgress}).then(
        () => 'finished',
        (error: unknown) => error,
      );
      clearTimeout(timer);
      if (controller.signal.aborted && outcome !== 'finished') {
        expect(outcome).toBe(reason);
        stopped++;
        latest = Math.max(latest, performance.now() - at);
      } else expect(outcome).toBe('finished');
      expect(after, 'reports after the signal').toBeLessThanOrEqual(1);
      expect(memory().numTensors, `${name}, stopped for the ${tried}th time`).toBe(held);
    }
    expect(stopped).toBeGreaterThan(TRIES / 4);
    console.log(`${name}: ${whole.toFixed(0)} ms; ${stopped} of ${TRIES} stopped, at the latest ${latest.toFixed(0)} ms after the signal.`);
  });
});

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
