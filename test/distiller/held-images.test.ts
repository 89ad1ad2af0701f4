/** The images that the verdict on the maps is about. */
import '../helpers/use-wasm.js';
import {fill, type Tensor4D} from '@tensorflow/tfjs-core';
import {expect, it} from 'vitest';
import {AttentiveDistiller} from '../../src/index.js';
import {HeldImages} from '../../src/distiller/train/held-images.js';
import {expectNoLeak} from '../helpers/expect.js';
import {patchBatch, patchTeacher} from '../helpers/patch-world.js';

it('are the last that were seen, but no fewer than there were', () =>
  expectNoLeak(async () => {
    const held = new HeldImages(3);
    const seen: string[] = [];
    for (const [value, count] of [
      [1, 2],
      [2, 5],
      [3, 1],
      [4, 3],
    ] as const) {
      const batch = fill([count, 2, 2, 1], value) as Tensor4D;
      held.take(batch);
      batch.dispose();
      seen.push(`${held.images!.shape[0]} of ${(await held.images!.data())[0]}`);
    }
    expect(seen).toEqual(['2 of 1', '3 of 2', '3 of 2', '3 of 4']);
    held.dispose();
    expect(held.images).toBeUndefined();
  }));

it('are whole, whatever the training cuts and puts together', () =>
  expectNoLeak(async () => {
    const teacher = patchTeacher();
    const {images} = patchBatch(0, 8);
    const said = async (options: object): Promise<readonly string[]> => {
      const distiller = await AttentiveDistiller.create({teacher, seed: 3});
      // A rate of 0 leaves the maps as bad as they are.
      const {warnings} = await distiller.train([{images}], {epochs: 1, learningRate: 0, ...options});
      distiller.dispose();
      return warnings;
    };
    const plain = await said({leastCrop: 1, composites: 0});
    expect(plain.join()).toMatch(/no better than random/);
    expect(await said({leastCrop: 0.05, composites: 1})).toEqual(plain);
    images.dispose();
    teacher.dispose();
  }));
