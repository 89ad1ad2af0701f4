/**
 * What RISE costs beside the model: peak memory for few and for many masks, which should be the same,
 * and time beside plain forward passes of the same batch size. MobileNetV2 at 224×224 on wasm,
 * every number of masks in a process of its own, since a peak never goes down.
 */
import '@tensorflow/tfjs-backend-wasm';
import {fork} from 'node:child_process';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {randomUniform, ready, setBackend, slice, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {rise} from '../src/baselines/rise.js';
import {loadLayersModelFromFiles} from '../src/data/load-layers-model.js';

const CHILD = '--rise-child';
const ROUNDS = 10;

/** One number of masks. */
interface Row {
  masks: number;
  batchSize: number;
  /** Resident memory at its highest, when one plain batch and RISE have run. */
  peakMiB: number;
  /** One mask of RISE, everything included. */
  msPerMask: number;
  /** One image of a plain `predict` call. */
  msPerForward: number;
}

/** Options: `--masks 512,4096`, `--batch 32`, `--model FOLDER`. */
export async function run(args: string[]): Promise<{name: string; rows: Row[]; ratios: Record<string, number>}> {
  const data = process.env['AKD_DATA'] ?? join(import.meta.dirname, '../../shared/data');
  const {values} = parseArgs({
    args,
    strict: false,
    options: {
      masks: {type: 'string', default: '512,4096'},
      batch: {type: 'string', default: '32'},
      model: {type: 'string', default: join(data, 'models/mobilenet_v2_100_224')},
    },
  });
  const rows: Row[] = [];
  for (const masks of String(values.masks).split(',')) rows.push(await inChild([masks, String(values.batch), String(values.model)]));
  const [few, many] = [rows[0]!, rows.at(-1)!];
  return {name: 'rise', rows, ratios: {peakMemory: many.peakMiB / few.peakMiB, timeOverForward: many.msPerMask / many.msPerForward}};
}

function inChild(args: string[]): Promise<Row> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [CHILD, ...args]);
    let row: Row | undefined;
    child.on('message', (message) => (row = message as Row));
    child.on('error', reject);
    child.on('exit', (code) => (row ? resolve(row) : reject(new Error(`The measurement of ${args[0]} masks ended with ${code}.`))));
  });
}

async function measure(masks: number, batchSize: number, folder: string): Promise<Row> {
  await setBackend('wasm');
  await ready();
  const model = await loadLayersModelFromFiles(folder);
  const [height, width, channels] = model.inputs[0]!.shape.slice(1) as [number, number, number];
  const images = randomUniform([batchSize, height, width, channels], -1, 1, 'float32', 1) as Tensor4D;
  const image = slice(images, [0, 0, 0, 0], [1, -1, -1, -1]);
  const forward = async (): Promise<void> => {
    const scores = model.predict(images) as Tensor;
    await scores.data();
    scores.dispose();
  };
  await forward(); // compiles, packs the weights
  await rise(image, model, {numMasks: masks, batchSize});
  const peakMiB = process.resourceUsage().maxRSS / 1024;
  // In turns, so that whatever else the machine does falls on both alike.
  let [inRise, inForward] = [0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    inForward += await milliseconds(forward);
    inRise += await milliseconds(() => rise(image, model, {numMasks: batchSize, batchSize}));
  }
  const count = ROUNDS * batchSize;
  // A run also scores the unmasked image.
  return {masks, batchSize, peakMiB, msPerMask: inRise / (count + ROUNDS), msPerForward: inForward / count};
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

if (process.argv[2] === CHILD && process.send) {
  const [masks, batchSize, folder] = process.argv.slice(3);
  const row = await measure(Number(masks), Number(batchSize), folder!);
  process.send(row, () => process.disconnect());
}
