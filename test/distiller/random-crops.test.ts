/** Random resized crops of a batch. */
import '../helpers/use-wasm.js';
import {tensor4d} from '@tensorflow/tfjs-core';
import {expect, it} from 'vitest';
import {Random} from '../../src/core/random.js';
import {randomCrops} from '../../src/distiller/train/random-crops.js';
import {expectNoLeak} from '../helpers/expect.js';

const SIDE = 32;
/** Images whose pixels say where they are: row and column. */
const places = (count: number): ReturnType<typeof tensor4d> =>
  tensor4d(
    Float32Array.from({length: count * SIDE * SIDE * 2}, (_, index) => {
      const pixel = Math.floor(index / 2) % (SIDE * SIDE);
      return index % 2 === 0 ? Math.floor(pixel / SIDE) : pixel % SIDE;
    }),
    [count, SIDE, SIDE, 2],
  );

it('enlarges a rectangle of the image, evenly, with at least the share of its area', () =>
  expectNoLeak(async () => {
    const batch = places(40);
    const crops = randomCrops(batch, 0.25, new Random(5));
    const values = await crops.data();
    const areas: number[] = [];
    for (let image = 0; image < 40; image++) {
      const at = (row: number, column: number, channel: number): number => values[((image * SIDE + row) * SIDE + column) * 2 + channel]!;
      const [tall, wide] = [at(SIDE - 1, 0, 0) - at(0, 0, 0), at(0, SIDE - 1, 1) - at(0, 0, 1)];
      expect(tall).toBeCloseTo(wide, 3);
      // Straight lines stay straight: nothing is mixed up between images, rows and channels.
      expect(at(15, 3, 0) - at(0, 3, 0)).toBeCloseTo((15 / 31) * tall, 3);
      expect(at(7, 20, 1) - at(7, 0, 1)).toBeCloseTo((20 / 31) * wide, 3);
      expect(Math.min(at(0, 0, 0), at(0, 0, 1))).toBeGreaterThanOrEqual(0);
      expect(Math.max(at(31, 31, 0), at(31, 31, 1))).toBeLessThanOrEqual(31);
      areas.push((tall / 31) ** 2);
    }
    expect(Math.min(...areas)).toBeGreaterThanOrEqual(0.249);
    expect(Math.min(...areas)).toBeLessThan(0.4);
    expect(Math.max(...areas)).toBeGreaterThan(0.85);
    batch.dispose();
    crops.dispose();
  }));

it('draws for each image its own, the same with the same seed in any batch', () =>
  expectNoLeak(async () => {
    const [few, many] = [places(2), places(5)];
    const [of2, of5, other] = [
      randomCrops(few, 0.3, new Random(1)),
      randomCrops(many, 0.3, new Random(1)),
      randomCrops(few, 0.3, new Random(2)),
    ];
    const [a, b, c] = [await of2.data(), await of5.data(), await other.data()];
    expect([...b.slice(0, a.length)]).toEqual([...a]);
    expect([...c]).not.toEqual([...a]);
    expect([...a.slice(0, a.length / 2)]).not.toEqual([...a.slice(a.length / 2)]);
    for (const each of [few, many, of2, of5, other]) each.dispose();
  }));

it('leaves images as they are where the least share is 1', () =>
  expectNoLeak(async () => {
    const batch = places(2);
    const crops = randomCrops(batch, 1, new Random(5));
    expect(await crops.data()).toEqual(await batch.data());
    batch.dispose();
    crops.dispose();
  }));
