/** RISE on a real network. Needs the model and the photographs, and wasm: cpu takes a minute. */
import '../helpers/use-wasm.js';
import {tensor3d} from '@tensorflow/tfjs-core';
import {expect, it} from 'vitest';
import {rise} from '../../src/baselines/rise/rise.js';
import {teacherFromLayersModel} from '../../src/models/teacher-from-layers-model.js';
import {expectClose, expectNoLeak, type Tolerance} from '../helpers/expect.js';
import {casesWhere, onGpuBackend, patience} from '../helpers/environment.js';
import {dataFolder, loadDataModel} from '../helpers/files.js';
import {golden, hasGolden, type GoldenArray} from '../helpers/golden.js';

interface Photographs {
  images: GoldenArray;
  s: number;
  p: number;
  grids: GoldenArray;
  shifts: GoldenArray;
  tolerance: Record<'probs' | 'saliency', Tolerance>;
  cases: {image: number; target: number; probabilities: GoldenArray; saliency: GoldenArray}[];
}

it('gives the stored maps of a CIFAR-10 ResNet, of pictures and of tensors', {timeout: patience}, async ({skip}) => {
  if (!(await hasGolden('full_rise_causal'))) skip('The family full_rise_causal holds photographs and is not here (AKD_GOLDENS).');
  const {images, s, p, grids, shifts, cases: all, tolerance} = await golden<Photographs>('full_rise_causal');
  const cases = casesWhere(onGpuBackend, all);
  const masks = {gridSize: s, bits: grids.values, shifts: shifts.values};
  const model = (await loadDataModel('resnet20_cifar10')) ?? skip(`There is no resnet20_cifar10 in ${dataFolder} (AKD_DATA).`);
  const teacher = teacherFromLayersModel(model, {preprocessing: 'torch'});
  const [mean, std] = [
    [0.485, 0.456, 0.406],
    [0.229, 0.224, 0.225],
  ] as const;
  const size = 32 * 32 * 3;
  await expectNoLeak(async () => {
    for (const [index, {image, target, probabilities, saliency}] of cases.entries()) {
      const pixels = images.values.slice(image * size, (image + 1) * size) as Uint8Array;
      const [map] = await rise({data: pixels, width: 32, height: 32}, teacher, {masks, keepProbability: p, batchSize: 50});
      expect(map!.target).toBe(target);
      expectClose([map!.score], [probabilities.values[target]!], tolerance.probs, `score ${index}`);
      expectClose(map!.data, saliency.values, tolerance.saliency, `map ${index}`);
      if (index > 0 || onGpuBackend) continue;
      const x = tensor3d(
        Float32Array.from(pixels, (pixel, at) => (pixel / 255 - mean[at % 3]!) / std[at % 3]!),
        [32, 32, 3],
      );
      const [same] = await rise(x, model, {masks, keepProbability: p, batchSize: 64});
      x.dispose();
      expectClose(same!.data, saliency.values, tolerance.saliency, 'of a tensor');
    }
  });
  model.dispose();
});
