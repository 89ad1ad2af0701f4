/**
 * The whole method behind one object (Lee & Kim 2021): a frozen teacher is distilled into an
 * attentive student and an explanation network, which then draw saliency maps at inference speed.
 * This file only wires the parts together.
 */
import type {io} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {backendFailure} from '../backend/backend-failure.js';
import {onBackend} from '../backend/on-backend.js';
import {selectBackend} from '../backend/select-backend.js';
import {checkInteger, show} from '../core/check.js';
import {AttentiveError} from '../core/errors/attentive-error.js';
import {DisposedError} from '../core/errors/disposed-error.js';
import {UnsupportedModelError} from '../core/errors/unsupported-model-error.js';
import type {Explainer, ImagesInput, SaliencyMap, Teacher, UnscoredMap} from '../core/types.js';
import {loadArtifacts, saveArtifacts} from '../files/artifact-store.js';
import type {TrainingBatches} from '../data/batches.js';
import {disposeModel} from '../tfjs/dispose-model.js';
import {explanationDecoder, type ExplanationDecoderOptions} from '../models/explanation-decoder.js';
import type {Student, StudentBuilder} from '../models/student.js';
import {studentFromTeacher} from '../models/student-from-teacher.js';
import {packCheckpoint, unpackCheckpoint} from './save/checkpoint.js';
import {evaluateNetworks, type EvaluateOptions, type Evaluation} from './evaluate.js';
import {CompiledNetworks} from './explain/compiled-networks.js';
import {explainImages, type ExplainOptions, type MapsOnlyOptions} from './explain/explain.js';
import type {Networks} from './train/objectives.js';
import {resolveFitOptions, type FitOptions} from './options.js';
import {resolveTeacher, type TeacherInput} from './teacher-input.js';
import {checkSameTeacher, probeTeacher, type TeacherProbe} from './save/teacher-probe.js';
import {trainNetworks, type TrainingProgress, type TrainingSummary} from './train/train.js';

/** Options of {@link AttentiveDistiller.create}. */
export interface DistillerOptions extends TeacherInput {
  /**
   * `'fromTeacher'` copies the teacher's graph and weights; a builder makes any other student, such
   * as the paper's ResNet-50, `residualStudent()`. @default 'fromTeacher'
   */
  readonly student?: 'fromTeacher' | StudentBuilder | undefined;
  /** Size of the explanation network. */
  readonly decoder?: Pick<ExplanationDecoderOptions, 'filters'> | undefined;
  /** Decides every initial weight, 0–4294967295. @default 0 */
  readonly seed?: number | undefined;
}

/** Options of {@link AttentiveDistiller.train}. */
export interface TrainOptions extends FitOptions {
  /** Called with every record that `fit` would yield. */
  readonly onProgress?: ((progress: TrainingProgress) => void) | undefined;
}

/**
 * Explains an image classifier: distil once, then draw maps at inference speed.
 *
 * @example
 * const distiller = await AttentiveDistiller.create({teacher: model, preprocessing: 'tf', seed: 7});
 * await distiller.train(batches, {epochs: 6});
 * const [map] = await distiller.explain(image);
 */
export class AttentiveDistiller implements Explainer {
  /** Name of the method, as in its maps. */
  readonly method = 'attentive-distiller';
  /** The teacher, still the caller's. */
  readonly teacher: Teacher;
  /** The seed given to `create`. */
  readonly seed: number;
  readonly #student: Student;
  readonly #decoder: LayersModel;
  readonly #compiled: CompiledNetworks;
  #state: 'idle' | 'training' | 'disposed' = 'idle';

  private constructor(teacher: Teacher, parts: {student: Student; decoder: LayersModel; seed: number}) {
    this.teacher = teacher;
    this.#student = parts.student;
    this.#decoder = parts.decoder;
    this.#compiled = new CompiledNetworks(parts);
    this.seed = parts.seed;
  }

