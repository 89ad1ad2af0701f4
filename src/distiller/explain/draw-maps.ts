/**
 * Inference: what the trained networks draw for a batch of images, and the maps that this makes. Student and
 * explanation network run as they are, or compiled, which happens when they are first asked and again
 * when a weight has changed since. The teacher is not asked: class and score are the student's.
 */
import {softmax, tidy, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {show} from '../../core/check.js';
import {settleValues} from '../../core/saliency-map.js';
import type {SaliencyMap, Target, UnscoredMap} from '../../core/types.js';
import {classLogits} from '../../losses/class-logits.js';
import {CompiledModel} from '../../models/compiled/compiled-model.js';
import type {BatchScores, ScoreForm} from '../../models/score-model.js';
import {valuesOf} from '../../models/target-values.js';
import {isTargetFn, resolveTargets, type ResolvedTarget} from '../../models/targets.js';
import {runStudent, type Networks} from '../networks.js';

const WHERE = 'explain';

/** What the networks give for a batch; the caller's. */
export type Drawing = {
  /** H, `[N,H,W,1]` in (0,1). */
  readonly saliency: Tensor4D;
  /** The student's, `[N,K]` with K ≥ 2; `undefined` if not asked for. */
  readonly logits: Tensor2D | undefined;
};

/**
 * Draws H for a batch `[N,H,W,C]`, borrowed, by one pass of the student and one of the explanation
 * network.
 *
 * @param scored Whether the logits are wanted.
 */
export type Draw = (images: Tensor4D, scored: boolean) => Drawing;

type Pair = Pick<Networks, 'student' | 'decoder'>;

/** Draws with the networks as they are. */
export function drawPlain({student, decoder}: Pair): Draw {
  return (images, scored) =>
    tidy(() => {
      const {logits, deltas} = runStudent(student, images, false);
      return {saliency: decoder.apply(deltas) as Tensor4D, logits: scored ? logits : undefined};
    });
}

/** Draws with compiled networks, which hold copies of at most all weights until `dispose()`. */
export class CompiledNetworks {
  readonly #networks: Pair;
  #student: CompiledModel | undefined;
  #decoder: CompiledModel | undefined;

  constructor(networks: Pair) {
    this.#networks = networks;
  }

  /** Draws; without logits, what comes after the last Δf does not run. */
  readonly draw: Draw = (images, scored) => {
    const {student, decoder} = this.#networks;
    const drawsDeltas = (this.#student = renewed(this.#student, student.model));
    const drawsMaps = (this.#decoder = renewed(this.#decoder, decoder));
    return tidy(() => {
      const outputs = student.model.outputs.map((_, index) => index); // logits, then the Δf
      const drawn = drawsDeltas.run([images], scored ? outputs : outputs.slice(1));
      const [saliency] = drawsMaps.run(scored ? drawn.slice(1) : drawn) as [Tensor4D];
      return {saliency, logits: scored ? classLogits(drawn[0] as Tensor2D) : undefined};
    });
  };

  /** Frees what is held; the next drawing compiles anew. */
  dispose(): void {
    this.#student?.dispose();
    this.#decoder?.dispose();
    this.#student = this.#decoder = undefined;
  }
}

function renewed(known: CompiledModel | undefined, model: LayersModel): CompiledModel {
  if (known?.isCurrent === true) return known;
  known?.dispose();
  return new CompiledModel(model);
}

/** A drawing as plain numbers. */
export interface DrawnBatch {
  readonly height: number;
  readonly width: number;
  /** `N · height · width` values, image by image. */
  readonly pixels: Float32Array;
  /** `undefined` if not asked for. */
  readonly scores: BatchScores | undefined;
}

/** A drawing with the student's answers. */
export interface ScoredBatch extends DrawnBatch {
  readonly scores: BatchScores;
}

/**
 * Draws a batch and reads what came out.
 *
 * @param images `[N,H,W,C]`, network input, borrowed.
 * @param form What is wanted of the student's answers; `undefined` for nothing.
 * @throws {RangeError} If the student's answers are not finite.
 */
export async function drawBatch(draw: Draw, images: Tensor4D, form: ScoreForm): Promise<ScoredBatch>;
export async function drawBatch(draw: Draw, images: Tensor4D, form: ScoreForm | undefined): Promise<DrawnBatch>;
export async function drawBatch(draw: Draw, images: Tensor4D, form: ScoreForm | undefined): Promise<DrawnBatch> {
  const {saliency, scores} = tidy(() => {
    const drawing = draw(images, form !== undefined);
    return {saliency: drawing.saliency, scores: form === 'probabilities' && drawing.logits ? softmax(drawing.logits) : drawing.logits};
  });
  try {
    const [, height, width] = saliency.shape;
    const [pixels, values] = await Promise.all([saliency.data<'float32'>(), scores?.data<'float32'>()]);
    const bad = values?.find((value) => !Number.isFinite(value));
    if (bad !== undefined)
      throw new RangeError(`${WHERE}: the student must give finite scores, but gave ${show(bad)}: its training has diverged.`);
    return {height, width, pixels, scores: values && scores && {values, numClasses: scores.shape[1]}};
  } finally {
    saliency.dispose();
    scores?.dispose();
  }
}

/** What maps say besides their values. */
export interface MapSettings {
  /** The seed that made the networks. */
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
  const count = pixels.length / (height * width);
  const reported: readonly (readonly (ResolvedTarget | undefined)[])[] =
    scores === undefined
      ? Array.from({length: count}, () => [undefined])
      : resolveTargets(WHERE, target, isTargetFn(target) ? await valuesOf(WHERE, target, scores) : scores, first);
  return reported.flatMap((targets, index) => {
    const {data, empty} = settleValues(WHERE, pixels.slice(index * height * width, (index + 1) * height * width));
    return targets.map((each, at) => ({
      // Every map owns its values.
      data: at === 0 ? data : data.slice(),
      height,
      width,
      ...each,
      method: 'attentive-distiller',
      seed,
      options,
      empty,
    }));
  });
}
