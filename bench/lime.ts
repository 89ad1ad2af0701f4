/** LIME with 1000 samples, quickshift included, ÷ 1000 plain forward passes: a photograph, MobileNetV2 at 224 on wasm. */
import {lime, selectBackend, teacherFromLayersModel} from '../src/index.js';
import {loadModel, loadPictures} from './data.js';
import {plainRun} from './plain.js';
import type {BenchResult} from './report.js';
import {timeRatio, timingRow} from './timing.js';

const MODEL = 'mobilenet_v2_100_224';
const SAMPLES = 1000;
const BATCH = 32;

/** Runs the bench. Option: `--repeats N`. */
export async function run(args: string[]): Promise<BenchResult> {
  await selectBackend({prefer: ['wasm']});
  const model = await loadModel(MODEL);
  const teacher = teacherFromLayersModel(model, {preprocessing: 'tf'});
  const [picture] = await loadPictures('ilsvrc-val', 1);
  if (picture === undefined) throw new Error('There is no picture.');
  const plain = plainRun(model, BATCH);
  await plain.forward(BATCH);
  const repeats = args.includes('--repeats') ? Number(args[args.indexOf('--repeats') + 1]) : 3;
  const ours = (): Promise<unknown> => lime(picture.image, teacher, {numSamples: SAMPLES, batchSize: BATCH, seed: 1});
  const timed = await timeRatio(ours, () => plain.forward(SAMPLES), {warmup: 0, repeats});
  plain.dispose();
  model.dispose();
  return {rows: [timingRow(`lime.${MODEL}`, timed, ['LIME', 'forward passes'])], ratios: {[`lime.${MODEL}`]: timed.ratio}};
}
