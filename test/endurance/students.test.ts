/** A student that is a copy of its teacher decides as the teacher does, with gates nearly open and with the default. */
import '../helpers/use-wasm.js';
import {existsSync} from 'node:fs';
import {abs, argMax, dispose, max, sub, tidy, type Tensor, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import {loadCifar, loadModel, loadPictures} from '../../bench/data.js';
import {qualityCases} from '../../bench/quality-cases.js';
import {dataFolder} from '../helpers/files.js';
import {studentFromTeacher, teacherFromLayersModel, toNetworkInput, type DecodedImage} from '../../src/index.js';

const photographs = async (count: number): Promise<DecodedImage[]> => (await loadPictures('ilsvrc-val', count)).map(({image}) => image);
const pictures: Readonly<Record<string, () => Promise<DecodedImage[]>>> = {
  resnet20_cifar10: async () => (await loadCifar()).slice(-64),
  mobilenet_v1_025_128: () => photographs(64),
  mobilenet_v2_100_224: () => photographs(64),
  densenet121_224: () => photographs(16),
};
const BATCH = 8;

const has = existsSync(dataFolder);
const skipped = has ? '' : ' (skipped: AKD_DATA is absent)';

describe.skipIf(!has).each(Object.entries(pictures))(`a student of %s${skipped}`, (name, load) => {
  it.each([
    ['almost open', 1 - 1e-6, 1e-3],
    ['as they are by default', undefined, Infinity],
  ])('whose gates are %s', async (_, initialGate, tolerance) => {
    const model = await loadModel(name);
    const teacher = teacherFromLayersModel(model, {preprocessing: qualityCases[name]!.preprocessing, name});
    const student = (await studentFromTeacher({scales: 4, initialGate})(teacher, {seed: 7})).model;
    let [changed, largest] = [0, 0];
    const all = await load();
    for (let first = 0; first < all.length; first += BATCH) {
      const images = toNetworkInput(all.slice(first, first + BATCH), teacher);
      const answers = tidy(() => [teacher.logits(images as Tensor4D), (student.apply(images) as Tensor[])[0]!] as [Tensor2D, Tensor2D]);
      const [decided, own] = await Promise.all(answers.map(async (each) => tidy(() => argMax(each, 1)).data()));
      changed += [...decided!].filter((each, index) => each !== own![index]).length;
      largest = Math.max(largest, ...(await tidy(() => max(abs(sub(...answers)), 1)).data()));
      dispose([images, ...answers]);
    }
    console.log(
      `${name}, gates ${initialGate ?? 'by default'}: ${changed} of ${all.length} decisions changed, a logit by at most ${largest.toExponential(1)}.`,
    );
    expect(changed).toBe(0);
    expect(largest).toBeLessThan(tolerance);
    student.dispose();
    model.dispose();
  });
});
