/** Explains any number of images in batches of bounded memory. */
import type {Tensor4D} from '@tensorflow/tfjs-core';
import type {ExplainerOptions, ImagesInput, SaliencyMap, UnscoredMap, WorkerOptions} from '../../core/types.js';
import {overImageBatches} from '../../queries/image-batches.js';
import {toNetworkInput} from '../../data/network-input.js';
import {checkWorkers, inThreads} from '../../workers/in-threads.js';
import {drawPlain, type CompiledNetworks} from './compiled-networks.js';
import {drawMaps} from './draw-maps.js';
import {explainJob} from './explain-job.js';
import type {Networks} from '../train/objectives.js';

/** Options of `AttentiveDistiller.explain`. */
export interface ExplainOptions extends ExplainerOptions, WorkerOptions {
  /**
   * Whether the student runs in its compiled form: batch norms folded into the convolutions, activations
   * fused, layers skipped that do nothing. The maps are the same to 1e-4. It is made by the first call and again
   * when the weights have changed, and holds a copy of the folded weights, at most as large as the networks,
   * until the next training or `dispose()`.
   * @default true
   */
  readonly compile?: boolean | undefined;
  /** `false` leaves out class and score, see {@link MapsOnlyOptions}. @default true */
  readonly score?: true | undefined;
}

/** Options of `AttentiveDistiller.explain` for maps without class and score: what only these need does not run. */
export interface MapsOnlyOptions extends Omit<ExplainOptions, 'score' | 'target'> {
  /** Leaves out the student's classifier and whatever else comes after its last Δf. */
  readonly score: false;
  /** Chooses whose score is reported, so there is none. */
  readonly target?: undefined;
}

/** What draws: the networks as they are, and compiled. */
export interface DrawingNetworks {
  readonly networks: Networks;
  readonly compiled: CompiledNetworks;
}

/** Draws one map per image and target. */
export async function explainImages(
  {networks, compiled}: DrawingNetworks,
  images: ImagesInput,
  seed: number,
  options: ExplainOptions | MapsOnlyOptions,
): Promise<SaliencyMap[] | UnscoredMap[]> {
  const {batchSize = 16, target, compile = true, score = true, signal, onProgress} = options;
  if (!score && target !== undefined)
    throw new TypeError('explain: target chooses the class whose score is reported, so it cannot be given with score: false.');
  const {teacher, student, decoder} = networks;
  const workers = checkWorkers('explain', options.workers);
  const settings = {seed, target, scored: score};
  const draw =
    workers === 0
      ? (batch: Tensor4D) => drawMaps(compile ? compiled.draw : drawPlain(networks), batch, settings)
      : inThreads({where: 'explain', job: explainJob, settings: {...settings, compile}, models: [student.model, decoder], workers, signal});
  const toInput = (some: ImagesInput): ReturnType<typeof toNetworkInput> => toNetworkInput(some, teacher);
  return overImageBatches<UnscoredMap>(
    images,
    {where: 'explain', batchSize, threads: workers, signal, onProgress, toInput},
    ({images: batch}) => draw(batch),
  );
}
