import {ones, tensor3d, tensor4d, zeros, type Tensor3D, type Tensor4D} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import type {DecodedImage, ImagesInput} from '../../src/core/types.js';
import {flipImage} from '../../src/data/decoded-image.js';
import {toDisplayPixels} from '../../src/data/display-pixels.js';
import {fitRegion} from '../../src/data/fit-region.js';
import {toNetworkInput, type NetworkInputSpec} from '../../src/data/network-input.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';

const rgb = (width: number, height: number, data: number[]): DecodedImage => ({data: Uint8Array.from(data), width, height});

/** Runs the conversion and frees the result. */
async function values(images: ImagesInput, spec: NetworkInputSpec): Promise<{data: Float32Array; shape: number[]}> {
  const result = toNetworkInput(images, spec);
  const data = await result.data<'float32'>();
  result.dispose();
  return {data, shape: result.shape};
}

async function expectError(
  images: unknown,
  spec: NetworkInputSpec,
  type: typeof RangeError | typeof TypeError,
  message: RegExp,
): Promise<void> {
  await expectNoLeak(() => {
    expect(() => toNetworkInput(images as ImagesInput, spec)).toThrow(type);
    expect(() => toNetworkInput(images as ImagesInput, spec)).toThrow(message);
  });
}

const torch = {inputShape: [1, 2, 3], preprocessing: 'torch'} as const;
const none = (height: number, width: number, channels: number, fit: 'squash' | 'crop' = 'squash'): NetworkInputSpec => ({
  inputShape: [height, width, channels],
  preprocessing: {scale: 1, mean: 0, std: 1, fit},
});

