/** Explains any number of images in batches of bounded memory. */
import type {Tensor4D} from '@tensorflow/tfjs-core';
import {batchSizeField, MAX_SEED, runFields, targetField, workersField} from '../../core/common-options.js';
import {withEitherSignal} from '../../core/either-signal.js';
import {absentMeans, boolean, integer, withDefault} from '../../core/fields.js';
import {recordOptions} from '../../core/option-record.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import type {ExplainerOptions, ImagesInput, SaliencyMap, UnscoredMap, WorkerOptions} from '../../core/types.js';
import {yieldToEvents} from '../../core/yield-to-events.js';
import {checkImages} from '../../data/image-list.js';
import {networkInput} from '../../data/network-input.js';
import type {ScoreForm} from '../../models/score-model.js';
import {checkTarget, isTargetFn, resolveTargets} from '../../models/targets.js';
import {overImageBatches} from '../../queries/image-batches.js';
import {inThreads} from '../../workers/in-threads.js';
import {shipModels} from '../../workers/shipped-models.js';
import type {Shipment} from '../../workers/thread-task.js';
import {kindOf, type Networks} from '../networks.js';
import {checkTeacherAlive} from '../teacher-input.js';
import {evidenceOf} from './evidence.js';
import {drawBatch, drawPlain, mapsOf, type CompiledNetworks, type DrawnBatch, type Wanted} from './draw-maps.js';
import {explainJob} from './explain-job.js';
import {Refiner} from './refine.js';

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
  /**
   * Steps that improve each map on its own image, 0–1000: Adam on the loss of training, from the map that is drawn. Needs
   * a distiller with `objective: 'ranking'`. Every step runs the teacher forward and back on four masked images for
   * each map. Progress counts these steps as stage `'refine'`, and the signal stops between two.
   * @default 0
   */
  readonly refine?: number | undefined;
  /**
   * With `refine`: rows and columns, 1–1024, of the change to a map, which is enlarged bilinearly. A larger one follows
   * edges, and learns grain.
   * @default 16
   */
  readonly refineSize?: number | undefined;
  /**
   * With `refine`: draws levels and baselines, 0–4294967295. Otherwise nothing is random, and it changes nothing.
   * @default the distiller's own
   */
  readonly seed?: number | undefined;
}

/** Options of `AttentiveDistiller.explain` for maps without class and score: what only these need does not run. */
export interface MapsOnlyOptions extends Omit<ExplainOptions, 'score' | 'target' | 'refine' | 'refineSize' | 'seed'> {
  /** Leaves out the student's classifier and whatever else comes after its last Δf. */
  readonly score: false;
  /** Chooses whose score is reported, so there is none. @default none */
  readonly target?: undefined;
}

/** Options with their defaults filled in. */
export interface ExplainSettings extends Settled<Omit<ExplainOptions, 'score'>, 'seed' | 'signal' | 'onProgress'> {
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
    refine: withDefault(integer(0, 1000), 0),
    refineSize: withDefault(integer(1, 1024), 16),
    seed: absentMeans(integer(0, MAX_SEED), "the distiller's own"),
    workers: workersField,
    ...runFields,
  },
};

/** What draws: the networks as they are, and compiled; and the seed that made them. */
export interface DrawingNetworks {
  readonly networks: Networks;
  readonly compiled: CompiledNetworks;
  readonly seed: number;
  /** Aborts when the networks are to be freed. */
  readonly end: AbortSignal;
}

/** Draws one map per image and target. */
export async function explainImages(
  drawing: DrawingNetworks,
  images: ImagesInput,
  options: ExplainOptions | MapsOnlyOptions | undefined,
): Promise<SaliencyMap[] | UnscoredMap[]> {
  const settings = readOptions(explainSchema, options);
  if (!settings.score && options?.target !== undefined) {
    throw new TypeError(`${WHERE}: target chooses the class whose score is reported, so it cannot be given with score: false.`);
  }
  return withEitherSignal(settings.signal, drawing.end, (signal) => drawMaps(drawing, images, {...settings, signal}));
}

async function drawMaps(
  {networks, compiled, seed}: DrawingNetworks,
  images: ImagesInput,
  settings: ExplainSettings,
): Promise<SaliencyMap[] | UnscoredMap[]> {
  const {batchSize, compile, score, refine, workers, signal, onProgress} = settings;
  const target = score ? settings.target : undefined;
  const numImages = checkImages(WHERE, images);
  checkTarget(WHERE, target, numImages);
  const kind = kindOf(networks.teacher);
  const form: ScoreForm | undefined = !score ? undefined : isTargetFn(target) ? 'logits' : 'probabilities';
  const {teacher, student, decoder, method} = networks;
  if (method.guidance !== 'none') checkGuided(settings);
  const drawSeed = refine > 0 ? (settings.seed ?? seed) : seed;
  const refiner = refine > 0 ? refinerFor(networks, settings, {numImages, seed: drawSeed}) : undefined;
  const drawHere = async (batch: Tensor4D, first: number): Promise<DrawnBatch> => {
    await yieldToEvents();
    const evidence = evidenceOf(WHERE, target, {first, count: batch.shape[0], kind});
    const refined: Refine | undefined =
      refiner && ((maps, scores) => refiner.refine(maps, {images: batch, first, targets: resolveTargets(WHERE, target, scores, first)}));
    return drawBatch(compile ? compiled.draw : drawPlain(networks), batch, {
      form,
      kind,
      evidence,
      objective: method.objective,
      refine: refined,
    });
  };
  const told = isTargetFn(target) ? undefined : target; // Only with guidance is it looked at, which refuses a function.
  const job = {compile, form, kind, method, target: told};
  const ship = (): Promise<Shipment> => shipModels(WHERE, [student.model, decoder]);
  const run = {where: WHERE, job: explainJob, settings: job, ship, workers, signal};
  const draw = workers === 0 ? drawHere : inThreads(run);
  const ofRefining = refine > 0 ? {seed: drawSeed} : {refine: undefined, refineSize: undefined, seed: undefined};
  const mapSettings = {seed: drawSeed, target, options: recordOptions({...settings, target, ...ofRefining})};
  return overImageBatches<UnscoredMap>(
    images,
    {where: WHERE, batchSize, threads: workers, signal, onProgress, toInput: (some) => networkInput(WHERE, some, teacher)},
    async ({images: batch, first}) => mapsOf(await draw(batch, first), mapSettings, first),
  ).finally(() => refiner?.dispose());
}

type Refine = Wanted<ScoreForm>['refine'];

/** Refuses what refining cannot do, and prepares it. */
function refinerFor({teacher, method}: Networks, settings: ExplainSettings, {numImages, seed}: {numImages: number; seed: number}): Refiner {
  const {target, score, refine, refineSize, batchSize, workers, signal, onProgress} = settings;
  const refused = (why: string): TypeError => new TypeError(`${WHERE}: refine ${why}`);
  if (method.objective === 'fidelity') {
    throw refused(`goes on with the loss of rankings, but this distiller was made with '${method.objective}'.`);
  }
  if (!score) throw refused("asks the teacher about the student's class, so it cannot be given with score: false.");
  if (isTargetFn(target)) throw refused('is for the probability of a class, so target must be no function: name classes.');
  if (workers > 0) throw refused('asks the teacher, which no worker has: take workers: 0.');
  checkTeacherAlive(WHERE, teacher);
  const totalSteps = refine * Math.ceil(numImages / batchSize) * (Array.isArray(target) ? target.length : 1);
  return new Refiner(teacher, {where: WHERE, steps: refine, size: refineSize, seed, totalSteps, signal, onProgress});
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
