import {randomUniform, type Tensor4D} from '@tensorflow/tfjs-core';
import {describe, expect, it} from 'vitest';
import {scoreCam} from '../../src/baselines/cam/score-cam.js';
import {resizeBilinear} from '../../src/data/resize.js';
import {executeGraph} from '../../src/models/graph/execute-graph.js';
import {scoreModel} from '../../src/models/score-model.js';
import {expectClose, expectNoLeak} from '../helpers/expect.js';
import {HEIGHT, onPatch, patchBatch, patchImage, patchTeacher, WIDTH} from '../helpers/patch-world.js';
import {read} from '../helpers/read.js';

describe('scoreCam', () => {
  it('weighs each channel by the score of the image that shows only it', async () => {
    const model = patchTeacher();
    const image = randomUniform([1, HEIGHT, WIDTH, 3], 0, 1, 'float32', 4) as Tensor4D;
    const pixels = await image.data();
    const planes = await read(() => resizeBilinear(executeGraph(model, image, {until: 'stage_2'}) as Tensor4D, [HEIGHT, WIDTH]));
    const size = HEIGHT * WIDTH;
    const wanted = new Float64Array(size);
    const scorer = scoreModel('test', model);
    for (let channel = 0; channel < 6; channel++) {
      const plane = Float32Array.from({length: size}, (_, pixel) => planes[pixel * 6 + channel]!);
      const [low, high] = [Math.min(...plane), Math.max(...plane)];
      if (low === high) continue;
      const masked = Float32Array.from(pixels, (value, index) => value * ((plane[Math.floor(index / 3)]! - low) / (high - low)));
      const batch = (await import('@tensorflow/tfjs-core')).tensor4d(masked, [1, HEIGHT, WIDTH, 3]);
      const {values} = await scorer.score(batch);
      batch.dispose();
      plane.forEach((value, pixel) => (wanted[pixel]! += values[1]! * value));
    }
    await expectNoLeak(async () => {
      for (const batchSize of [1, 4, 16]) {
        const [map] = await scoreCam(image, model, {layer: 'stage_2', target: 1, relu: false, normalize: false, batchSize});
        expectClose(map!.data, wanted, {relToMax: 1e-4});
        expect(map).toMatchObject({
          target: 1,
          method: 'score-cam',
          seed: null,
          options: {layer: 'stage_2', target: 1, relu: false, fill: 'zeros'},
        });
      }
    });
    image.dispose();
    model.dispose();
  });

  it('lights the patch that decides', async () => {
    const model = patchTeacher();
    const {images} = patchBatch(0, 2);
    const maps = await scoreCam(images, model, {layer: 'stage_1'});
    maps.forEach(({data}, index) => expect(onPatch(patchImage(index), data.indexOf(Math.max(...data)))).toBe(true));
    images.dispose();
    model.dispose();
  });

  it('needs layers', async () => {
    const {images} = patchBatch(0, 1);
    await expect(scoreCam(images, () => [[1, 0]])).rejects.toThrow('scoreCam: a score function has no gradients');
    images.dispose();
  });
});
