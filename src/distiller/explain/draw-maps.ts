/**
 * Inference: what the trained networks draw for a batch of images, and the maps that this makes. Student and
 * explanation network run as they are, or compiled, which happens when they are first asked and again
 * when a weight has changed since. The teacher is not asked, unless maps are refined: class and score are the
 * student's.
 */
import {dispose, tidy, type Tensor, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {show} from '../../core/check.js';
import {settleValues} from '../../core/saliency-map.js';
import type {ClassKind, SaliencyMap, Target, UnscoredMap} from '../../core/types.js';
import {classLogits} from '../../losses/class-logits.js';
import {classProbabilities} from '../../losses/class-probabilities.js';
import {CompiledModel} from '../../models/compiled/compiled-model.js';
import {GuidedStudent, type Evidence} from '../../models/compiled/guided-student.js';
import type {BatchScores} from '../../models/score-function.js';
import type {ScoreForm} from '../../models/score-model.js';
import {valuesOf} from '../../models/target-values.js';
import {isTargetFn, resolveTargets, type ResolvedTarget} from '../../models/targets.js';
import type {Method} from '../method.js';
import {runStudent, type Networks} from '../networks.js';
import {brightest} from './brightest.js';

const WHERE = 'explain';

/** What the networks give for a batch; the caller's. */
export type Drawing = {
  /** One per number that guides: `[N,H,W,1]`, H in (0,1), or any values where the decoder was trained on rankings. */
  readonly maps: Tensor4D[];
  /** The student's, `[N,K]` with K ≥ 2; `undefined` if not asked for. */
  readonly logits: Tensor2D | undefined;
};

/**
 * Draws for a batch `[N,H,W,C]`, borrowed, by one pass of the student and one of the explanation network; with guidance,
 * for each number that guides, a pass back and one of the explanation network.
 *
 * @param scored Whether the logits are wanted.
 * @param evidence What guides, one number per map. Without guidance there is one map whatever is given.
 */
export type Draw = (images: Tensor4D, scored: boolean, evidence: readonly Evidence[]) => Drawing;

type Pair = Pick<Networks, 'student' | 'decoder' | 'method'>;

/** Draws with the networks as they are; without guidance, whose pass back is through the compiled student. */
export function drawPlain({student, decoder}: Pair): Draw {
  return (images, scored) =>
    tidy(() => {
      const {logits, deltas} = runStudent(student, images, false);
      return {maps: [decoder.apply(deltas) as Tensor4D], logits: scored ? logits : undefined};
    });
}

/** Draws with compiled networks, which hold copies of at most all weights until `dispose()`. */
export class CompiledNetworks {
  readonly #networks: Pair;
  #student: CompiledModel | undefined;
  #guided: GuidedStudent | undefined;
  #decoder: CompiledModel | undefined;

  constructor(networks: Pair) {
    this.#networks = networks;
  }

  /** Draws; without logits and guidance, what comes after the last Δf does not run. */
  readonly draw: Draw = (images, scored, evidence) => {
    const {decoder, method} = this.#networks;
    const drawsMaps = (this.#decoder = renewed(this.#decoder, () => new CompiledModel(decoder)));
    const mapOf = (taps: readonly Tensor[]): Tensor4D => at(drawsMaps.run(taps), 0) as Tensor4D;
    return method.guidance === 'none' ? this.#drawOnce(images, scored, mapOf) : this.#drawGuided(images, evidence, mapOf);
  };

  #drawOnce(images: Tensor4D, scored: boolean, mapOf: (taps: readonly Tensor[]) => Tensor4D): Drawing {
    const {model} = this.#networks.student;
    const student = (this.#student = renewed(this.#student, () => new CompiledModel(model)));
    return tidy(() => {
      const outputs = model.outputs.map((_, index) => index); // logits, then the Δf
      const made = student.run([images], scored ? outputs : outputs.slice(1));
      return {maps: [mapOf(scored ? made.slice(1) : made)], logits: scored ? classLogits(made[0] as Tensor2D) : undefined};
    });
  }

  #drawGuided(images: Tensor4D, evidence: readonly Evidence[], mapOf: (taps: readonly Tensor[]) => Tensor4D): Drawing {
    const {student, method} = this.#networks;
    const options = {features: method.guidance === 'delta' ? 'delta' : 'attended', plainTaps: method.plainTaps} as const;
    const guided = (this.#guided = renewed(this.#guided, () => new GuidedStudent(WHERE, student, options)));
    const {logits, used} = guided.run(images, evidence, mapOf);
    return {maps: used, logits};
  }

  /** Frees what is held; the next drawing compiles anew. */
  dispose(): void {
    this.#student?.dispose();
    this.#guided?.dispose();
    this.#decoder?.dispose();
    this.#student = this.#decoder = this.#guided = undefined;
  }
}

function renewed<T extends {readonly isCurrent: boolean; dispose(): void}>(known: T | undefined, make: () => T): T {
  if (known?.isCurrent === true) return known;
  known?.dispose();
  return make();
}

/** A drawing as plain numbers. */
export interface DrawnBatch {
  readonly height: number;
  readonly width: number;
  /** One per map that an image gets: `N · height · width` values in 0–1, image by image. */
  readonly pixels: readonly Float32Array[];
  /** `undefined` if not asked for. */
  readonly scores: BatchScores | undefined;
}

/** A drawing with the student's answers. */
export interface ScoredBatch extends DrawnBatch {
  readonly scores: BatchScores;
}

/** What is wanted of a drawing. */
export interface Wanted<F extends ScoreForm | undefined> {
  /** What is wanted of the student's answers; `undefined` for nothing. */
  readonly form: F;
  /** What these answers mean. */
  readonly kind: ClassKind;
  /** What guides, where something does. */
  readonly evidence: readonly Evidence[];
  /** What the decoder was trained on. */
  readonly objective: Method['objective'];
  /** What else is done to maps, borrowed, that were trained on rankings; the result is freed here. Wants a form. */
  readonly refine?: ((maps: readonly Tensor4D[], scores: BatchScores) => Promise<Tensor4D[]>) | undefined;
}

/**
 * Draws a batch and reads what came out.
 *
 * @param images `[N,H,W,C]`, network input, borrowed.
 * @throws {RangeError} If the student's answers are not finite.
 */
export async function drawBatch(draw: Draw, images: Tensor4D, wanted: Wanted<ScoreForm>): Promise<ScoredBatch>;
export async function drawBatch(draw: Draw, images: Tensor4D, wanted: Wanted<ScoreForm | undefined>): Promise<DrawnBatch>;
export async function drawBatch(
  draw: Draw,
  images: Tensor4D,
  {form, kind, evidence, objective, refine}: Wanted<ScoreForm | undefined>,
): Promise<DrawnBatch> {
  const {maps, scores} = tidy(() => {
    const {logits, ...drawing} = draw(images, form !== undefined, evidence);
    return {
      maps: drawing.maps,
      scores: form === undefined || logits === undefined ? undefined : form === 'probabilities' ? classProbabilities(logits, kind) : logits,
    };
  });
  let refined: Tensor4D[] | undefined;
  try {
    const [, height, width] = (maps[0] as Tensor4D).shape;
    const known = refine && scores && finiteScores(await scores.data<'float32'>(), scores.shape[1]);
    refined = known && (await refine?.(maps, known));
    const read = (refined ?? maps).map((map) => map.data<'float32'>());
    const [values, ...pixels] = await Promise.all([known?.values ?? scores?.data<'float32'>(), ...read]);
    const answers = known ?? (values && scores && finiteScores(values, scores.shape[1]));
    return {
      height,
      width,
      pixels:
        objective !== 'fidelity' ? pixels.map((ranks) => brightest(ranks as Float32Array, height * width)) : (pixels as Float32Array[]),
      scores: answers,
    };
  } finally {
    dispose(maps);
    dispose(refined ?? []);
    scores?.dispose();
  }
}

function finiteScores(values: Float32Array, numClasses: number): BatchScores {
  const bad = values.find((value) => !Number.isFinite(value));
  if (bad !== undefined)
    throw new RangeError(`${WHERE}: the student must give finite scores, but gave ${show(bad)}: its training has diverged.`);
  return {values, numClasses};
}

/** What maps say besides their values. */
export interface MapSettings {
  /** The seed that made the networks, or drew what refining draws. */
  readonly seed: number;
  /** Whose score is reported. */
  readonly target: Target | undefined;
  /** The options in force. */
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * Makes the maps of a drawn batch: one per image and target, image by image.
 *
 * @param first Index among all images of the first of these.
 * @throws {RangeError} If the target is no class, or a value is not finite.
 */
export async function mapsOf(drawn: ScoredBatch, settings: MapSettings, first: number): Promise<SaliencyMap[]>;
export async function mapsOf(drawn: DrawnBatch, settings: MapSettings, first: number): Promise<UnscoredMap[]>;
export async function mapsOf(
  {height, width, pixels, scores}: DrawnBatch,
  {seed, target, options}: MapSettings,
  first: number,
): Promise<UnscoredMap[]> {
  const size = height * width;
  const count = at(pixels, 0).length / size;
  const reported: readonly (readonly (ResolvedTarget | undefined)[])[] =
    scores === undefined
      ? Array.from({length: count}, () => [undefined])
      : resolveTargets(WHERE, target, isTargetFn(target) ? await valuesOf(WHERE, target, scores) : scores, first);
  return reported.flatMap((targets, index) => {
    // Without guidance all targets have the same map; every map owns its values.
    const valuesFor = (rank: number): Float32Array => at(pixels, Math.min(rank, pixels.length - 1)).slice(index * size, (index + 1) * size);
    return targets.map((each, rank) => ({
      ...settleValues(WHERE, valuesFor(rank)),
      height,
      width,
      ...each,
      method: 'attentive-distiller',
      seed,
      options,
    }));
  });
}