describe('toNetworkInput', () => {
  it('normalises known pixels per channel', async () => {
    await expectNoLeak(async () => {
      const {data, shape} = await values(rgb(2, 1, [0, 255, 51, 255, 0, 102]), torch);
      expect(shape).toEqual([1, 1, 2, 3]);
      const by = (pixel: number, mean: number, std: number): number => (pixel / 255 - mean) / std;
      const expected = [
        by(0, 0.485, 0.229),
        by(255, 0.456, 0.224),
        by(51, 0.406, 0.225),
        by(255, 0.485, 0.229),
        by(0, 0.456, 0.224),
        by(102, 0.406, 0.225),
      ];
      expectClose(data, expected, {abs: 1e-6});
      expectClose((await values(rgb(2, 1, [0, 255, 51, 255, 0, 102]), {...torch, preprocessing: 'tf'})).data, [-1, 1, -0.6, 1, -1, -0.2], {
        abs: 1e-6,
      });
    });
  });

  it('drops alpha, repeats grey and mixes RGB to grey', async () => {
    expect([...(await values(rgb(2, 1, [1, 2, 3, 0, 4, 5, 6, 255]), none(1, 2, 3))).data]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...(await values(rgb(2, 1, [7, 9]), none(1, 2, 3))).data]).toEqual([7, 7, 7, 9, 9, 9]);
    expect([...(await values(rgb(2, 1, [7, 9]), none(1, 2, 1))).data]).toEqual([7, 9]);
    expectClose((await values(rgb(2, 1, [100, 0, 0, 0, 100, 10]), none(1, 2, 1))).data, [29.9, 59.84], {abs: 1e-4});
    expectClose((await values(rgb(1, 1, [200, 200, 200, 3]), none(1, 1, 1))).data, [200], {abs: 1e-4});
  });

  it('averages what it shrinks, and cuts the centre only when asked', async () => {
    // Four columns 0, 60, 120, 240: squashed to 2 with the widened kernel; cropped to the middle two.
    const image = {data: Float32Array.from([0, 60, 120, 240, 0, 60, 120, 240]), width: 4, height: 2, channels: 1} as const;
    const left = (0.75 * 0 + 0.75 * 60 + 0.25 * 120) / 1.75;
    const right = (0.75 * 240 + 0.75 * 120 + 0.25 * 60) / 1.75;
    expectClose((await values(image, none(2, 2, 1))).data, [left, right, left, right], {abs: 1e-4});
    expect([...(await values(image, none(2, 2, 1, 'crop'))).data]).toEqual([60, 120, 60, 120]);
  });

  it('keeps the mean and the aspect for tall pictures too', async () => {
    const image = rgb(2, 6, [0, 0, 10, 10, 20, 20, 30, 30, 40, 40, 50, 50]);
    expect([...(await values(image, none(2, 2, 1, 'crop'))).data]).toEqual([20, 20, 30, 30]);
    const squashed = (await values(image, none(2, 2, 1))).data;
    expect((squashed[0]! + squashed[2]!) / 2).toBeCloseTo(25, 3);
  });

  it('takes tensors as they are and copies them', async () => {
    const single = tensor3d([1, 2, 3, 4], [2, 2, 1]);
    const pair = tensor4d([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2, 1]);
    await expectNoLeak(async () => {
      for (const [images, count] of [
        [single, 1],
        [pair, 2],
        [[single, single, single], 3],
      ] as [ImagesInput, number][]) {
        const result = toNetworkInput(images, {inputShape: [2, 2, 1], preprocessing: 'torch'});
        expect(result.shape).toEqual([count, 2, 2, 1]);
        expect([...(await result.data())].slice(0, 4)).toEqual([1, 2, 3, 4]);
        result.dispose();
      }
      expect(single.isDisposed || pair.isDisposed).toBe(false);
    });
    single.dispose();
    pair.dispose();
  });

  it('mixes pictures of several sizes and tensors in one array, in order', async () => {
    const tensor = tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
    await expectNoLeak(async () => {
      const {data, shape} = await values([rgb(1, 1, [10]), tensor, rgb(3, 3, new Array(27).fill(90))], none(2, 2, 1));
      expect(shape).toEqual([3, 2, 2, 1]);
      expectClose(data, [10, 10, 10, 10, 1, 2, 3, 4, 90, 90, 90, 90], {abs: 1e-4});
    });
    tensor.dispose();
  });

  it('says which shape came and which is wanted', async () => {
    const shapes = [
      [4, 4, 3],
      [2, 4, 4, 3],
      [4, 4],
      [0, 2, 2, 1],
    ];
    const tensors = shapes.map((shape) => zeros(shape as [number, number, number]));
    await expectError(tensors[0], none(2, 2, 1), RangeError, /\[2, 2, 1\], but has \[4, 4, 3\]\. Tensors are taken as they are: resize/);
    await expectError(tensors[1], none(2, 2, 1), RangeError, /\[\?, 2, 2, 1\], but has \[2, 4, 4, 3\]/);
    await expectError([tensors[1]], none(4, 4, 3), RangeError, /images\[0\] must have shape \[1, 4, 4, 3\]/);
    await expectError(tensors[2], none(2, 2, 1), RangeError, /\[2, 2, 1\] or \[N, 2, 2, 1\], but has \[4, 4\]/);
    await expectError(tensors[3], none(2, 2, 1), RangeError, /at least one/);
    await expectError([], none(2, 2, 1), RangeError, /at least one image/);
    tensors.forEach((tensor) => tensor.dispose());
  });

  it('refuses raw pixels in a tensor', async () => {
    const pixels = ones([2, 2, 3], 'int32') as Tensor3D;
    await expectError(pixels, none(2, 2, 3), TypeError, /float32.*but is int32.*pass the ImageData/);
    pixels.dispose();
  });

  it.each<[string, unknown, typeof RangeError | typeof TypeError, RegExp]>([
    ['nothing', undefined, TypeError, /tensor or a picture \{data, width, height\}/],
    ['plain numbers', {data: [1, 2], width: 2, height: 1}, TypeError, /Uint8Array/],
    ['no width', {data: new Uint8Array(3), width: 0, height: 1}, RangeError, /whole numbers from 1, but has 0×1/],
    ['half a pixel', {data: new Uint8Array(3), width: 1.5, height: 2}, RangeError, /1.5×2/],
    ['a wrong length', {data: new Uint8Array(5), width: 2, height: 1}, RangeError, /1 \(grey\), 3 \(RGB\) or 4 \(RGBA\).*5 values for 2×1/],
    [
      'another length than its channels say',
      {data: new Uint8Array(6), width: 2, height: 1, channels: 4},
      RangeError,
      /2·1·4 = 8 values, but has 6/,
    ],
    ['two channels', {data: new Uint8Array(4), width: 2, height: 1, channels: 2}, RangeError, /channels 2/],
    ['NaN', {data: Float32Array.of(1, NaN), width: 2, height: 1}, RangeError, /within 0–255, but value 1 is NaN/],
    ['normalised values', {data: Float32Array.of(-0.5, 1), width: 2, height: 1}, RangeError, /value 0 is -0\.5\. .*as a tensor/],
    ['values above 255', {data: Float32Array.of(255, 255.5), width: 2, height: 1}, RangeError, /255\.5/],
  ])('refuses a picture with %s, also as the second of two', async (_, image, type, message) => {
    await expectError(image, none(1, 2, 1), type, message);
    await expectError([rgb(2, 1, [1, 2]), image], none(1, 2, 1), type, /^toNetworkInput: images\[1\]/);
  });

  it('refuses networks of two channels and an unknown fit', async () => {
    await expectError(rgb(2, 1, [1, 2]), none(1, 2, 2), RangeError, /wants 2 channels; pass a tensor/);
    await expectError(rgb(2, 1, [1, 2]), none(1, 2, 1, 'contain' as never), RangeError, /fit must be one of 'squash', 'crop'/);
  });
});

