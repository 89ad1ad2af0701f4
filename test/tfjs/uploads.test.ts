/** What training steps send to a GPU and read back: the batch, and scalars. */
import {randomNormal, square, type Tensor} from '@tensorflow/tfjs-core';
import {input, layers, model, sequential, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {total, trafficOf} from '../../bench/traffic.js';
import {trainingRun, type TrainingRun} from '../../bench/training-run.js';
import {AttentionDelta} from '../../src/layers/attention-delta.js';
import {CBAM} from '../../src/layers/cbam.js';
import type {StudentBuilder} from '../../src/models/students/student.js';
import {onGpuBackend} from '../helpers/environment.js';

const BATCH = 3;
const CLASSES = 5;
const SCALAR = 4;
const SIDE = 16;

/** As small as a student can be that has batch norm, both gates and two taps. */
const student: StudentBuilder = () => {
  const image = input({shape: [SIDE, SIDE, 3]});
  const deltas: SymbolicTensor[] = [];
  let x = image;
  for (const filters of [4, 8]) {
    const convolved = layers.conv2d({filters, kernelSize: 3, strides: 2, padding: 'same', useBias: false}).apply(x);
    const features = layers.batchNormalization({}).apply(convolved) as SymbolicTensor;
    const attended = new CBAM({ratio: 2}).apply(features) as SymbolicTensor;
    deltas.push(new AttentionDelta({mode: 'normalized'}).apply([attended, features]) as SymbolicTensor);
    x = layers.reLU({}).apply(attended) as SymbolicTensor;
  }
  const pooled = layers.globalAveragePooling2d({}).apply(x);
  const logits = layers.dense({units: CLASSES}).apply(pooled) as SymbolicTensor;
  return {model: model({inputs: image, outputs: [logits, ...deltas]}), trainingMode: true};
};

describe.skipIf(!onGpuBackend)('a training step on a GPU', () => {
  let run: TrainingRun;

  beforeAll(async () => {
    const teacher = sequential({
      layers: [
        layers.conv2d({inputShape: [SIDE, SIDE, 3], filters: 4, kernelSize: 3, strides: 2, padding: 'same', name: 'conv'}),
        layers.batchNormalization({name: 'bn'}),
        layers.reLU({maxValue: 6, name: 'relu'}),
        layers.globalAveragePooling2d({name: 'pool'}),
        layers.dense({units: CLASSES, activation: 'softmax', name: 'dense'}),
      ],
    });
    run = await trainingRun(teacher, student, BATCH);
  }, 240_000);

  afterAll(() => {
    run.dispose();
  });

  test('of the student sends nothing but scalars, and reads the losses back', async () => {
    const {step, end} = run.step('student');
    await step(); // makes what the optimiser remembers
    const {uploads, downloads} = await trafficOf(step);
    end();
    expect(Math.max(...uploads)).toBeLessThanOrEqual(SCALAR);
    expect(total(uploads)).toBeLessThan(1200); // WebGL has no programs of ours, and more constants
    expect(total(downloads)).toBeLessThanOrEqual(4 * SCALAR);
  }, 240_000);

  test('of the explanation network sends the labels, and where the maps are enlarged from', async () => {
    const {step, end} = run.step('explanation');
    await step();
    const {uploads, downloads} = await trafficOf(step);
    end();
    expect(Math.max(...uploads)).toBeLessThanOrEqual(32 * SCALAR); // a side of the image
    expect(total(uploads)).toBeLessThan(4000);
    expect(total(downloads)).toBeLessThanOrEqual(8 * SCALAR);
  }, 240_000);

  test('is counted: what is made on the processor, goes up and comes back is seen', async () => {
    const {uploads, downloads, kernels} = await trafficOf(async () => {
      const here: Tensor = randomNormal([7, 9]);
      const there = square(here);
      await there.data();
      here.dispose();
      there.dispose();
    });
    expect(uploads).toEqual([7 * 9 * SCALAR]);
    expect(downloads).toEqual([7 * 9 * SCALAR]);
    expect(kernels).toEqual({Square: 1});
  });
});
