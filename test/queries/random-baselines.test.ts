import {randomNormal, slice, type Tensor4D} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import {Random} from '../../src/core/random.js';
import {blurImages} from '../../src/queries/blur.js';
import {baselineKinds, randomBaselines, type BaselineKind} from '../../src/queries/random-baselines.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {read} from '../helpers/read.js';

const [COUNT, SIZE] = [40, 12 * 10 * 3];
const images = randomNormal([COUNT, 12, 10, 3], 0.5, 2, 'float32', 5) as Tensor4D;
const draw = (kinds: readonly BaselineKind[], seed = 1, of: Tensor4D = images): Promise<Float32Array[]> =>
  Promise.all([0, 1].map((which) => read(() => randomBaselines(of, kinds, new Random(seed), 2)[which]!)));

describe('randomBaselines', () => {
  it('gives zeros, and the mean colour of each image', async () => {
    expect((await draw(['zeros']))[0]!.every((value) => value === 0)).toBe(true);
    const [mean] = await draw(['mean']);
    const given = await images.data();
    for (const image of [0, 7]) {
      for (const channel of [0, 2]) {
        let sum = 0;
        for (let pixel = 0; pixel < 120; pixel++) sum += given[image * SIZE + pixel * 3 + channel]!;
        for (const pixel of [0, 119]) expect(mean![image * SIZE + pixel * 3 + channel]).toBeCloseTo(sum / 120, 4);
      }
    }
  });

  it('blurs by a width that is drawn: once, twice, or between', async () => {
    const [first] = await draw(['blur']);
    const [once, twice] = [await read(() => blurImages(images)), await read(() => blurImages(blurImages(images)))];
    const shares = Array.from({length: COUNT}, (_, image) => {
      const at = image * SIZE + 100;
      return (first![at]! - twice[at]!) / (once[at]! - twice[at]!);
    });
    expect(Math.min(...shares)).toBeGreaterThan(-0.01);
    expect(Math.max(...shares)).toBeLessThan(1.01);
    expect(Math.max(...shares) - Math.min(...shares)).toBeGreaterThan(0.5);
  });

  it('makes noise as strong as the image, or weaker', async () => {
    const [noise] = await draw(['noise']);
    const given = await images.data();
    const size = (values: ArrayLike<number>, image: number): number =>
      Math.sqrt(Array.from({length: SIZE}, (_, at) => values[image * SIZE + at]! ** 2).reduce((a, b) => a + b) / SIZE);
    // Uniform in ±2s: 2s/√3 at the most.
    const strengths = Array.from({length: COUNT}, (_, image) => size(noise!, image) / size(given, image));
    expect(Math.max(...strengths)).toBeLessThan(1.25);
    expect(Math.max(...strengths)).toBeGreaterThan(0.9);
    expect(Math.min(...strengths)).toBeLessThan(0.3);
  });

  it('draws for each image and each baseline its own kind, the same ones for the same seed and for part of a batch', async () => {
    const [first, second] = await draw(baselineKinds);
    const zero = (values: Float32Array): boolean[] =>
      Array.from({length: COUNT}, (_, image) => values.subarray(image * SIZE, (image + 1) * SIZE).every((value) => value === 0));
    const zeros = zero(first!).filter(Boolean).length;
    expect(zeros).toBeGreaterThan(2);
    expect(zeros).toBeLessThan(20);
    expect(zero(first!)).not.toEqual(zero(second!));
    expect(await draw(baselineKinds)).toEqual([first, second]);
    expect((await draw(baselineKinds, 2))[0]).not.toEqual(first);
    const few = slice(images, [0, 0, 0, 0], [5, 12, 10, 3]);
    const some = await read(() => randomBaselines(few, baselineKinds, new Random(1), 1)[0]!);
    few.dispose();
    expectClose(some, first!.slice(0, 5 * SIZE), {abs: 1e-5}, 'the first five');
    const later = slice(images, [30, 0, 0, 0], [5, 12, 10, 3]);
    const rest = await read(() => randomBaselines(later, baselineKinds, new Random(1), 1, 30)[0]!);
    later.dispose();
    expectClose(rest, first!.slice(30 * SIZE, 35 * SIZE), {abs: 1e-5}, 'five of the middle, by their index');
    await expectNoLeak(() => randomBaselines(images, baselineKinds, new Random(0), 2).forEach((each) => each.dispose()));
  });
});
