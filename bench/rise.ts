/**
 * What RISE costs beside the model, MobileNetV2 at 224 on wasm: time of N masks ÷ N plain forward
 * passes in batches of the same size, and peak memory for few and for many masks, which should be
 * the same; every number of masks in a process of its own, since a peak never goes down.
 */
import {parseArgs} from 'node:util';
import {rise, selectBackend} from '../src/index.js';
import {loadModel} from './data.js';
import {peakInChild, reportPeak} from './peak-in-child.js';
import {plainRun} from './plain.js';
import type {BenchResult} from './report.js';
import {timeRatio, timingRow} from './timing.js';

const MODEL = 'mobilenet_v2_100_224';
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
      const peak = await peakInChild(import.meta.url, [masks, values.batch]);
      peaks.push(peak);
      rows.push({what: `peak memory, ${masks} masks`, MiB: Math.round(peak)});
    }
    ratios[`risePeakMemory.${MODEL}`] = (peaks.at(-1) as number) / (peaks[0] as number);
  }
  return {rows, ratios};
}

/** One plain batch, and RISE. */
async function explainWith(masks: number, batchSize: number): Promise<void> {
  await selectBackend({prefer: ['wasm']});
  const model = await loadModel(MODEL);
  const plain = plainRun(model, batchSize);
  await plain.forward(batchSize);
  await rise(plain.image, model, {numMasks: masks, batchSize});
}

await reportPeak(([masks, batchSize]) => explainWith(Number(masks), Number(batchSize)));
