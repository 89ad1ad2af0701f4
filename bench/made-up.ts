/** Scores and maps that cost nothing, so that what is left is the cost of shards; a module for workers, too. */
import {randomUniform, tensor2d, type Tensor3D} from '@tensorflow/tfjs-core';
import {selectBackend, type Explainer, type SaliencyMap} from '../src/index.js';
import {folderStore, type ShardParts, type ShardStore} from '../src/node/index.js';

/** The names of the explainers. */
export const STUBBED: readonly string[] = ['a', 'b', 'c', 'd', 'e'];

/** A model and explainers that make their numbers up. */
export const madeUp: ShardParts = {
  model: (batch) => tensor2d(Array.from({length: batch.shape[0]}, (_, row) => [row % 7, 3])),
  explainers: Object.fromEntries(
    STUBBED.map((method, place): [string, Explainer] => [
      method,
      {
        method,
        explain: (_, {seed = 0, target = 0} = {}): Promise<SaliencyMap[]> => {
          const data = Float32Array.from({length: 4}, (_unused, pixel) => ((seed >>> (4 * pixel)) % 16) + place);
          return Promise.resolve([
            {data, height: 2, width: 2, target: target as number, score: 1, method, seed, options: {}, empty: false},
          ]);
        },
      },
    ]),
  ),
  read: () => randomUniform([2, 2, 3], 0, 1, 'float32', 1) as Tensor3D,
};

/** Where workers put shards. */
export const store: ShardStore = folderStore(process.env['BENCH_STORE'] ?? '.');

/** Opens it in a worker. */
export async function open(): Promise<ShardParts> {
  await selectBackend({prefer: ['cpu']});
  return madeUp;
}
