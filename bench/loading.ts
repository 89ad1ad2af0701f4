/**
 * Whether training is kept fed: MobileNet v2 at 224 (or another `--model`) trained on JPEGs on disk, each cut and mirrored anew. `waiting.…` is the
 * share of the time from the second batch on in which training waits for a batch, without and with batches decoded
 * ahead; the target is at most 0.05. The two take turns. Beside it stands what loading alone takes, and how much of
 * that work is left to the training thread: `threadShare` (Linux only).
 *
 * Options: `--backend NAME` (default: the first that works of tfjs-node and wasm), `--steps 8` of each turn, `--rounds 2`,
 * `--batch 16`.
 */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {AttentiveDistiller, selectBackend, toNetworkInput, type BackendName, type TrainingBatch} from '../src/index.js';
import {imageFolder, type ImageFolder, type ImageFolderOptions} from '../src/node/index.js';
import {dataFolder, loadModel} from './data.js';
import type {BenchResult, BenchRow} from './report.js';

const LOADED = 256;

/** Runs the bench. */
export async function run(args: string[]): Promise<BenchResult> {
  const {values} = parseArgs({
    args,
    options: {
      backend: {type: 'string'},
      model: {type: 'string', default: 'mobilenet_v2_100_224'},
      steps: {type: 'string', default: '8'},
      rounds: {type: 'string', default: '2'},
      batch: {type: 'string', default: '16'},
    },
  });
  await selectBackend({prefer: values.backend === undefined ? ['tfjs-node', 'wasm'] : [values.backend as BackendName]});
  const distiller = await AttentiveDistiller.create({teacher: await loadModel(values.model), preprocessing: 'tf', seed: 1});
  const [height, width] = distiller.teacher.inputShape;
  const open = (options: ImageFolderOptions): Promise<ImageFolder> =>
    imageFolder(join(dataFolder(), 'images/imagenet-sample'), {
      size: [height, width],
      batchSize: Number(values.batch),
      leastCrop: 0.25,
      flip: true,
      seed: 1,
      ...options,
    });
  const sets = {'decoded when wanted': await open({prefetch: 0}), 'decoded ahead': await open({})};
  const timed = new Map(Object.keys(sets).map((name) => [name, {waiting: 0, total: 0, steps: 0}]));
  await train(distiller, sets['decoded ahead'], 2); // Compiles.
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [name, set] of Object.entries(sets)) {
      const {waiting, total} = await train(distiller, set, Number(values.steps));
      const sum = timed.get(name) as {waiting: number; total: number; steps: number};
      Object.assign(sum, {waiting: sum.waiting + waiting, total: sum.total + total, steps: sum.steps + Number(values.steps)});
    }
  }
  distiller.dispose();
  const rows: BenchRow[] = [...timed].map(([name, {waiting, total, steps}]) => ({
    what: `training, ${name}`,
    pictures: steps * Number(values.batch),
    'ms a picture': round(total / steps / Number(values.batch)),
    'waiting %': round((100 * waiting) / total),
  }));
  const alone = await loadAlone(await open({limit: LOADED}), 3);
  rows.push({
    what: 'loading alone',
    pictures: 3 * LOADED,
    'ms a picture': round(alone.wall),
    'CPU ms a picture': round(alone.cpu),
    'of it on the training thread': round(alone.thread),
  });
  rows.push({what: 'to network input', 'ms a picture': round(await inputTime(await open({limit: LOADED}), [height, width, 3]))});
  const share = (name: keyof typeof sets): number => (timed.get(name)?.waiting ?? NaN) / (timed.get(name)?.total ?? NaN);
  return {
    rows,
    ratios: {
      'waiting.whenWanted': share('decoded when wanted'),
      'waiting.ahead': share('decoded ahead'),
      threadShare: alone.thread / alone.cpu,
    },
  };
}

/** Trains so many steps; milliseconds from the second batch on, and those of them in which a batch was waited for. */
async function train(distiller: AttentiveDistiller, set: ImageFolder, steps: number): Promise<{waiting: number; total: number}> {
  let [waiting, started] = [0, NaN];
  async function* watched(epoch: number): AsyncGenerator<TrainingBatch> {
    const batches = set(epoch);
    try {
      for (let asked = performance.now(); ; asked = performance.now()) {
        const {value, done} = await batches.next();
        if (done === true) return;
        const arrived = performance.now();
        if (Number.isNaN(started)) started = arrived;
        else waiting += arrived - asked;
        yield value;
      }
    } finally {
      await batches.return();
    }
  }
  await distiller.train(watched, {epochs: {student: 0, explanation: 1}, budget: {steps}, learningRate: 1e-6});
  return {waiting, total: performance.now() - started};
}

/** Loads whole epochs without using them; means over the pictures. */
async function loadAlone(set: ImageFolder, epochs: number): Promise<{wall: number; cpu: number; thread: number}> {
  const read = (): number[] => {
    const {user, system} = process.cpuUsage();
    return [performance.now(), (user + system) / 1000, threadTime()];
  };
  const before = read();
  for (let epoch = 0; epoch < epochs; epoch++) {
    for await (const {images} of set(epoch)) if (Array.isArray(images) && images.length === 0) throw new Error('A batch is empty.');
  }
  const [wall = NaN, cpu = NaN, thread = NaN] = read().map((value, index) => (value - (before[index] ?? NaN)) / epochs / set.length);
  return {wall, cpu, thread};
}

/** Milliseconds that the main thread has computed; NaN where the system does not say. */
function threadTime(): number {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ', 1)[0]) / 1e6;
  } catch {
    return NaN;
  }
}

/** Milliseconds of the training thread that a decoded picture takes to become network input. */
async function inputTime(set: ImageFolder, inputShape: readonly [number, number, number]): Promise<number> {
  let taken = 0;
  for await (const {images} of set(0)) {
    const before = threadTime();
    toNetworkInput(images as Parameters<typeof toNetworkInput>[0], {inputShape, preprocessing: 'tf'}).dispose();
    taken += threadTime() - before;
  }
  return taken / set.length;
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
