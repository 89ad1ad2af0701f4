/**
 * What RISE costs beside the model, MobileNetV2 at 224 on wasm: time of N masks ÷ N plain forward
 * passes in batches of the same size, and peak memory for few and for many masks, which should be
 * the same; every number of masks in a process of its own, since a peak never goes down.
 */
import {fork} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {rise, selectBackend} from '../src/index.js';
import {loadModel} from './data.js';
import {plainRun} from './plain.js';
import type {BenchResult} from './report.js';
import {timeRatio, timingRow} from './timing.js';

const MODEL = 'mobilenet_v2_100_224';
const CHILD = '--rise-child';
const TIMED_MASKS = 512;

/** Options: `--batch 32`, `--repeats 5`, and `--memory FEW,MANY` for the memory, `--memory none` without. */
export async function run(args: string[]): Promise<BenchResult> {
  const {values} = parseArgs({
    args,
    options: {
      batch: {type: 'string', default: '32'},
      repeats: {type: 'string', default: '5'},
      memory: {type: 'string', default: '512,4096'},
    },
  });
  const batchSize = Number(values.batch);
  await selectBackend({prefer: ['wasm']});
  const model = await loadModel(MODEL);
  const plain = plainRun(model, batchSize);
  const ours = (): Promise<unknown> => rise(plain.image, model, {numMasks: TIMED_MASKS, batchSize, seed: 1});
  const timed = await timeRatio(ours, () => plain.forward(TIMED_MASKS), {repeats: Number(values.repeats)});
  plain.dispose();
  model.dispose();
  const rows: BenchResult['rows'][number][] = [timingRow(`rise.${MODEL}`, timed, ['RISE', 'forward passes'])];
  const ratios: Record<string, number> = {[`rise.${MODEL}`]: timed.ratio};
  if (values.memory !== 'none') {
    const peaks: number[] = [];
    for (const masks of values.memory.split(',')) {
      const peak = await peakInChild(masks, values.batch);
      peaks.push(peak);
      rows.push({what: `peak memory, ${masks} masks`, MiB: Math.round(peak)});
    }
    ratios[`risePeakMemory.${MODEL}`] = (peaks.at(-1) as number) / (peaks[0] as number);
  }
  return {rows, ratios};
}

function peakInChild(masks: string, batchSize: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [CHILD, masks, batchSize]);
    let peak: number | undefined;
    child.on('message', (message) => (peak = message as number));
    child.on('error', reject);
    child.on('exit', (code) =>
      peak === undefined ? reject(new Error(`The measurement of ${masks} masks ended with ${code}.`)) : resolve(peak),
    );
  });
}

/** Resident memory in MiB at its highest, when one plain batch and RISE have run. */
async function peakMemory(masks: number, batchSize: number): Promise<number> {
  await selectBackend({prefer: ['wasm']});
  const model = await loadModel(MODEL);
  const plain = plainRun(model, batchSize);
  await plain.forward(batchSize);
  await rise(plain.image, model, {numMasks: masks, batchSize});
  return process.resourceUsage().maxRSS / 1024;
}

if (process.argv[2] === CHILD && process.send) {
  process.send(await peakMemory(Number(process.argv[3]), Number(process.argv[4])), () => process.disconnect());
}