  /**
   * Builds an untrained distiller; selects a tfjs backend if the caller has not.
   *
   * @throws {UnsupportedModelError} If the teacher or the student has a form that cannot be used.
   * @throws {RangeError | TypeError} If an option is wrong.
   */
  static async create(options: DistillerOptions): Promise<AttentiveDistiller> {
    const {student: chosen = 'fromTeacher', decoder: decoderOptions = {}, seed = 0} = options;
    checkInteger('AttentiveDistiller.create: seed', seed, 0, 0xffffffff);
    if (chosen !== 'fromTeacher' && typeof chosen !== 'function') {
      throw new TypeError(
        `AttentiveDistiller.create: student must be 'fromTeacher' or a builder such as residualStudent(), but is ${show(chosen)}.`,
      );
    }
    await selectBackend();
    return onBackend('AttentiveDistiller.create', async () => {
      const teacher = resolveTeacher(options);
      const build = chosen === 'fromTeacher' ? studentFromTeacher() : chosen;
      const student = await build(teacher, {seed});
      try {
        const taps = tapShapes(student, teacher);
        const [height, width] = teacher.inputShape;
        const decoder = explanationDecoder(taps, [height, width], {...decoderOptions, seed});
        return new AttentiveDistiller(teacher, {student, decoder, seed});
      } catch (error) {
        disposeModel(student.model);
        throw error;
      }
    });
  }

