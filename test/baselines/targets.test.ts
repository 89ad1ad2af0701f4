/** What is explained beside a class: functions of the logits, and a class for each image; of every kind of model. */
import {mul, randomUniform, reshape, sum, tensor1d, tensor2d, tidy, type Tensor, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {layers, sequential, type LayersModel} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {
  classActivationMap,
  gradCam,
  gradientSaliency,
  gridSegments,
  lime,
  masksFromGrids,
  rise,
  smoothGrad,
} from '../../src/baselines/index.js';
import {contrast} from '../../src/core/contrast.js';
import {Random} from '../../src/core/random.js';
import type {Model, SaliencyMap, ScoreFn} from '../../src/core/types.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {patchBatch, patchTeacher} from '../helpers/patch-world.js';

const [HEIGHT, WIDTH, PIXELS, CLASSES] = [4, 6, 24, 3];
const random = new Random(8);
/** `[pixel, class]`. */
const weights = Float32Array.from({length: PIXELS * CLASSES}, () => random.uniform(-1, 1));
const biases = [0.3, -0.2, 0.1];
const weightOf = (pixel: number, index: number): number => weights[pixel * CLASSES + index]!;
const values = (maps: readonly SaliencyMap[]): number[] => maps.flatMap(({data}) => [...data]);

/** z = xW + b, behind a softmax. */
function linearModel(): LayersModel {
  const model = sequential({
    layers: [layers.flatten({inputShape: [HEIGHT, WIDTH, 1]}), layers.dense({units: CLASSES, activation: 'softmax'})],
  });
  const [kernel, bias] = [tensor2d(weights, [PIXELS, CLASSES]), tensor1d(biases)];
  model.setWeights([kernel, bias]);
  kernel.dispose();
  bias.dispose();
  return model;
}

/** The logits of some pixels, in plain numbers. */
const logitsOf = (pixels: ArrayLike<number>): number[] =>
  biases.map((bias, index) => Array.from(pixels).reduce((total, value, pixel) => total + value * weightOf(pixel, index), bias));

let model: LayersModel;
let images: Tensor4D;
let pixels: Float32Array;
beforeAll(async () => {
  model = linearModel();
  images = randomUniform([2, HEIGHT, WIDTH, 1], 0.2, 1, 'float32', 3) as Tensor4D;
  pixels = Float32Array.from(await images.data());
});
afterAll(() => {
  model.dispose();
  images.dispose();
});
const pixelsOf = (image: number): Float32Array => pixels.slice(image * PIXELS, (image + 1) * PIXELS);

describe('the target z_2 − z_0', () => {
  const target = contrast(2, 0);
  const margin = (image: number): number => {
    const logits = logitsOf(pixelsOf(image));
    return logits[2]! - logits[0]!;
  };

  it('has the difference of two gradients for its gradient, and the difference of two logits for its score', async () => {
    const difference = Array.from({length: PIXELS}, (_, pixel) => weightOf(pixel, 2) - weightOf(pixel, 0));
    await expectNoLeak(async () => {
      for (const method of [gradientSaliency, smoothGrad]) {
        const maps = await method(images, model, {target, reduce: 'signed-sum', batchSize: 1});
        expectClose(values(maps), [...difference, ...difference], {abs: 1e-5}, 'gradient');
        maps.forEach((map, image) => {
          expect(map).toMatchObject({target: -1, options: {target: 'function'}});
          expect(map.score).toBeCloseTo(margin(image), 4);
        });
      }
    });
  });

  it('has the difference of two maps for its Grad-CAM, at any layer', async () => {
    const teacher = patchTeacher();
    const {images: patches} = patchBatch(0, 2);
    await expectNoLeak(async () => {
      for (const layer of ['stage_1', 'stage_3']) {
        const options = {layer, relu: false, normalize: false};
        const maps = await gradCam(patches, teacher, {...options, target});
        const [second, zeroth] = [
          await gradCam(patches, teacher, {...options, target: 2}),
          await gradCam(patches, teacher, {...options, target: 0}),
        ];
        const expected = values(second).map((value, at) => value - values(zeroth)[at]!);
        expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(1e-3);
        expectClose(values(maps), expected, {relToMax: 1e-5}, layer);
        expect(maps.map((map) => map.target)).toEqual([-1, -1]);
      }
      await expect(classActivationMap(patches, teacher, {target} as never)).rejects.toThrow(/^classActivationMap: target must be a class/);
    });
    teacher.dispose();
    patches.dispose();
  });

  it('has the map of RISE that its formula gives, from logits and not from probabilities', async () => {
    // All masks of 1×2 cells, at two shifts; S = Σ (z_2 − z_0)(x ⊙ M) · M / (N · p).
    const grids = {gridSize: [1, 2] as const, bits: [0, 0, 0, 1, 1, 0, 1, 1, 0, 1], shifts: [0, 0, 1, 2, 0, 1, 3, 0, 2, 2]};
    const made = masksFromGrids(grids, [HEIGHT, WIDTH]);
    const masks = Float32Array.from(await made.data());
    made.dispose();
    await expectNoLeak(async () => {
      const maps = await rise(images, model, {masks: grids, target, batchSize: 2});
      maps.forEach((map, image) => {
        const expected = new Float64Array(PIXELS);
        for (let mask = 0; mask < 5; mask++) {
          const shown = masks.slice(mask * PIXELS, (mask + 1) * PIXELS);
          const logits = logitsOf(shown.map((kept, pixel) => kept * pixelsOf(image)[pixel]!));
          expected.forEach((_, pixel) => (expected[pixel]! += ((logits[2]! - logits[0]!) * shown[pixel]!) / (5 * 0.5)));
        }
        expectClose(map.data, expected, {abs: 1e-5}, `image ${image}`);
        expect(map).toMatchObject({target: -1, options: {target: 'function'}});
        expect(map.score).toBeCloseTo(margin(image), 4);
      });
    });
  });

  it('has the weights of LIME that a linear model has: what each segment adds', async () => {
    const segments = gridSegments(HEIGHT, WIDTH, {rows: 2, columns: 3});
    await expectNoLeak(async () => {
      const maps = await lime(images, model, {segmenter: segments, fill: 0, alpha: 1e-6, numSamples: 64, target});
      maps.forEach((map, image) => {
        const expected = new Float64Array(6);
        segments.labels.forEach((label, pixel) => {
          expected[label]! += (weightOf(pixel, 2) - weightOf(pixel, 0)) * pixelsOf(image)[pixel]!;
        });
        const found = new Float64Array(6);
        for (const [segment, weight] of map.coefficients) found[segment] = weight;
        expectClose(found, expected, {abs: 1e-4}, `image ${image}`);
        expectClose([map.intercept, map.score], [biases[2]! - biases[0]!, margin(image)], {abs: 1e-4}, 'intercept and score');
        expect(map).toMatchObject({target: -1, options: {target: 'function'}});
      });
    });
  });

  it.each<[string, (images: Tensor4D, model: Model, options: object) => Promise<SaliencyMap[]>]>([
    ['rise', (x, m, o) => rise(x, m, {numMasks: 2, gridSize: 2, ...o})],
    ['lime', (x, m, o) => lime(x, m, {numSamples: 2, segmenter: 'grid', ...o})],
    ['gradCam', (x, m, o) => gradCam(x, m, {layer: 'map', ...o})],
    ['gradientSaliency', gradientSaliency],
    ['smoothGrad', smoothGrad],
  ])('is refused where it gives something else than a number per image: %s', async (name, explain) => {
    const mapped = sequential({
      layers: [
        layers.conv2d({filters: 2, kernelSize: 1, name: 'map', inputShape: [HEIGHT, WIDTH, 1]}),
        layers.flatten(),
        layers.dense({units: CLASSES}),
      ],
    });
    await expectNoLeak(async () => {
      await expect(explain(images, mapped, {target: () => 5})).rejects.toThrow(new RegExp(`^${name}: target must return a tensor \\[N\\]`));
      await expect(explain(images, mapped, {target: (z: Tensor2D) => z})).rejects.toThrow(RangeError);
      await expect(explain(images, mapped, {target: contrast(0, 7)})).rejects.toThrow(/contrast: b must be a whole number from 0 to 2/);
    });
    mapped.dispose();
  });
});

describe('a class for each image', () => {
  it('is the class of that image, whatever its neighbours and the batch', async () => {
    const target = {perImage: [2, 0]};
    const segmenter = gridSegments(HEIGHT, WIDTH, {rows: 2, columns: 3});
    const each = async (index: 0 | 1): Promise<[Float32Array, number][]> =>
      [
        await rise(images, model, {numMasks: 9, gridSize: 2, target: target.perImage[index]!}),
        await lime(images, model, {segmenter, numSamples: 9, target: target.perImage[index]!}),
      ].map((maps) => [maps[index]!.data, maps[index]!.score]);
    const together = [
      await rise(images, model, {numMasks: 9, gridSize: 2, target}),
      await lime(images, model, {segmenter, numSamples: 9, target}),
    ];
    for (const index of [0, 1] as const) {
      const alone = await each(index);
      together.forEach((maps, method) => {
        expect(maps.map((map) => map.target)).toEqual([2, 0]);
        expect([maps[index]!.data, maps[index]!.score]).toEqual(alone[method]);
        expect(maps[index]!.options['target']).toEqual(target);
      });
    }
  });
});

describe('a GraphModel', () => {
  const predict = (batch: Tensor): Tensor2D => model.predict(batch) as Tensor2D;
  const forms: [string, () => Model][] = [
    ['that predicts a tensor', () => ({predict})],
    ['that predicts a list of one', () => ({predict: (batch: Tensor) => [predict(batch)]})],
    ['that predicts under a name', () => ({predict: (batch: Tensor) => ({probabilities: predict(batch)})})],
    ['that predicts maps of one pixel', () => ({predict: (batch: Tensor) => tidy(() => reshape(predict(batch), [-1, 1, 1, CLASSES]))})],
    ['that says its size', () => ({predict, inputs: [{shape: [-1, HEIGHT, WIDTH, 1]}]})],
  ];
  it.each(forms)('%s has the maps of the network behind it, by rise and by lime', async (_, make) => {
    const segmenter = gridSegments(HEIGHT, WIDTH, {rows: 2, columns: 3});
    await expectNoLeak(async () => {
      for (const target of ['argmax', [1, 2]] as const) {
        const [one, other] = [
          await rise(images, model, {numMasks: 7, gridSize: 2, target, batchSize: 3}),
          await rise(images, make(), {numMasks: 7, gridSize: 2, target, batchSize: 3}),
        ];
        expectClose(values(other), values(one), {abs: 1e-6}, 'rise');
        const [weighed, again] = [
          await lime(images, model, {segmenter, numSamples: 7, target, batchSize: 3}),
          await lime(images, make(), {segmenter, numSamples: 7, target, batchSize: 3}),
        ];
        expectClose(values(again), values(weighed), {abs: 1e-5}, 'lime');
        expect([...other, ...again].map((map) => map.target)).toEqual([...one, ...weighed].map((map) => map.target));
      }
    });
  });

  it('has functions of what it predicts explained, as a score function has', async () => {
    const scores: ScoreFn = (batch) => predict(batch);
    await expectNoLeak(async () => {
      const half = (rows: Tensor2D) => tidy(() => mul(0.5, sum(rows, 1))) as never;
      for (const form of [scores, {predict}]) {
        const [map] = await rise(images, form, {numMasks: 4, gridSize: 2, target: half});
        expect(map!.score).toBeCloseTo(0.5, 5); // half the sum of all probabilities
        // Σ ½ · M / (N · p): twice the mean mask, halved, whatever the image.
        const [second] = (await rise(images, form, {numMasks: 4, gridSize: 2, target: half})).slice(1);
        expectClose(second!.data, map!.data, {abs: 1e-5}, 'the same for every image');
      }
    });
  });

  it('is refused by both where it gives several outputs, or none', async () => {
    await expectNoLeak(async () => {
      for (const method of [
        (m: Model) => rise(images, m, {numMasks: 2, gridSize: 2}),
        (m: Model) => lime(images, m, {numSamples: 2, segmenter: 'grid'}),
      ]) {
        await expect(method({predict: (batch: Tensor) => [predict(batch), predict(batch)]})).rejects.toThrow(
          /must give one tensor of scores, but gave 2/,
        );
        await expect(method({predict: () => undefined})).rejects.toThrow(/must give one tensor of scores, but gave undefined/);
      }
    });
  });
});
