/** Explains any number of images in batches of bounded memory. */
import type {Tensor4D} from '@tensorflow/tfjs-core';
import type {ExplainerOptions, ImagesInput, SaliencyMap, WorkerOptions} from '../core/types.js';
import {overImageBatches} from '../data/image-batches.js';
import {toNetworkInput} from '../data/network-input.js';
import {checkWorkers, inThreads} from '../workers/in-threads.js';
import {drawMaps} from './draw-maps.js';
import type {Networks} from './loss-step.js';

/** Options of `AttentiveDistiller.explain`. */
export interface ExplainOptions extends ExplainerOptions, WorkerOptions {}

/** Draws one map per image and target. */
export async function explainImages(networks: Networks, images: ImagesInput, seed: number, options: ExplainOptions): Promise<SaliencyMap[]> {
  const {batchSize = 16, target, signal, onProgress} = options;
  const {teacher, student, decoder} = networks;
  const workers = checkWorkers('explain', options.workers);
  const draw = workers === 0
    ? (batch: Tensor4D) => drawMaps(networks, batch, seed, target)
    : inThreads({where: 'explain', job: 'explain', settings: {seed, target}, models: [student.model, decoder], workers, signal});
  const toInput = (some: ImagesInput): ReturnType<typeof toNetworkInput> => toNetworkInput(some, teacher);
  return overImageBatches(images, {where: 'explain', batchSize, threads: workers, signal, onProgress, toInput}, ({images: batch}) => draw(batch));
}