describe('toDisplayPixels', () => {
  it('gives back the pixels that went in, for every preprocessing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('tf', 'torch', 'unit', 'none'),
        fc.integer({min: 1, max: 4}),
        fc.integer({min: 1, max: 4}),
        fc.constantFrom(1 as const, 3 as const),
        fc.infiniteStream(fc.integer({min: 0, max: 255})),
        async (preprocessing, height, width, channels, stream) => {
          const data = Uint8Array.from({length: height * width * channels}, () => stream.next().value as number);
          const input = toNetworkInput({data, width, height, channels}, {inputShape: [height, width, channels], preprocessing});
          const picture = await toDisplayPixels(input, preprocessing);
          input.dispose();
          expect({...picture, data: [...picture.data]}).toEqual({data: [...data], width, height, channels});
        },
      ),
      {numRuns: 40},
    );
  });

  it('clips, and refuses what cannot be shown', async () => {
    const show = async (
      data: number[],
      shape: [number, number, number] | [number, number, number, number],
      preprocessing = {scale: 1, mean: 0, std: 1},
    ): Promise<number[]> => {
      const image = shape.length === 3 ? tensor3d(data, shape) : tensor4d(data, shape);
      try {
        return [...(await toDisplayPixels(image as Tensor3D | Tensor4D, preprocessing)).data];
      } finally {
        image.dispose();
      }
    };
    expect(await show([-5, 12.4, 300], [1, 1, 3])).toEqual([0, 12, 255]);
    await expect(show([1, NaN, 0], [1, 1, 3])).rejects.toThrow(/value 1 is NaN/);
    await expect(show([1, 2, 3, 4], [2, 1, 2, 1])).rejects.toThrow(/\[1, \?, \?, \?\], but has \[2, 1, 2, 1\]/);
    await expect(show([1, 2], [1, 1, 2])).rejects.toThrow(/1 or 3 channels/);
    await expect(show([1], [1, 1, 1], {scale: 0, mean: 0, std: 1})).rejects.toThrow(/cannot be undone/);
  });
});

describe('the named preprocessings', () => {
  it('are those of the networks that they are for', async () => {
    const pixel = rgb(1, 1, [10, 20, 30]);
    const seen = async (preprocessing: NetworkInputSpec['preprocessing']): Promise<number[]> => [
      ...(await values(pixel, {inputShape: [1, 1, 3], preprocessing})).data,
    ];
    expectClose(
      await seen('tf'),
      [10, 20, 30].map((value) => value / 127.5 - 1),
      {abs: 1e-6},
      'tf',
    );
    // Keras' imagenet_utils: ImageNet's mean and deviation of red, green, blue; and its mean colour, blue first.
    expectClose(
      await seen('torch'),
      [(10 / 255 - 0.485) / 0.229, (20 / 255 - 0.456) / 0.224, (30 / 255 - 0.406) / 0.225],
      {abs: 1e-5},
      'torch',
    );
    expectClose(await seen('caffe'), [30 - 103.939, 20 - 116.779, 10 - 123.68], {abs: 1e-4}, 'caffe');
    expectClose(await seen('unit'), [10 / 255, 20 / 255, 30 / 255], {abs: 1e-6}, 'unit');
    expectClose(await seen('none'), [10, 20, 30], {abs: 0}, 'none');
  });

  it('belong to a network of a given size', () => {
    const message = 'toNetworkInput: spec must be a Teacher or {inputShape: [height, width, channels], preprocessing}, but is';
    for (const spec of [undefined, {}, {inputShape: [4, 4]}, {inputShape: 'large'}]) {
      expect(() => toNetworkInput(rgb(1, 1, [1, 2, 3]), spec as never)).toThrow(message);
    }
  });
});

describe('fitRegion', () => {
  it('is the largest centred rectangle of the aspect', () => {
    expect(fitRegion([100, 200], [50, 50], 'crop')).toEqual({top: 0, left: 50, height: 100, width: 100});
    expect(fitRegion([200, 101], [50, 50], 'crop')).toEqual({top: 49, left: 0, height: 101, width: 101});
    expect(fitRegion([30, 40], [10, 20], 'crop')).toEqual({top: 5, left: 0, height: 20, width: 40});
    expect(fitRegion([1, 1000], [10, 1], 'crop')).toEqual({top: 0, left: 499, height: 1, width: 1});
    expect(fitRegion([30, 40], [10, 20])).toEqual({top: 0, left: 0, height: 30, width: 40});
  });

  it('always lies inside and has at least one pixel', () => {
    const size = fc.integer({min: 1, max: 500});
    fc.assert(
      fc.property(size, size, size, size, (height, width, outHeight, outWidth) => {
        const region = fitRegion([height, width], [outHeight, outWidth], 'crop');
        expect(Math.min(region.height, region.width)).toBeGreaterThan(0);
        expect(region.top + region.height <= height && region.left + region.width <= width && region.top >= 0 && region.left >= 0).toBe(
          true,
        );
        expect(region.height === height || region.width === width).toBe(true);
      }),
    );
  });
});

describe('flipImage', () => {
  it('exchanges left and right, pixel by pixel, in a copy', () => {
    const image = rgb(2, 2, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect([...flipImage(image).data]).toEqual([4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9]);
    expect(image.data[0]).toBe(1);
    expect([...flipImage(flipImage(image)).data]).toEqual([...image.data]);
  });
});