  /**
   * Trains student and explanation network, yielding a record per step. Leaving the loop stops the
   * training; so does the signal, by throwing its reason. What was learned is kept.
   *
   * @param batches Gone over once per epoch; borrowed.
   * @returns A generator; its return value is the summary.
   * @throws {NonFiniteLossError} If a loss becomes NaN or infinite; the message says what to change.
   * @throws {FlatMapError} If the maps collapse; the message says what to change.
   * @throws {AttentiveError} If this distiller is training already.
   */
  async *fit(batches: TrainingBatches, options: FitOptions = {}): AsyncGenerator<TrainingProgress, TrainingSummary, undefined> {
    this.#checkIdle('fit');
    const settings = resolveFitOptions(options, !this.#student.trainingMode);
    this.#state = 'training';
    this.#compiled.dispose(); // Training needs the memory, and what it changes is compiled anew.
    try {
      return yield* trainNetworks(this.#networks, batches, settings);
    } catch (error) {
      throw backendFailure('fit', error);
    } finally {
      this.#compiled.dispose();
      this.#state = 'idle';
    }
  }

  /** Runs {@link AttentiveDistiller.fit} to its end and returns the summary. */
  async train(batches: TrainingBatches, options: TrainOptions = {}): Promise<TrainingSummary> {
    const {onProgress, ...fitOptions} = options;
    const run = this.fit(batches, fitOptions);
    for (;;) {
      const next = await run.next();
      if (next.done === true) return next.value;
      onProgress?.(next.value);
    }
  }

  /**
   * Draws one saliency map per image, at the size of the network's input, values in [0,1]. The map
   * says what the whole decision rests on. The teacher does not run: `score` is the student's, and
   * `target` only chooses the class that it is reported for (by default the student's decision).
   * Nothing is random here; the seed in the result is the one that made the networks.
   *
   * @param images One or several images: network input or decoded pictures; borrowed.
   * @param options `batchSize` is 16 by default and does not change the maps; `seed` is not used. With
   *   `workers`, threads draw whole batches, so there have to be several. The first call compiles the
   *   networks (`compile`); `score: false` draws maps without class and score.
   * @throws {RangeError | TypeError} If an image has the wrong form, the target is no class, or one is given
   *   with `score: false`.
   */
  async explain(images: ImagesInput, options?: ExplainOptions): Promise<SaliencyMap[]>;
  async explain(images: ImagesInput, options: MapsOnlyOptions): Promise<UnscoredMap[]>;
  async explain(images: ImagesInput, options: ExplainOptions | MapsOnlyOptions = {}): Promise<SaliencyMap[] | UnscoredMap[]> {
    this.#checkAlive('explain');
    return explainImages({networks: this.#networks, compiled: this.#compiled}, images, this.seed, options);
  }

  /**
   * Measures student and maps on a set of images: agreement with the teacher and the labels, KL,
   * insertion, deletion, intensity of the maps.
   */
  async evaluate(batches: TrainingBatches, options: EvaluateOptions = {}): Promise<Evaluation> {
    this.#checkAlive('evaluate');
    return onBackend('evaluate', () => evaluateNetworks(this.#networks, batches, this.seed, options));
  }

  /**
   * Saves both networks to a tfjs URL: `file://folder` in Node, `indexeddb://`, `localstorage://` or
   * `downloads://` in a browser. A folder is replaced in one step: whatever happens meanwhile, it
   * holds the old save or the new one. The teacher is not saved.
   */
  async save(url: string): Promise<void> {
    this.#checkIdle('save');
    const artifacts: io.ModelArtifacts = await onBackend('save', async () => {
      const teacher: TeacherProbe = await probeTeacher(this.teacher);
      const metadata = {seed: this.seed, teacher, trainingMode: this.#student.trainingMode};
      return packCheckpoint({student: this.#student, decoder: this.#decoder, ...metadata});
    });
    await saveArtifacts(url, artifacts);
  }

  /**
   * Loads a saved distiller. Its maps equal those of the saved one bit for bit on the same backend.
   *
   * @throws {ModelFileError} If there is none at `url` or it is damaged.
   * @throws {AttentiveError} If it was distilled from another teacher.
   */
  static async load(url: string, options: TeacherInput): Promise<AttentiveDistiller> {
    await selectBackend();
    return onBackend('AttentiveDistiller.load', async () => {
      const teacher = resolveTeacher(options);
      const checkpoint = await unpackCheckpoint(await loadArtifacts(url), url);
      try {
        await checkSameTeacher(teacher, checkpoint.teacher);
      } catch (error) {
        disposeModel(checkpoint.student.model);
        disposeModel(checkpoint.decoder);
        throw error;
      }
      return new AttentiveDistiller(teacher, checkpoint);
    });
  }

  /** Frees student and explanation network, not the teacher. Safe to call twice. */
  dispose(): void {
    if (this.#state === 'disposed') return;
    if (this.#state === 'training')
      throw new AttentiveError('AttentiveDistiller.dispose: still training. Abort or leave the loop over fit() first.');
    this.#state = 'disposed';
    this.#compiled.dispose();
    disposeModel(this.#student.model);
    disposeModel(this.#decoder);
  }

  /** `using distiller = await AttentiveDistiller.create(…)` frees it at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  get #networks(): Networks {
    return {teacher: this.teacher, student: this.#student, decoder: this.#decoder};
  }

  #checkAlive(method: string): void {
    if (this.#state === 'disposed') throw new DisposedError(`AttentiveDistiller.${method} was called after dispose().`);
  }

  #checkIdle(method: string): void {
    this.#checkAlive(method);
    if (this.#state === 'training')
      throw new AttentiveError(`AttentiveDistiller.${method}: a training run is active. Await it, abort it, or leave its loop first.`);
  }
}

function tapShapes({model}: Student, teacher: Teacher): [number, number, number][] {
  const shapes = model.outputs.map(({shape}) => shape.slice(1));
  const [logits, ...taps] = shapes;
  const fits =
    logits?.length === 1 &&
    logits[0] === teacher.numClasses &&
    taps.length === 3 &&
    taps.every((tap) => tap.length === 3 && tap.every((size) => size !== null));
  if (!fits) {
    throw new UnsupportedModelError(
      `A student must have the outputs [logits [${teacher.numClasses}], Δf, Δf, Δf] with fixed Δf sizes [h, w, C], finest first, but has ${shapes.map((shape) => `[${shape.join(', ')}]`).join(', ')}.`,
    );
  }
  return taps as [number, number, number][];
}
