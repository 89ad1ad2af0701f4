/** The option `workers` of a distiller: the maps of trained networks, drawn in threads. */
import '../helpers/use-thread-backend.js';
import '../helpers/use-wasm.js';
import type {Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {contrast} from '../../src/core/contrast.js';
import {AttentiveDistiller, disposeWorkers, type Progress, type SaliencyMap, paperMethod} from '../../src/index.js';
import {expectNoLeak} from '../helpers/expect.js';
import {patchBatch, patchTeacher} from '../helpers/patch-world.js';

describe('a distiller', () => {
  let teacher: LayersModel;
  let images: Tensor4D;
  let distiller: AttentiveDistiller;
  // The record of options says how a map was made, so it differs.
  const explain = async (options = {}): Promise<Omit<SaliencyMap, 'options'>[]> =>
    (await distiller.explain(images, {batchSize: 2, ...options})).map(({options: _record, ...rest}) => rest);
  beforeAll(async () => {
    teacher = patchTeacher();
    images = patchBatch(0, 5).images;
    distiller = await AttentiveDistiller.create({...paperMethod(), teacher, seed: 7});
  });
  afterAll(async () => {
    for (const each of [teacher, images, distiller]) each.dispose();
    await disposeWorkers();
  });

  it('explains the same with workers, before it is trained and after', async () => {
    const fresh = await explain({target: [0, 2]});
    for (const workers of [1, 2, 3]) await expectNoLeak(async () => expect(await explain({target: [0, 2], workers})).toEqual(fresh));
    for (const options of [{compile: false}, {score: false}, {target: contrast(0, 2)}, {target: {perImage: [0, 1, 2, 1, 0]}}])
      expect(await explain({...options, workers: 2})).toEqual(await explain(options));
    const batch = patchBatch(50, 16);
    await distiller.train([batch], {epochs: {student: 1, explanation: 3}, learningRate: 1e-2});
    batch.images.dispose();
    const trained = await explain();
    expect(trained[0]!.data).not.toEqual(fresh[0]!.data);
    expect(await explain({workers: 2})).toEqual(trained);
    expect(await explain({workers: 2, batchSize: 100})).toEqual(trained);
  });

  it('reports progress, refuses what is no class, and stops when aborted', async () => {
    const seen: Progress[] = [];
    await explain({workers: 2, onProgress: (progress: Progress) => seen.push(progress)});
    expect(seen.map(({done}) => done)).toEqual([2, 4, 5]);
    await expectNoLeak(async () => {
      await expect(explain({workers: 2, target: 3})).rejects.toThrow(/^explain: target must be a whole number from 0 to 2, but is 3/);
      await expect(explain({workers: 2, signal: AbortSignal.abort(new Error('enough'))})).rejects.toThrow('enough');
    });
  });
});
