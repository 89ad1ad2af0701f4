/** The best epoch by validation is kept, and what does not get better any more ends. */
import '../helpers/use-wasm.js';
import type {Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {AttentiveDistiller, paperMethod, residualStudent, type DistillerOptions, type FitOptions} from '../../src/index.js';
import {expectNoLeak} from '../helpers/expect.js';
import {temporaryStore} from '../helpers/temporary-store.js';
import {patchBatch, patchTeacher} from '../helpers/patch-world.js';

let model: LayersModel;
let batches: {images: Tensor4D; labels: number[]}[];
let validation: {images: Tensor4D; labels: number[]}[];

beforeAll(() => {
  model = patchTeacher();
  batches = Array.from({length: 2}, (_, index) => patchBatch(4 * index, 4));
  validation = [patchBatch(40, 8)];
});
afterAll(() => {
  model.dispose();
  [...batches, ...validation].forEach(({images}) => images.dispose());
});

// The first epoch learns, the second destroys, the rest changes nothing.
const ruinous: FitOptions = {
  epochs: {student: 0, explanation: 5},
  averaging: 0,
  schedule: (epoch) => (epoch < 1 ? 1 : epoch < 2 ? 500 : 0),
};

const made = (create: Omit<DistillerOptions, 'teacher'> = {}): Promise<AttentiveDistiller> =>
  AttentiveDistiller.create({teacher: model, seed: 5, ...create});

/** The validation losses of a run, epoch by epoch. */
async function losses(distiller: AttentiveDistiller, options: FitOptions): Promise<number[]> {
  await distiller.train(batches, {...options, validation});
  return distiller.history.filter(({kind}) => kind === 'validation').map(({losses: {total = NaN}}) => total);
}

/** The validation loss of the networks as they are. */
async function lossOf(distiller: AttentiveDistiller, which: 'student' | 'explanation' = 'explanation'): Promise<number> {
  const [loss = NaN] = await losses(distiller, {
    epochs: {student: which === 'student' ? 1 : 0, explanation: which === 'student' ? 0 : 1},
    learningRate: 0,
    averaging: 0,
  });
  return loss;
}

describe('keepBest', () => {
  it('leaves the weights of the best epoch; without it, those of the last one stay', {timeout: 120_000}, async () => {
    await expectNoLeak(async () => {
      for (const keepBest of [true, false]) {
        const distiller = await made();
        const all = await losses(distiller, {...ruinous, keepBest});
        expect(all).toHaveLength(5);
        expect(all[0]).toBeLessThan(all[1]!);
        expect(await lossOf(distiller)).toBe(keepBest ? Math.min(...all) : all[4]);
        distiller.dispose();
      }
    });
  });

  it('keeps the statistics of batch norms with the weights of a student', {timeout: 120_000}, async () => {
    const distiller = await made({...paperMethod(), student: residualStudent({depth: 18, width: 2})});
    // A rate of 0 from the second epoch on: only the statistics move.
    const all = await losses(distiller, {epochs: {student: 4, explanation: 0}, keepBest: true, schedule: (epoch) => (epoch < 1 ? 1 : 0)});
    expect(new Set(all).size).toBeGreaterThan(1);
    // One more epoch moves them on from where they were.
    const again = await made({...paperMethod(), student: residualStudent({depth: 18, width: 2})});
    const best = all.indexOf(Math.min(...all));
    await losses(again, {epochs: {student: best + 1, explanation: 0}, schedule: (epoch) => (epoch < 1 ? 1 : 0)});
    expect(await lossOf(distiller, 'student')).toBe(await lossOf(again, 'student'));
    distiller.dispose();
    again.dispose();
  });

  it('holds for what is saved while the training is under way, and where it is left', {timeout: 120_000}, async () => {
    const store = await temporaryStore();
    const distiller = await made();
    let best = NaN;
    for await (const {
      kind,
      epoch,
      losses: {total = NaN},
    } of distiller.fit(batches, {...ruinous, keepBest: true, validation})) {
      if (kind === 'validation' && epoch === 1) best = total;
      if (kind === 'validation' && epoch === 3) await distiller.save(store.url('best'));
      if (epoch === 4) break;
    }
    const saved = await AttentiveDistiller.load(store.url('best'), {teacher: model});
    expect(await lossOf(saved)).toBe(best);
    expect(await lossOf(distiller)).toBe(best);
    saved.dispose();
    distiller.dispose();
    await store.remove();
  });
});

describe('patience', () => {
  it('ends a stage after so many epochs that are no better, with the best weights', {timeout: 120_000}, async () => {
    const distiller = await made();
    const all = await losses(distiller, {...ruinous, patience: 2});
    expect(all).toHaveLength(3);
    expect(await lossOf(distiller)).toBe(all[0]);
    distiller.dispose();
  });

  it('is told apart from keepBest', {timeout: 120_000}, async () => {
    const distiller = await made();
    const all = await losses(distiller, {...ruinous, patience: 1, keepBest: false});
    expect(all).toHaveLength(2);
    expect(await lossOf(distiller)).toBe(all[1]);
    distiller.dispose();
  });

  it('measures the mean weights, which are what a stage ends with', {timeout: 120_000}, async () => {
    const distiller = await made();
    const all = await losses(distiller, {...ruinous, averaging: 0.5, schedule: (epoch) => (epoch < 1 ? 1 : 0)});
    expect(await lossOf(distiller)).toBe(all.at(-1));
    distiller.dispose();
  });

  it('needs a validation', async () => {
    const distiller = await made();
    await expect(distiller.train(batches, {patience: 2})).rejects.toThrow(
      /patience goes by the validation, so give validation batches too/,
    );
    await expect(distiller.train(batches, {keepBest: true})).rejects.toThrow(/keepBest goes by the validation/);
    await expect(distiller.train(batches, {patience: 0, validation})).rejects.toThrow(RangeError);
    distiller.dispose();
  });
});
