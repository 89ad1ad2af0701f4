/** Explains any number of images in batches of bounded memory. */
import {slice, type Tensor4D} from '@tensorflow/tfjs-core';
import {checkInteger} from '../core/check.js';
import {withTensors} from '../core/tensors.js';
import type {ExplainerOptions, ImagesInput, SaliencyMap} from '../core/types.js';
import {toNetworkInput} from '../data/network-input.js';
import {drawMaps} from './draw-maps.js';
import type {Networks} from './loss-step.js';

/** Draws one map per image and target. */
export async function explainImages(networks: Networks, images: ImagesInput, seed: number, options: ExplainerOptions): Promise<SaliencyMap[]> {
  const {batchSize = 16, target, signal, onProgress} = options;
  checkInteger('explain: batchSize', batchSize, 1);
  signal?.throwIfAborted();
  const maps: SaliencyMap[] = [];
  let done = 0;
  // Pictures are converted batch by batch, so that a thousand of them are never all tensors at once.
  const chunks = Array.isArray(images) ? split(images, batchSize) : [images];
  const total = Array.isArray(images) ? images.length : undefined;
  for (const chunk of chunks) {
    await withTensors(async (scope) => {
      const input = scope.own(toNetworkInput(chunk, networks.teacher));
      const count = input.shape[0];
      for (let start = 0; start < count; start += batchSize) {
        signal?.throwIfAborted();
        const size = Math.min(batchSize, count - start);
        const batch = size === count ? input : scope.own(slice(input, [start, 0, 0, 0], [size, -1, -1, -1]) as Tensor4D);
        maps.push(...(await drawMaps(networks, batch, seed, target)));
        done += size;
        onProgress?.({stage: 'explain', done, total: total ?? count});
      }
    });
  }
  return maps;
}

function split<T>(items: readonly T[], size: number): (readonly T[])[] {
  if (items.length === 0) throw new RangeError('explain: images must hold at least one image, but is an empty array.');
  return Array.from({length: Math.ceil(items.length / size)}, (_, index) => items.slice(index * size, (index + 1) * size));
}
