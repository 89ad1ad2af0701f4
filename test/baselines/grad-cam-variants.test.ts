import {randomUniform, tensor1d, tensor2d, tensor4d, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import {input, layers, model as functional, sequential, type LayersModel} from '@tensorflow/tfjs-layers';
import {describe, expect, it} from 'vitest';
import {camVariants, camWeights, weighChannels, type CamVariant} from '../../src/baselines/cam/variant.js';
import {gradCam} from '../../src/baselines/cam/grad-cam.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';

const HEIGHT = 3;
const WIDTH = 4;
const CHANNELS = 2;
const PIXELS = HEIGHT * WIDTH;

/** The published formulas in plain loops and double precision: A and g of one image, `[pixel][channel]` flat. */
function expectedMap(variant: CamVariant, features: ArrayLike<number>, gradients: ArrayLike<number>): number[] {
  const A = (pixel: number, k: number): number => features[pixel * CHANNELS + k]!;
  const g = (pixel: number, k: number): number => gradients[pixel * CHANNELS + k]!;
  const overSpace = (value: (pixel: number) => number): number =>
    Array.from({length: PIXELS}, (_, pixel) => value(pixel)).reduce((a, b) => a + b, 0);
  const weight = (pixel: number, k: number): number => {
    const sumA = overSpace((at) => A(at, k));
    switch (variant) {
      case 'grad-cam':
        return overSpace((at) => g(at, k)) / PIXELS;
      case 'grad-cam++':
        return overSpace((at) => {
          const denominator = 2 * g(at, k) ** 2 + sumA * g(at, k) ** 3;
          return denominator === 0 ? 0 : (g(at, k) ** 2 / denominator) * Math.max(g(at, k), 0);
        });
      case 'hires-cam':
        return g(pixel, k);
      case 'layer-cam':
        return Math.max(g(pixel, k), 0);
      case 'xgrad-cam':
        return sumA === 0 ? 0 : overSpace((at) => g(at, k) * A(at, k)) / sumA;
    }
  };
  return Array.from({length: PIXELS}, (_, pixel) => [0, 1].reduce((sum, k) => sum + weight(pixel, k) * A(pixel, k), 0));
}

/** A 1×1 convolution and a ReLU that keep the image, then one weight per value: ∂z_c/∂A is known, pixel by pixel. */
function knownModel(weights: Tensor, numClasses: number): LayersModel {
  const model = sequential({
    layers: [
      layers.conv2d({filters: CHANNELS, kernelSize: 1, activation: 'relu', inputShape: [HEIGHT, WIDTH, CHANNELS], name: 'map'}),
      layers.flatten(),
      layers.dense({units: numClasses, activation: 'softmax', name: 'classes'}),
    ],
  });
  const values = [tensor4d([1, 0, 0, 1], [1, 1, 2, 2]), tensor1d([0, 0]), weights, tensor1d(Array.from({length: numClasses}, () => 0))];
  model.setWeights(values);
  for (const value of values) if (value !== weights) value.dispose();
  return model;
}

describe('Grad-CAM variants', () => {
  const numClasses = 3;
  const kernel = randomUniform([PIXELS * CHANNELS, numClasses], -1, 1, 'float32', 3);
  const images = randomUniform([2, HEIGHT, WIDTH, CHANNELS], -0.5, 1, 'float32', 4) as Tensor4D;
  const model = knownModel(kernel, numClasses);

  it.each(camVariants)('%s has the published values, with and without ReLU', async (variant) => {
    const pixels = await images.data();
    const weights = await kernel.data();
    await expectNoLeak(async () => {
      for (const relu of [true, false]) {
        const maps = await gradCam(images, model, {variant, relu, normalize: false, target: [2, 0]});
        expect(maps.map(({target}) => target)).toEqual([2, 0, 2, 0]);
        maps.forEach(({data, target, method, empty}, index) => {
          const image = Math.floor(index / 2);
          const features = pixels.slice(image * PIXELS * CHANNELS, (image + 1) * PIXELS * CHANNELS).map((value) => Math.max(value, 0));
          const gradients = Array.from({length: PIXELS * CHANNELS}, (_, at) => weights[at * numClasses + target]!);
          const expected = expectedMap(variant, features, gradients).map((value) => (relu ? Math.max(value, 0) : value));
          expectClose(data, expected, {abs: 1e-5, relToMax: 1e-5}, `${variant} of image ${image}, class ${target}`);
          expect([method, empty]).toEqual([variant, false]);
        });
      }
    });
  });

  it('differ from each other', async () => {
    const maps = await Promise.all(camVariants.map(async (variant) => (await gradCam(images, model, {variant, target: 1}))[0]!));
    for (const [at, one] of maps.entries()) {
      for (const other of maps.slice(at + 1)) {
        const largest = Math.max(...one.data.map((value, pixel) => Math.abs(value - other.data[pixel]!)));
        expect(largest, `${one.method} and ${other.method}`).toBeGreaterThan(0.01);
      }
    }
  });

  it('give finite values where features or gradients are all zero', async () => {
    const zeros = tensor4d(new Float32Array(8), [1, 2, 2, 2]);
    const some = tensor4d([1, -1, 2, -2, 1, 0, 0, 1], [1, 2, 2, 2]);
    for (const variant of camVariants) {
      for (const [features, gradients] of [
        [zeros, some],
        [some, zeros],
        [zeros, zeros],
      ] as const) {
        expect(
          [...(await weighChannels(features, camWeights(variant, features, gradients)).data())].every((value) => value === 0),
          variant,
        ).toBe(true);
      }
    }
  });

  it('Grad-CAM++ weighs by 1 / (2 + g·ΣA), also where g³ would underflow', async () => {
    const features = tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
    const weightOf = async (g: number): Promise<number> =>
      (await camWeights('grad-cam++', features, tensor4d([g, 0, 0, -1], [1, 2, 2, 1])).data())[0]!;
    expect(await weightOf(0.5)).toBeCloseTo(0.5 / (2 + 0.5 * 10), 6);
    expect((await weightOf(1e-20)) / 1e-20).toBeCloseTo(0.5, 5);
  });
});

describe('the counting example', () => {
  // Captum's test network: 4×4 counting up, 3×3 ones, biases −50 and −75, five weights of 1 and three of −1
  // in channel-major order. By hand: windows sum to 45, 54, 81, 90; so conv is −5 4 31 40 and −30 −21 6 15.
  const image = tensor4d(
    Float32Array.from({length: 16}, (_, at) => at),
    [1, 4, 4, 1],
  );
  const symbol = input({shape: [4, 4, 1]});
  const apply = (layer: unknown, x: unknown): ReturnType<typeof input> => (layer as layers.Layer).apply(x as never) as never;
  const conv = apply(layers.conv2d({filters: 2, kernelSize: 3, name: 'conv1'}), symbol);
  const relu = apply(layers.activation({activation: 'relu', name: 'relu1'}), conv);
  const model = functional({
    inputs: symbol,
    outputs: apply(layers.dense({units: 1, useBias: false, name: 'z'}), apply(layers.flatten(), relu)) as never,
  });
  // Channel 0 has weights 1 1 1 1, channel 1 has 1 −1 −1 −1; here channels run fastest.
  model.setWeights([
    tensor4d(
      Array.from({length: 18}, () => 1),
      [3, 3, 1, 2],
    ),
    tensor1d([-50, -75]),
    tensor2d([1, 1, 1, -1, 1, -1, 1, -1], [8, 1]),
  ]);

  it('gives what the hand gives, before and behind the ReLU', async () => {
    const at = async (layer: string, options: object): Promise<Float32Array> =>
      (await gradCam(image, model, {layer, target: 1, normalize: false, relu: false, ...options}))[0]!.data;
    // Corners of the enlarged map are the corners of the 2×2 map.
    const corners = (data: Float32Array): number[] => [0, 3, 12, 15].map((pixel) => data[pixel]!);
    expectClose(corners(await at('conv1', {})), [11.25, 13.5, 20.25, 22.5], {abs: 1e-4}, 'conv1');
    expectClose(corners(await at('relu1', {})), [0, 4, 28, 32.5], {abs: 1e-4}, 'relu1');
    // Half-pixel centres: a quarter and three quarters between them.
    expectClose((await at('relu1', {})).slice(0, 4), [0, 1, 3, 4], {abs: 1e-4}, 'first row');
  });
});
