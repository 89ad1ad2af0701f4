/** Explains any number of images in batches of bounded memory. */
import type {ExplainerOptions, ImagesInput, SaliencyMap} from '../core/types.js';
import {overImageBatches} from '../data/image-batches.js';
import {toNetworkInput} from '../data/network-input.js';
import {drawMaps} from './draw-maps.js';
import type {Networks} from './loss-step.js';

/** Draws one map per image and target. */
export async function explainImages(networks: Networks, images: ImagesInput, seed: number, options: ExplainerOptions): Promise<SaliencyMap[]> {
  const {batchSize = 16, target, signal, onProgress} = options;
  const toInput = (some: ImagesInput): ReturnType<typeof toNetworkInput> => toNetworkInput(some, networks.teacher);
  return overImageBatches(images, {where: 'explain', batchSize, signal, onProgress, toInput}, ({images: batch}) => drawMaps(networks, batch, seed, target));
}
