import {getBackend, softmax, tensor4d, tidy, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import {camWeights, weighChannels} from '../../src/baselines/cam/variant.js';
import {gradCam} from '../../src/baselines/cam/grad-cam.js';
import {channelValue, resolvePreprocessing} from '../../src/core/preprocessing.js';
import {executeGraph} from '../../src/models/graph/execute-graph.js';
import {layeredModel, type LayeredModel} from '../../src/models/gradient-model.js';
import {teacherFromLayersModel} from '../../src/models/teacher-from-layers-model.js';
import {expectClose, expectNoLeak, type Tolerance} from '../helpers/expect.js';
import {casesWhere, onGpuBackend, patience} from '../helpers/environment.js';
import {dataFolder, loadDataModel} from '../helpers/files.js';
import {golden, hasGolden, type GoldenArray} from '../helpers/golden.js';
import {loadStoredModel, type StoredModel} from '../helpers/stored-model.js';

interface ExpectedMap {
  layer: string;
  target: number;
  alpha: GoldenArray;
  layer_output?: GoldenArray;
  raw: GoldenArray;
  cam: GoldenArray;
  upsampled: GoldenArray;
  normalised: GoldenArray;
  empty: boolean;
}

interface Family {
  tolerance: Record<'logits' | 'alpha' | 'raw' | 'cam' | 'upsampled' | 'normalised', Tolerance & {rel_to_max?: number}>;
  tiny: {name: string; model: StoredModel; input: GoldenArray; logits: GoldenArray; probabilities: GoldenArray; maps: ExpectedMap[]}[];
  resnet: {
    model: string;
    images: GoldenArray;
    cases: {image: number; probabilities: GoldenArray; target: number; maps: ExpectedMap[]}[];
  };
}

const present = await hasGolden('grad_cam');
const family = present ? await golden<Family>('grad_cam') : undefined;
const bound = (key: keyof Family['tolerance']): Tolerance => {
  const {rel_to_max: relToMax = 0, abs = 0, rel = 0} = family!.tolerance[key];
  // A map that is all zeros has no largest value to be measured by.
  return {relToMax, rel, abs: Math.max(abs, 1e-9)};
};
const batchOf = ({shape, values}: GoldenArray): Tensor4D => tensor4d(values as Float32Array, shape as [number, number, number, number]);

/** Weights and sums at the size of the feature map. */
async function expectParts(model: LayeredModel, input: Tensor4D, map: ExpectedMap): Promise<void> {
  const features = executeGraph(model.network, input, {until: map.layer}) as Tensor4D;
  if (map.layer_output !== undefined) expectClose(await features.data(), map.layer_output.values, {relToMax: 1e-4}, 'features');
  const gradients = await model.gradient(input, [map.target], {path: map.layer, output: features});
  const [weights, raw] = tidy(() => {
    const alpha = camWeights('grad-cam', features, gradients);
    return [alpha, weighChannels(features, alpha)] as [Tensor, Tensor];
  });
  const values = await raw.data();
  expectClose(await weights.data(), map.alpha.values, bound('alpha'), 'alpha');
  expectClose(values, map.raw.values, bound('raw'), 'raw');
  expectClose(
    values.map((value) => Math.max(value, 0)),
    map.cam.values,
    bound('cam'),
    'cam',
  );
  for (const each of [features, gradients, weights, raw]) each.dispose();
}

describe.skipIf(!present)(
  `stored numbers of Grad-CAM${present ? '' : ' (skipped: the family grad_cam holds photographs and is not here, AKD_GOLDENS)'}`,
  () => {
    it.each(family?.tiny ?? [])('of the network $name', async ({model: stored, input: array, probabilities, maps}) => {
      const model = await loadStoredModel(stored);
      const input = batchOf(array);
      const layered = layeredModel('test', model);
      await expectNoLeak(async () => {
        expectClose((await layered.score(input, 'argmax')).values, probabilities.values, {abs: 1e-5}, 'probabilities');
        for (const expected of maps) {
          const {layer, target, upsampled, normalised, empty} = expected;
          await expectParts(layered, input, expected);
          const [plain] = await gradCam(input, model, {layer, target, normalize: false});
          const [map] = await gradCam(input, model, {layer, target});
          expectClose(plain!.data, upsampled.values, bound('upsampled'), `${layer} upsampled`);
          expectClose(map!.data, normalised.values, bound('normalised'), `${layer} normalised`);
          expect([plain!.empty, map!.empty, map!.target, map!.height, map!.width]).toEqual([
            empty,
            empty,
            target,
            array.shape[1],
            array.shape[2],
          ]);
          expect(map!.score).toBeCloseTo(probabilities.values[target]!, 5);
          expect(map!.options['layer']).toBe(layer);
          expect(map!.options['logit']).toMatch(/^input of the softmax in/);
        }
      });
      input.dispose();
      model.dispose();
    });

    it('of a CIFAR-10 ResNet, all images at once', {timeout: patience}, async ({skip}) => {
      const {images, cases: all} = family!.resnet;
      const cases = casesWhere(onGpuBackend || getBackend() === 'cpu', all); // some 10 s per image there
      const model = (await loadDataModel(family!.resnet.model)) ?? skip(`There is no ${family!.resnet.model} in ${dataFolder} (AKD_DATA).`);
      const preprocessing = resolvePreprocessing('test', 'torch');
      const teacher = teacherFromLayersModel(model, {preprocessing});
      const size = 32 * 32 * 3;
      const pixels = images.values as Uint8Array;
      const normalised = Float32Array.from(
        {length: cases.length * size},
        (_, at) =>
          (pixels[cases[Math.floor(at / size)]!.image * size + (at % size)]! / 255 - channelValue('test', preprocessing.mean, at % 3)) /
          channelValue('test', preprocessing.std, at % 3),
      );
      const input = tensor4d(normalised, [cases.length, 32, 32, 3]);
      await expectNoLeak(async () => {
        const logits = teacher.logits(input);
        const probabilities = softmax(logits);
        expectClose(
          await probabilities.data(),
          cases.flatMap((each) => [...each.probabilities.values]),
          {abs: 1e-4},
          'probabilities',
        );
        for (const each of [logits, probabilities]) each.dispose();
        for (const [at, {layer}] of cases[0]!.maps.entries()) {
          const plain = await gradCam(input, model, {layer, normalize: false, batchSize: 4});
          const stretched = await gradCam(input, teacher, {layer, batchSize: 4});
          cases.forEach(({target, maps}, image) => {
            const expected = maps[at]!;
            expect([expected.layer, plain[image]!.target, plain[image]!.empty]).toEqual([layer, target, expected.empty]);
            expectClose(plain[image]!.data, expected.upsampled.values, bound('upsampled'), `image ${image}, ${layer}, upsampled`);
            expectClose(stretched[image]!.data, expected.normalised.values, bound('normalised'), `image ${image}, ${layer}, normalised`);
          });
          const one = tensor4d(normalised.subarray(0, size), [1, 32, 32, 3]);
          await expectParts(layeredModel('test', model), one, cases[0]!.maps[at]!);
          one.dispose();
        }
      });
      expect((await gradCam(input, model, {target: 0}))[0]!.options['layer']).toBe('layer3_2_out');
      input.dispose();
      model.dispose();
    });
  },
);
