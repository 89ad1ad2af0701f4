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
import {AttentiveError} from '../core/errors/attentive-error.js';
import {DisposedError} from '../core/errors/disposed-error.js';
import {eitherSignal} from '../core/either-signal.js';
import {readOptions} from '../core/options.js';
import type {Explainer, ImagesInput, SaliencyMap, Teacher, UnscoredMap} from '../core/types.js';
import type {TrainingBatches} from '../data/batches.js';
import {checkUrl, loadArtifacts, saveArtifacts} from '../files/artifact-store.js';
import type {Student} from '../models/students/student.js';
import {checkBatches} from './check-batches.js';
import {createNetworks, type DistillerOptions, type SeededNetworks} from './create.js';
import {evaluateNetworks, type EvaluateOptions, type Evaluation, type Subject} from './evaluate.js';
import {CompiledNetworks} from './explain/draw-maps.js';
import {explainImages, type ExplainOptions, type MapsOnlyOptions} from './explain/explain.js';
import type {Method} from './method.js';
import type {Networks} from './networks.js';
import {fitSchema, fitSettings, trainSchema, type FitOptions, type TrainOptions} from './options.js';
import type {TrainingProgress, TrainingSummary} from './progress.js';
import {packCheckpoint, unpackCheckpoint, type Packed} from './save/checkpoint.js';
import {checkpointWriter, newestCheckpoint} from './save/checkpoint-places.js';
import {probeTeacher} from './save/teacher-probe.js';
import {checkTeacherAlive, resolveTeacher, teacherInputSchema, type TeacherInput} from './teacher-input.js';
import {checkSameSettings} from './train/run-place.js';
import type {Outcome} from './train/stage-run.js';
import {trainNetworks} from './train/train.js';
import {disposeState, fitDescription, type TrainingState} from './train/training-state.js';
import {disposeModel} from '../tfjs/model-variables.js';

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
  readonly #method: Method;
  readonly #compiled: CompiledNetworks;
  #isTraining = false;
  #isDisposed = false;
  /** Calls under way, which need the networks. */
  #running = 0;
  /** Aborts when this is disposed of. */
  readonly #end = new AbortController();
  #history: TrainingProgress[] = [];
  /** Of the training under way. */
  #outcome: Outcome | undefined;
  /** Where a training was interrupted, for the next one. */
  #resumed: TrainingState | undefined;

  private constructor({teacher, student, decoder, method, seed}: SeededNetworks, resumed?: TrainingState) {
    this.#resumed = resumed;
    this.#history = [...(resumed?.history ?? [])];
    this.teacher = teacher;
    this.#student = student;
    this.#decoder = decoder;
    this.#method = method;
    this.#compiled = new CompiledNetworks({student, decoder, method});
    this.seed = seed;
  }

  /**
   * Builds an untrained distiller; selects a tfjs backend if the caller has not.
   *
   * @throws {UnsupportedModelError} If the teacher or the student has a form that cannot be used.
   * @throws {TypeError} If there is no teacher, or an option is unknown or of the wrong kind.
   * @throws {RangeError} If an option is out of its range.
   */
  static async create(options: DistillerOptions): Promise<AttentiveDistiller> {
    return new AttentiveDistiller(await createNetworks(options));
  }

  /**
   * Trains student and explanation network, yielding a record per step. Leaving the loop stops the
   * training; so does the signal, by throwing its reason. What was learned is kept.
   *
   * @param batches Gone over once per epoch; borrowed.
   * @returns A generator to loop over with `for await`; its return value is the summary. It is no promise: awaiting
   *   it would train nothing, so that rejects.
   * @throws {TypeError | RangeError} If an option or a batch is wrong, or guidance meets `mode: 'joint'`. (This and what
   *   follows when the loop begins.)
   * @throws {NonFiniteLossError} If a loss or weight becomes NaN or infinite; the message says what to change.
   * @throws {FlatMapError} If the maps collapse; the message says what to change.
   * @throws {AttentiveError} If this distiller is training already.
   */
  fit(batches: TrainingBatches, options?: FitOptions): AsyncGenerator<TrainingProgress, TrainingSummary, undefined> {
    return notAwaitable(this.#run('fit', batches, () => readOptions(fitSchema, options)));
  }

  /**
   * Runs {@link AttentiveDistiller.fit} to its end and returns the summary. An error that `onProgress` throws stops
   * the training, and rejects.
   */
  async train(batches: TrainingBatches, options?: TrainOptions): Promise<TrainingSummary> {
    const {onProgress, ...settings} = readOptions(trainSchema, options);
    const run = this.#run('train', batches, () => settings);
    try {
      for (;;) {
        const next = await run.next();
        if (next.done === true) return next.value;
        onProgress?.(next.value);
      }
    } finally {
      await run.return(NOTHING); // Ends it where onProgress has thrown; after the end it does nothing.
    }
  }

  async *#run(
    where: 'fit' | 'train',
    batches: TrainingBatches,
    read: () => Parameters<typeof fitSettings>[0],
  ): AsyncGenerator<TrainingProgress, TrainingSummary, undefined> {
    this.#checkIdle(where);
    const values = read();
    if (values.mode === 'joint' && this.#method.guidance !== 'none')
      throw new TypeError(`${where}: mode must be 'staged' with guidance, whose gradient is that of a student which stays as it is.`);
    const given = fitSettings(values, this.#networks);
    checkBatches(where, batches);
    if (given.validation !== undefined) checkBatches(`${where}: validation`, given.validation);
    checkTeacherAlive(where, this.teacher);
    const resumed = this.#resumed;
    if (resumed !== undefined) {
      const otherwise = 'To train what is there in another way, load it with AttentiveDistiller.load().';
      checkSameSettings(where, resumed.place, fitDescription(given), otherwise);
    }
    if (given.checkpoint !== undefined) checkUrl(`${where}: checkpoint.to`, given.checkpoint.to);
    const {signal, unlink} = eitherSignal(given.signal, this.#end.signal);
    const settings = {...given, signal};
    this.#isTraining = true;
    this.#running++;
    this.#compiled.dispose(); // Training needs the memory, and what it changes is compiled anew.
    this.#history = [];
    this.#resumed = undefined;
    try {
      const write = settings.checkpoint && (await this.#checkpointer(where, settings.checkpoint.to));
      const onOutcome = (outcome: Outcome | undefined): void => void (this.#outcome = outcome);
      const {seed} = this;
      return yield* trainNetworks({
        where,
        networks: this.#networks,
        batches,
        settings,
        seed,
        history: this.#history,
        resumed,
        write,
        onOutcome,
      });
    } catch (error) {
      throw backendFailure(where, error);
    } finally {
      unlink();
      if (resumed !== undefined) disposeState(resumed);
      this.#compiled.dispose();
      this.#isTraining = false;
      this.#leave();
    }
  }

  /** Makes what writes down the state of a training. */
  async #checkpointer(where: string, to: string): Promise<(state: TrainingState) => Promise<void>> {
    const probe = await probeTeacher(where, this.teacher);
    const write = await checkpointWriter(where, to);
    return (state) => write((serial) => this.#pack({probe, training: state, serial}));
  }

  /** The networks as they would be if the training ended now. */
  #pack(packed: Packed): Promise<io.ModelArtifacts> {
    return packCheckpoint({...this.#networks, seed: this.seed}, {...packed, inPlaceOf: this.#outcome});
  }

  /** Every record of the last training, the one under way or that is resumed: losses and rates to plot. */
  get history(): readonly TrainingProgress[] {
    return this.#history;
  }

  /**
   * Draws one saliency map per image and target, at the size of the network's input, values in [0,1]. The map
   * says what the whole decision rests on, or with guidance what speaks for the target. The teacher runs only with
   * `refine`, whose steps change each map so that the teacher's probability of the class follows it more closely; `score`
   * is always the student's. `target` chooses what is explained with guidance or refined, and what the score is reported
   * for (by default the student's decision): a class, or, without `refine`, a function of the student's logits, whose
   * value it then is. Refining draws by `seed`, which the result then has; otherwise nothing is random, and the seed in
   * the result is the one that made the networks.
   *
   * @param images One or several images: network input or decoded pictures; borrowed.
   * @param options `batchSize` does not change the maps. With `workers`, threads draw whole batches, so there have to
   *   be several. The first call compiles the networks (`compile`); `score: false` draws maps without class and score.
   * @returns Maps with every option in force; all-equal ones are `empty`, and zeros.
   * @throws {TypeError} If an image or an option is of the wrong kind, an option is unknown, a target is given
   *   with `score: false`, or guidance meets `compile: false` or a target that no worker can be told, or `refine` meets
   *   another objective than `'ranking'`, a target that is a function, `score: false` or `workers`.
   * @throws {RangeError} If there is no image, one has the wrong shape or is not finite, or the target is no class.
   * @throws {NonFiniteLossError} If refining meets a gradient of the teacher that is not finite.
   */
  async explain(images: ImagesInput, options?: ExplainOptions): Promise<SaliencyMap[]>;
  async explain(images: ImagesInput, options: MapsOnlyOptions): Promise<UnscoredMap[]>;
  async explain(images: ImagesInput, options?: ExplainOptions | MapsOnlyOptions): Promise<SaliencyMap[] | UnscoredMap[]> {
    return this.#during('explain', (subject) => explainImages(subject, images, options));
  }

  /**
   * Measures student and maps on a set of images: agreement with the teacher and the labels, KL,
   * insertion, deletion, intensity of the maps.
   *
   * @throws {TypeError | RangeError} If an option or a batch is wrong. Aborting rejects with the signal's reason.
   */
  async evaluate(batches: TrainingBatches, options?: EvaluateOptions): Promise<Evaluation> {
    return this.#during('evaluate', (subject) => {
      checkTeacherAlive('evaluate', this.teacher);
      return onBackend('evaluate', () => evaluateNetworks(subject, batches, options));
    });
  }

  /**
   * Saves the explainer to a tfjs URL: `file://folder` in Node, `indexeddb://`, `localstorage://` or
   * `downloads://` in a browser. A folder is replaced in one step: whatever happens meanwhile, it
   * holds the old save or the new one. The teacher is not saved, and neither is what a student of `studentFromTeacher`
   * still has in common with it: such a save holds the explanation network and the weights of the student that training
   * has changed. Students of other builders are saved whole. While a training is under way, what is saved is what it
   * would have come to if it were stopped.
   *
   * @throws {TypeError | RangeError} If `url` is no such URL.
   * @throws {ModelFileError} If writing fails.
   */
  async save(url: string): Promise<void> {
    // What is under way when the networks are to be freed is brought to its end.
    await this.#during('save', async () => {
      checkUrl('AttentiveDistiller.save', url);
      checkTeacherAlive('save', this.teacher);
      const artifacts = await onBackend('save', async () => {
        const probe = await probeTeacher('save', this.teacher);
        return this.#pack({probe});
      });
      await saveArtifacts('AttentiveDistiller.save', url, artifacts);
    });
  }

  /**
   * Loads a saved distiller. Its maps equal those of the saved one bit for bit on the same backend. The teacher must
   * have the very weights that it had when it was saved, and what the save does not hold of a student of
   * `studentFromTeacher` is taken from it. Where its weights cannot be read, its answers decide whether it is the same.
   *
   * @throws {TypeError | RangeError} If `url` or an option is wrong.
   * @throws {ModelFileError} If there is none at `url` or it is damaged.
   * @throws {UnsupportedModelError} If the student has to be made from the teacher again, and the teacher has no LayersModel.
   * @throws {AttentiveError} If it was distilled from another teacher.
   */
  static async load(url: string, options: TeacherInput): Promise<AttentiveDistiller> {
    const where = 'AttentiveDistiller.load';
    checkUrl(where, url);
    const teacher = resolveTeacher(where, readOptions(teacherInputSchema, options));
    await selectBackend();
    return onBackend(where, async () => {
      const artifacts = await loadArtifacts(where, url);
      const {networks, training} = await unpackCheckpoint({where, url, teacher}, artifacts);
      if (training !== undefined) disposeState(training);
      return new AttentiveDistiller(networks);
    });
  }

  /**
   * Loads what `fit({checkpoint: {to}})` has written, the newest state that is whole. The next `fit` or `train`, with the same
   * batches and options, goes on from there, and comes to the same end as if it had never been interrupted: on cpu and
   * wasm bit for bit, unless minutes end it. The batches up to that place are gone over once more, without training.
   * Until then, the distiller is what the training would have come to if it had been stopped there.
   *
   * @throws {TypeError | RangeError} If `from` or an option is wrong.
   * @throws {ModelFileError} If no state that is whole lies there.
   * @throws {UnsupportedModelError | AttentiveError} As {@link AttentiveDistiller.load}.
   * @example
   * const distiller = await AttentiveDistiller.resume('file://out/state', {teacher, preprocessing: 'tf'});
   * await distiller.train(batches, {budget: {steps: 2000}, checkpoint: {to: 'file://out/state'}});
   */
  static async resume(from: string, options: TeacherInput): Promise<AttentiveDistiller> {
    const where = 'AttentiveDistiller.resume';
    checkUrl(where, from);
    const teacher = resolveTeacher(where, readOptions({...teacherInputSchema, where}, options));
    await selectBackend();
    return onBackend(where, async () => {
      const {url, artifacts} = await newestCheckpoint(where, from);
      const {networks, training} = await unpackCheckpoint({where, url, teacher}, artifacts);
      return new AttentiveDistiller(networks, training);
    });
  }

  /**
   * Frees student and explanation network, not the teacher. Safe to call twice, and at any time: what is under way stops
   * within a step and rejects with a DisposedError, but for `save`, which is brought to its end.
   */
  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#end.abort(new DisposedError('AttentiveDistiller: dispose() was called while this was under way.'));
    if (this.#running === 0) this.#free();
  }

  #free(): void {
    if (this.#resumed !== undefined) disposeState(this.#resumed);
    this.#compiled.dispose();
    disposeModel(this.#student.model);
    disposeModel(this.#decoder);
  }

  /** `using distiller = await AttentiveDistiller.create(…)` frees it at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  get #networks(): Networks {
    return {teacher: this.teacher, student: this.#student, decoder: this.#decoder, method: this.#method};
  }

  /** Does what needs the networks, which are not freed before it ends. */
  async #during<T>(method: string, work: (subject: Subject) => Promise<T>): Promise<T> {
    this.#checkAlive(method);
    this.#running++;
    try {
      return await work({networks: this.#networks, compiled: this.#compiled, seed: this.seed, end: this.#end.signal});
    } finally {
      this.#leave();
    }
  }

  #leave(): void {
    this.#running--;
    if (this.#isDisposed && this.#running === 0) this.#free();
  }

  #checkAlive(method: string): void {
    if (this.#isDisposed) throw new DisposedError(`AttentiveDistiller.${method} was called after dispose().`);
  }

  #checkIdle(method: string): void {
    this.#checkAlive(method);
    if (this.#isTraining)
      throw new AttentiveError(`AttentiveDistiller.${method}: a training run is active. Await it, abort it, or leave its loop first.`);
  }
}

/** The summary of a run that is ended before it has one. */
const NOTHING: TrainingSummary = {steps: 0, seconds: 0, stages: [], warnings: []};

/** Makes `await fit(…)`, which would run nothing, reject instead. Looping over the generator never asks for `then`. */
function notAwaitable<G extends AsyncGenerator<unknown, unknown, undefined>>(run: G): G {
  const refused = (): Promise<never> =>
    Promise.reject(new TypeError('fit() gives a generator: loop over it with for await, or call train()'));
  const then: PromiseLike<never>['then'] = (...handlers) => refused().then(...handlers);
  return Object.defineProperty(run, 'then', {value: then});
}
