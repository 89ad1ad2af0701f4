/**
 * What worker threads bring: time with none ÷ time with them, so the ratio of the throughputs.
 * MobileNetV2 at 224 on wasm, which runs on one core in Node. The threads are running and have their
 * models; what it takes until they have is a row of its own.
 */
import {availableParallelism} from 'node:os';
import {parseArgs} from 'node:util';
import {randomUniform, type Tensor4D} from '@tensorflow/tfjs-core';
import {
  AttentiveDistiller,
  deletionScore,
  disposeWorkers,
  insertionScore,
  lime,
  randomMap,
  rise,
  selectBackend,
  teacherFromLayersModel,
  type Teacher,
  type WorkerOptions,
} from '../src/index.js';
import {loadModel, loadPictures} from './data.js';
import type {BenchResult, BenchRow} from './report.js';
import {timeRatio, timingRow} from './timing.js';

const MODEL = 'mobilenet_v2_100_224';
const SIDE = 224;
const MASKS = 512;
const SAMPLES = 1000;
const EXPLAINED = 64;
// Images of a training step.
const TRAINED = 16;

/** Options: `--workers N` (2), `--repeats N` (3), `--only` some of `rise,lime,causal,explain,train_student,train_explanation`. */
export async function run(args: string[]): Promise<BenchResult> {
  const {values} = parseArgs({
    args,
    options: {
      workers: {type: 'string', default: '2'},
      repeats: {type: 'string', default: '3'},
      only: {type: 'string', default: 'rise,lime,causal,explain,train_student,train_explanation'},
    },
  });
  const workers = Number(values.workers);
  await selectBackend({prefer: ['wasm']});
  const model = await loadModel(MODEL);
  const teacher = teacherFromLayersModel(model, {preprocessing: 'tf'});
  const distiller = await AttentiveDistiller.create({teacher, seed: 1});
  const [known] = await loadPictures('ilsvrc-val', 1);
  if (known === undefined) throw new Error('There is no picture.');
  const {image} = known;
  const map = randomMap({height: SIDE, width: SIDE, seed: 1});
  const images = randomUniform([EXPLAINED, SIDE, SIDE, 3], -1, 1, 'float32', 1) as Tensor4D;

  const works: Record<string, (options: WorkerOptions) => Promise<unknown>> = {
    rise: (options) => rise(image, teacher, {...options, numMasks: MASKS}),
    lime: (options) => lime(image, teacher, {...options, numSamples: SAMPLES}),
    causal: async (options) => {
      await insertionScore(image, map, teacher, options);
      await deletionScore(image, map, teacher, options);
    },
    explain: (options) => distiller.explain(images, options),
  };
  const endings: (() => Promise<unknown>)[] = [];
  for (const stage of ['student', 'explanation'] as const) {
    const [alone, shared] = [await training(teacher, stage, 0), await training(teacher, stage, workers)];
    endings.push(alone.end, shared.end);
    works[`train_${stage}`] = (options) => (options.workers === undefined ? alone : shared).step();
  }
  const rows: BenchRow[] = [];
  const ratios: Record<string, number> = {};
  const started = performance.now();
  await rise(image, teacher, {numMasks: 2 * workers, batchSize: 1, workers});
  rows.push({what: `start of ${workers} threads`, 'threads ms': Math.round(performance.now() - started)});
  for (const name of values.only.split(',')) {
    const work = works[name];
    if (work === undefined) throw new Error(`--only takes ${Object.keys(works).join(', ')}; but got '${name}'.`);
    const timed = await timeRatio(
      () => work({}),
      () => work({workers}),
      {repeats: Number(values.repeats)},
    );
    const key = `workers.${name}_${MODEL}`;
    rows.push(timingRow(key, timed, ['none', 'threads']));
    ratios[key] = timed.ratio;
  }
  for (const end of endings) await end();
  await disposeWorkers();
  images.dispose();
  distiller.dispose();
  model.dispose();
  rows.push({what: `cores that Node sees: ${availableParallelism()}`});
  return {rows, ratios};
}

/** A training that does not end, a step at a time: a batch is read, cut, asked about and learned. */
async function training(
  teacher: Teacher,
  stage: 'student' | 'explanation',
  workers: number,
): Promise<{step: () => Promise<unknown>; end: () => Promise<unknown>}> {
  const distiller = await AttentiveDistiller.create({teacher, seed: 1});
  const images = randomUniform([TRAINED, SIDE, SIDE, 3], -1, 1, 'float32', 1) as Tensor4D;
  const batches = Array.from({length: 1000}, () => ({images}));
  const run = distiller.fit(batches, {epochs: {student: 0, explanation: 0, [stage]: 1000}, workers});
  return {step: () => run.next(), end: () => run.return({steps: 0, seconds: 0, stages: [], warnings: []})};
}
