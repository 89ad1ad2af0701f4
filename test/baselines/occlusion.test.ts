import {randomUniform, tensor4d, type Tensor4D} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import {occlusion, occlusionExplainer} from '../../src/baselines/perturbation/occlusion.js';
import type {SaliencyMap, ScoreFn} from '../../src/core/types.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {onPatch, patchBatch, patchImage, patchTeacher} from '../helpers/patch-world.js';

/** Score 0: Σ w·x, with w the pixel's index; score 1: the negative. */
const linear: ScoreFn = async (batch) => {
  const values = await batch.data();
  const [count, height, width, channels] = batch.shape;
  return Array.from({length: count}, (_, image) => {
    let sum = 0;
    for (let pixel = 0; pixel < height * width; pixel++) {
      for (let channel = 0; channel < channels; channel++) sum += pixel * values[(image * height * width + pixel) * channels + channel]!;
    }
    return [sum, -sum];
  });
};

/** The definition, window by window, for the linear model. */
function naive(
  x: Float32Array,
  [height, width]: [number, number],
  [h, w]: [number, number],
  [down, right]: [number, number],
  base: number,
): Float32Array {
  const [sums, covers] = [new Float64Array(height * width), new Float64Array(height * width)];
  for (let top = 0; ; top += down) {
    for (let left = 0; ; left += right) {
      const inside: number[] = [];
      for (let y = top; y < Math.min(top + h, height); y++)
        for (let x0 = left; x0 < Math.min(left + w, width); x0++) inside.push(y * width + x0);
      const loss = inside.reduce((sum, pixel) => sum + pixel * (x[pixel]! - base), 0);
      for (const pixel of inside) {
        sums[pixel]! += loss;
        covers[pixel]! += 1;
      }
      if (left + w >= width) break;
    }
    if (top + h >= height) break;
  }
  return Float32Array.from(sums, (sum, pixel) => sum / covers[pixel]!);
}

describe('occlusion', () => {
  it('averages what the score loses over the windows that cover a pixel, cut at the border', async () => {
    const image = randomUniform([7, 9, 1], -1, 1, 'float32', 3) as unknown as Tensor4D;
    const values = Float32Array.from(await image.data());
    for (const [fill, base] of [
      ['zeros', 0],
      [0.25, 0.25],
    ] as const) {
      const [map, other] = await occlusion(image, linear, {windowSize: [3, 4], stride: [2, 3], fill, target: [0, 1]});
      const wanted = naive(values, [7, 9], [3, 4], [2, 3], base);
      expectClose(map!.data, wanted, {relToMax: 1e-4});
      expectClose(
        other!.data,
        wanted.map((value) => -value),
        {relToMax: 1e-4},
      );
    }
    image.dispose();
  });

  it('takes a seventh of each side and half of that unless told otherwise, and records it', async () => {
    const image = randomUniform([14, 21, 1], -1, 1, 'float32', 3) as unknown as Tensor4D;
    const [map] = await occlusion(image, linear);
    const [told] = await occlusion(image, linear, {windowSize: [2, 3], stride: [1, 2]});
    expect(map).toEqual(told);
    const uneven = randomUniform([20, 17, 1], -1, 1, 'float32', 3) as unknown as Tensor4D;
    expect((await occlusion(uneven, linear))[0]!.options).toMatchObject({windowSize: [3, 3], stride: [2, 2]});
    uneven.dispose();
    expect(map!.options).toEqual({target: 'argmax', windowSize: [2, 3], stride: [1, 2], fill: 'zeros', batchSize: 16, workers: 0});
    image.dispose();
  });

  it('finds the patch that decides, whatever the batch size, and leaks nothing', async () => {
    const model = patchTeacher();
    const {images} = patchBatch(0, 2);
    await expectNoLeak(async () => {
      const progress: number[] = [];
      const maps = await occlusion(images, model, {
        windowSize: 4,
        stride: 1,
        batchSize: 7,
        onProgress: ({done, total}) => progress.push(done / total),
      });
      const others = await occlusion(images, model, {windowSize: 4, stride: 1, batchSize: 64});
      // TensorFlow rounds larger batches in another order.
      others.forEach(({data}, index) => expectClose(data, maps[index]!.data, {abs: 1e-6}));
      const rest = (all: readonly SaliencyMap[]): object[] =>
        all.map(({target, score, method, empty}) => ({target, score: score.toFixed(5), method, empty}));
      expect(rest(others)).toEqual(rest(maps));
      maps.forEach((map, index) => {
        const peak = map.data.indexOf(Math.max(...map.data));
        expect(onPatch(patchImage(index), peak)).toBe(true);
      });
      expect(progress.at(-1)).toBe(1);
      expect(progress).toEqual([...progress].sort((a, b) => a - b));
    });
    images.dispose();
    model.dispose();
  });

  it.each([
    ['a window larger than the image', {windowSize: 9}, /^occlusion: windowSize must be at most the image, 4×4/],
    ['a stride that leaves gaps', {windowSize: 2, stride: 3}, /^occlusion: stride must be at most the window, 2×2/],
    ['an unknown name', {window: 2}, /^occlusion: there is no option 'window'. Did you mean 'windowSize'\?|There are/],
    ['a text as stride', {stride: 'x'}, /^occlusion: stride must be a whole number/],
  ])('refuses %s', async (_, options, message) => {
    const image = tensor4d(new Float32Array(16), [1, 4, 4, 1]);
    await expectNoLeak(() => expect(occlusion(image, linear, options as object)).rejects.toThrow(message));
    image.dispose();
  });

  it('stops on a signal, with what it threw', async () => {
    const image = randomUniform([8, 8, 1], -1, 1) as unknown as Tensor4D;
    const controller = new AbortController();
    const run = occlusionExplainer(linear).explain(image, {
      batchSize: 1,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    });
    await expect(run).rejects.toThrow('enough');
    image.dispose();
  });
});
