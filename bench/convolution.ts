/**
 * What the convolution of compiled networks brings on wasm, where the engine has relaxed SIMD (Node from 22 on): forward passes of
 * one compiled network with the backend's own kernel ÷ with ours, in turn. Above 1: ours is faster. `--repeats N` (default 15).
 */
import {parseArgs} from 'node:util';
import {dispose, getKernel, randomUniform, registerKernel, unregisterKernel} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {selectBackend} from '../src/index.js';
import {at} from '../src/core/at.js';
import {CompiledModel} from '../src/models/compiled/compiled-model.js';
import {disposeModel} from '../src/tfjs/model-variables.js';
import {hasMultiplyAdd} from '../src/tfjs/wasm/_simd.js';
import {COMPILED_CONVOLUTION} from '../src/tfjs/wasm/convolution.js';
import {loadModel} from './data.js';
import type {BenchResult, BenchRow} from './report.js';
import {resnet50} from './resnet50.js';
import {timeRatio, timingRow} from './timing.js';

const cases: Readonly<Record<string, {readonly load: () => Promise<LayersModel>; readonly batches: readonly number[]}>> = {
  mobilenet_v2_100_224: {load: () => loadModel('mobilenet_v2_100_224'), batches: [1, 8]},
  resnet50_224: {load: async () => resnet50(), batches: [1, 4]},
};

/** Runs the bench. */
export async function run(args: string[]): Promise<BenchResult> {
  const {values} = parseArgs({args, options: {repeats: {type: 'string', default: '15'}}});
  await selectBackend({prefer: ['wasm']});
  if (!hasMultiplyAdd()) throw new Error('This engine has no relaxed SIMD: run the bench with Node 22 or later.');
  const ours = getKernel(COMPILED_CONVOLUTION, 'wasm');
  const rows: BenchRow[] = [];
  const ratios: Record<string, number> = {};
  for (const [name, {load, batches}] of Object.entries(cases)) {
    const model = await load();
    const compiled = new CompiledModel(model);
    for (const batch of batches) {
      const images = randomUniform([batch, 224, 224, 3], -1, 1, 'float32', 1);
      const forward = async (): Promise<void> => {
        const scores = compiled.run([images]);
        await at(scores, 0).data();
        dispose(scores);
      };
      const theirs = async (): Promise<void> => {
        unregisterKernel(COMPILED_CONVOLUTION, 'wasm');
        try {
          await forward();
        } finally {
          registerKernel(ours);
        }
      };
      const timed = await timeRatio(theirs, forward, {repeats: Number(values.repeats), warmup: 3});
      ratios[`convolution.${name}_b${batch}`] = timed.ratio;
      rows.push(timingRow(`${name}, ${batch} images`, timed, ['own of the backend', 'ours']));
      images.dispose();
    }
    compiled.dispose();
    disposeModel(model);
  }
  return {rows, ratios};
}
