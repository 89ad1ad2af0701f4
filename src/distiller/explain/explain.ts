/** Explains any number of images in batches of bounded memory. */
import type {Tensor4D} from '@tensorflow/tfjs-core';
import {batchSizeField, runFields, targetField, workersField} from '../../core/common-options.js';
import {boolean, withDefault} from '../../core/fields.js';
import {recordOptions} from '../../core/option-record.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import type {ExplainerOptions, ImagesInput, SaliencyMap, UnscoredMap, WorkerOptions} from '../../core/types.js';
import {yieldToEvents} from '../../core/yield-to-events.js';
import {checkImages} from '../../data/image-list.js';
import {networkInput} from '../../data/network-input.js';
import type {ScoreForm} from '../../models/score-model.js';
import {checkTarget, isTargetFn} from '../../models/targets.js';
import {overImageBatches} from '../../queries/image-batches.js';
import {inThreads} from '../../workers/in-threads.js';
import type {Networks} from '../networks.js';
import {evidenceOf} from './evidence.js';
import {drawBatch, drawPlain, mapsOf, type CompiledNetworks, type DrawnBatch} from './draw-maps.js';
import {explainJob} from './explain-job.js';

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
  /** Chooses whose score is reported, so there is none. @default none */
  readonly target?: undefined;
}

/** Options with their defaults filled in. */
export interface ExplainSettings extends Settled<Omit<ExplainOptions, 'score'>, 'signal' | 'onProgress'> {
  /** Whether class and score are wanted, or the maps alone. */
  readonly score: boolean;
}

const WHERE = 'explain';

/** The options of `AttentiveDistiller.explain`. */
export const explainSchema: OptionsSchema<ExplainSettings> = {
  where: WHERE,
  fields: {
    target: targetField,
    batchSize: batchSizeField,
    compile: withDefault(boolean(), true),
    score: withDefault(boolean(), true),
    workers: workersField,
    ...runFields,
  },
};

/** What draws: the networks as they are, and compiled; and the seed that made them. */
export interface DrawingNetworks {
  readonly networks: Networks;
  readonly compiled: CompiledNetworks;
  readonly seed: number;
}

/** Draws one map per image and target. */
export async function explainImages(
  {networks, compiled, seed}: DrawingNetworks,
  images: ImagesInput,
  options: ExplainOptions | MapsOnlyOptions | undefined,
): Promise<SaliencyMap[] | UnscoredMap[]> {
  const settings = readOptions(explainSchema, withoutSeed(options));
  const {batchSize, compile, score, workers, signal, onProgress} = settings;
  if (!score && options?.target !== undefined) {
    throw new TypeError(`${WHERE}: target chooses the class whose score is reported, so it cannot be given with score: false.`);
  }
  const target = score ? settings.target : undefined;
  checkTarget(WHERE, target, checkImages(WHERE, images));
  const form: ScoreForm | undefined = !score ? undefined : isTargetFn(target) ? 'logits' : 'probabilities';
  const {teacher, student, decoder, method} = networks;
  if (method.guidance !== 'none') checkGuided(settings);
  const drawHere = async (batch: Tensor4D, first: number): Promise<DrawnBatch> => {
    await yieldToEvents();
    const evidence = evidenceOf(WHERE, target, first, batch.shape[0]);
    return drawBatch(compile ? compiled.draw : drawPlain(networks), batch, {form, evidence, objective: method.objective});
  };
  const told = isTargetFn(target) ? undefined : target; // Only with guidance is it looked at, which refuses a function.
  const job = {compile, form, method, target: told};
  const run = {where: WHERE, job: explainJob, settings: job, models: [student.model, decoder], workers, signal} as const;
  const draw = workers === 0 ? drawHere : inThreads(run);
  const mapSettings = {seed, target, options: recordOptions({...settings, target})};
  return overImageBatches<UnscoredMap>(
    images,
    {where: WHERE, batchSize, threads: workers, signal, onProgress, toInput: (some) => networkInput(WHERE, some, teacher)},
    async ({images: batch, first}) => mapsOf(await draw(batch, first), mapSettings, first),
  );
}

/** Refuses what guidance cannot do. */
function checkGuided({target, compile, workers}: ExplainSettings): void {
  if (!compile) throw new TypeError(`${WHERE}: compile must be true with guidance, whose gradient is that of the compiled student.`);
  const isSent = !isTargetFn(target) && !(typeof target === 'object' && 'perImage' in target);
  if (workers > 0 && !isSent) {
    throw new TypeError(
      `${WHERE}: with guidance, target must be the same classes for all images where workers draw, but is ${isTargetFn(target) ? 'a function' : 'perImage'}: take workers: 0.`,
    );
  }
}

/** Code that compares explainers hands a seed to each of them; nothing is random here, so it is not looked at. */
function withoutSeed(options: unknown): unknown {
  if (typeof options !== 'object' || options === null || !('seed' in options)) return options;
  return Object.fromEntries(Object.entries(options).filter(([name]) => name !== 'seed'));
}
