/** Insertion and deletion of one map ÷ the plain forward passes that they need, MobileNetV2 at 224 on wasm. */
import {selectBackend, randomMap} from '../src/index.js';
import {deletionScore, insertionScore} from '../src/metrics/index.js';
import {loadModel} from './data.js';
import {plainRun} from './plain.js';
import type {BenchResult} from './report.js';
import {timeRatio, timingRow} from './timing.js';

const MODEL = 'mobilenet_v2_100_224';
const SIDE = 224;
const BATCH = 32;

/** Runs the bench. Option: `--repeats N`. */
export async function run(args: string[]): Promise<BenchResult> {
  await selectBackend({prefer: ['wasm']});
  const model = await loadModel(MODEL);
  const plain = plainRun(model, BATCH);
  const map = randomMap({height: SIDE, width: SIDE, seed: 1});
  // ceil(224·224 / 224) steps and the start, for each of the two.
  const scores = (SIDE * SIDE) / SIDE + 1;
  const ours = async (): Promise<void> => {
    await insertionScore(plain.image, map, model, {stepSize: SIDE, batchSize: BATCH});
    await deletionScore(plain.image, map, model, {stepSize: SIDE, batchSize: BATCH});
  };
  const needed = async (): Promise<void> => {
    await plain.forward(scores);
    await plain.forward(scores);
  };
  const repeats = args.includes('--repeats') ? Number(args[args.indexOf('--repeats') + 1]) : 5;
  const timed = await timeRatio(ours, needed, {repeats});
  plain.dispose();
  model.dispose();
  return {rows: [timingRow(`causal.${MODEL}`, timed, ['both scores', 'forward passes'])], ratios: {[`causal.${MODEL}`]: timed.ratio}};
}
