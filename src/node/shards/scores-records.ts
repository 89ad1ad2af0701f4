/** A shard of a model's scores: of the images, and of the images under masks. What a student can be distilled from. */
import {expandDims, slice, tidy, tile, type Tensor4D} from '@tensorflow/tfjs-core';
import {onBackend} from '../../backend/on-backend.js';
import {drawMaskGrids, masksFromGrids} from '../../baselines/rise/masks.js';
import {at} from '../../core/at.js';
import {Random} from '../../core/random.js';
import {withTensors} from '../../core/tensors.js';
import type {ImageInput} from '../../core/types.js';
import {scoreModel} from '../../models/score-model.js';
import {finiteBaseline} from '../../queries/fill.js';
import {finiteInput} from '../../queries/finite-input.js';
import {blend} from '../../queries/perturb.js';
import type {ScoresRecord} from './records.js';
import type {ShardWork} from './shard-work.js';
import type {ScoresTask} from './tasks.js';

const WHERE = 'runShard';

/** Scores the images of a shard and their masked forms, in batches that do not depend on the shard. */
export async function scoresRecords(images: readonly ImageInput[], work: ShardWork<ScoresTask>): Promise<ScoresRecord[]> {
  const {task, plan, shard, parts, signal, onProgress} = work;
  const {batchSize = 16, seed = 0, numMasks = 0, gridSize, keepProbability, form, fill = 'blur'} = task;
  const model = scoreModel(WHERE, parts.model, form);
  const random = new Random(seed).split('scores');
  return onBackend(WHERE, async () => {
    const records: ScoresRecord[] = [];
    for (let first = 0; first < images.length; first += batchSize) {
      await withTensors(async (scope) => {
        const originals = scope.own(await finiteInput(WHERE, images, first, Math.min(first + batchSize, images.length), model));
        const baselines = scope.own(await finiteBaseline(WHERE, fill, originals));
        const {values, numClasses} = await model.score(originals);
        for (let row = 0; row < originals.shape[0]; row++) {
          const index = shard.first + first + row;
          const own = random.split(index).seed;
          const rowOf = (all: Tensor4D): Tensor4D => slice(all, [all.shape[0] === 1 ? 0 : row, 0, 0, 0], [1, -1, -1, -1]);
          const masked = new Float32Array(numMasks * numClasses);
          for (let mask = 0; mask < numMasks; mask += batchSize) {
            signal?.throwIfAborted();
            const count = Math.min(batchSize, numMasks - mask);
            const batch = tidy(() =>
              maskedBatch(rowOf(originals), rowOf(baselines), {numMasks: count, firstMask: mask, seed: own, gridSize, keepProbability}),
            );
            try {
              masked.set((await model.score(batch)).values, mask * numClasses);
            } finally {
              batch.dispose();
            }
          }
          const scores = values.slice(row * numClasses, (row + 1) * numClasses);
          records.push({index, source: at(plan.images, index).source, seed: own, scores, masked});
          onProgress?.({stage: 'scores', done: records.length, total: images.length});
        }
      });
    }
    return records;
  });
}

/** One image under several masks. Call it in a `tidy`. */
function maskedBatch(image: Tensor4D, baseline: Tensor4D, options: Parameters<typeof drawMaskGrids>[1]): Tensor4D {
  const [, height, width, channels] = image.shape;
  const masks = masksFromGrids(drawMaskGrids([height, width], options), [height, width]);
  // Tiled, since a broadcast over the innermost axis costs wasm many times as much.
  return blend(baseline, image, tile(expandDims<Tensor4D>(masks, -1), [1, 1, 1, channels]));
}
