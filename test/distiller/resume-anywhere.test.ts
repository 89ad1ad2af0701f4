/** A training that is resumed comes to the same end on the backend of the run, cpu too: a small one, since cpu is slow. */
import type {Tensor4D} from '@tensorflow/tfjs-core';
import {getBackend} from '@tensorflow/tfjs-core';
import {expect, it} from 'vitest';
import {AttentiveDistiller} from '../../src/index.js';
import {patchBatch, patchTeacher} from '../helpers/patch-world.js';
import {temporaryStore} from '../helpers/temporary-store.js';

const [STEPS, fit] = [3, {budget: {steps: 3}}];

// TensorFlow adds in an order of its own.
it.skipIf(getBackend() === 'tensorflow')(
  'a training that was interrupted after any step ends bit for bit as one that was not',
  async () => {
    const teacher = patchTeacher();
    const batches = [0, 1].map((index) => patchBatch(2 * index, 2));
    const store = await temporaryStore();
    const made = (): Promise<AttentiveDistiller> => AttentiveDistiller.create({teacher, seed: 5, decoder: {filters: [4, 4, 4]}});
    const outcome = async (distiller: AttentiveDistiller): Promise<unknown> => {
      const [map] = await distiller.explain(batches[0]!.images as Tensor4D);
      return [map!.data, distiller.history.map(({losses}) => losses)];
    };
    const whole = await made();
    await whole.train(batches, fit);
    const expected = await outcome(whole);
    whole.dispose();
    for (let last = 1; last < STEPS; last++) {
      const to = store.url(`state-after-${last}`);
      const interrupted = await made();
      const onProgress = ({done}: {done: number}): void => {
        if (done === last) throw new Error('interrupted');
      };
      await expect(interrupted.train(batches, {...fit, checkpoint: {to, everySteps: 1}, onProgress})).rejects.toThrow('interrupted');
      interrupted.dispose();
      const resumed = await AttentiveDistiller.resume(to, {teacher});
      await resumed.train(batches, {...fit, checkpoint: {to, everySteps: 1}});
      expect(await outcome(resumed), `after step ${last}`).toEqual(expected);
      resumed.dispose();
    }
    for (const {images} of batches) images.dispose();
    teacher.dispose();
    await store.remove();
  },
);
