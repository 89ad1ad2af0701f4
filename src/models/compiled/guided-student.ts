/**
 * What a class rests on inside a student: the features behind each attention module, and their product with the
 * gradient of the class. Where both are large, the evidence is; a decoder that gets them draws a map of the class that
 * was asked for. One pass forward, and for each class one backward through what comes behind the finest tap that is
 * differentiated.
 */
import {
  add,
  concat,
  div,
  fill,
  mean,
  mul,
  sqrt,
  square,
  sum,
  tidy,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  type TensorContainer,
} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {UnsupportedModelError} from '../../core/errors/unsupported-model-error.js';
import {classLogits} from '../../losses/class-logits.js';
import {gradientsOfEach} from '../../tfjs/gradients/gradients-of-each.js';
import {WatchedGradient} from '../../tfjs/gradients/watched-gradient.js';
import {planGraph, type GraphPlan, type Step} from '../graph/plan.js';
import type {Student} from '../students/student.js';
import {CompiledModel} from './compiled-model.js';

/** The number of each image whose evidence is looked for, `[N]`, from logits `[N,K]`, K ≥ 2. */
export type Evidence = (logits: Tensor2D) => Tensor1D;

/** What a guided pass gives; the caller's. */
export type GuidedAnswers<T extends TensorContainer> = {
  /** The student's, `[N,K]`, K ≥ 2. */
  readonly logits: Tensor2D;
  /** For each evidence, what was made of the taps: finest first, `[N,h,w,C]` for one that is not differentiated, otherwise `[N,h,w,2C]`. */
  readonly used: T[];
};

/** How a student is asked. */
export interface GuidedStudentOptions {
  /** Which features: those behind the attention module, f̂, or what it changed, Δf. */
  readonly features: 'attended' | 'delta';
  /** How many of the finest taps give their features alone: what lies before them is not differentiated. */
  readonly plainTaps: number;
}

// Keeps features that are zero everywhere at zero.
const EPSILON = 1e-8;

/** A compiled student with the gradient at its taps. Its weights must not change while it is in use. */
export class GuidedStudent {
  readonly #compiled: CompiledModel;
  readonly #options: GuidedStudentOptions;
  readonly #shapes: readonly (readonly [number, number, number])[];

  /**
   * @param where Names the caller in messages.
   * @throws {UnsupportedModelError} If a Δf of the student does not come from an AttentionDelta layer.
   */
  constructor(where: string, {model}: Student, options: GuidedStudentOptions) {
    const plan = planGraph(model);
    const [logits = -1, ...deltas] = plan.outputs;
    const deltaSteps = deltas.map((slot) => deltaStep(where, plan, slot));
    // Outputs: the logits, what is behind each attention module, then each Δf.
    const attended = deltaSteps.map((step) => producerOf(plan, at(step.inputs, 0)).path);
    this.#compiled = new CompiledModel(model, [producerOf(plan, logits).path, ...attended, ...deltaSteps.map(({path}) => path)]);
    this.#options = options;
    this.#shapes = deltaSteps.map(({outputShape}) => outputShape.slice(1) as unknown as [number, number, number]);
  }

  /** Whether the student still has the weights that were compiled, and runs where they were. */
  get isCurrent(): boolean {
    return this.#compiled.isCurrent;
  }

  /** Shapes `[h,w,C]` of what the decoder gets, finest first. */
  get tapShapes(): [number, number, number][] {
    const {plainTaps} = this.#options;
    return this.#shapes.map(([height, width, channels], tap) => [height, width, tap < plainTaps ? channels : 2 * channels]);
  }

  /**
   * Runs images `[N,H,W,C]`, borrowed: once forward, and once back for each evidence.
   *
   * @param evidence Differentiable; the gradient of each says which features speak for it.
   * @param use Makes of what the decoder gets for one evidence what is wanted of it; the taps are borrowed.
   */
  run<T extends TensorContainer>(images: Tensor4D, evidence: readonly Evidence[], use: (taps: Tensor4D[]) => T): GuidedAnswers<T> {
    const count = this.#shapes.length;
    const {features, plainTaps} = this.#options;
    const attended = (tap: number): number => 1 + tap;
    const chosen = (tap: number): number => (features === 'attended' ? attended(tap) : 1 + count + tap);
    const all = Array.from({length: count}, (_, tap) => tap);
    const [start = count - 1, ...later] = all.slice(plainTaps);
    return tidy(() => {
      // Up to the finest tap that is differentiated, nothing has to be remembered.
      const front = all.slice(0, Math.min(plainTaps + 1, count));
      const outputs = [...new Set([...front.map(attended), ...front.map(chosen)])];
      const known = new Map(this.#compiled.run([images], outputs).map((tensor, index) => [at(outputs, index), tensor]));
      const watches = later.map(() => new WatchedGradient());
      const watched = new Map(later.map((tap, index) => [attended(tap), at(watches, index).watch]));
      const forward = (): Forward => {
        const [logits, ...values] = this.#compiled.run([images], [0, ...later.map(chosen)], {known, watched}) as [Tensor2D, ...Tensor4D[]];
        return {logits: classLogits(logits), values};
      };
      const inputs = [known.get(attended(start)) as Tensor];
      const scores = evidence.map(
        (each) =>
          ({logits}: Forward) =>
            sum<Scalar>(each(logits)),
      );
      let found: readonly Tapped[] | undefined;
      const forget = (): void => watches.forEach((each) => each.dispose());
      try {
        const {value, used} = gradientsOfEach({inputs, forward, scores}, ({values}, [ofStart]) => {
          const gradients = [ofStart as Tensor, ...watches.map(({gradient}, index) => gradient ?? this.#zeros(images, at(later, index)))];
          const given = (found ??= all.map((tap) =>
            tapped((tap > start ? at(values, tap - start - 1) : known.get(chosen(tap))) as Tensor4D),
          ));
          const made = tidy(() =>
            use(given.map((each, tap) => (tap < plainTaps ? each.unit : withProduct(each, at(gradients, tap - plainTaps))))),
          );
          forget();
          return made;
        });
        return {logits: value.logits, used};
      } finally {
        forget();
      }
    });
  }

  #zeros({shape: [count]}: Tensor4D, tap: number): Tensor {
    return fill([count, ...at(this.#shapes, tap)], 0);
  }

  /** Frees the folded weights. */
  dispose(): void {
    this.#compiled.dispose();
  }
}

/** What the differentiated part of a student gives: the class logits, and the features of the taps that come after its start. */
interface Forward {
  readonly logits: Tensor2D;
  readonly values: readonly Tensor4D[];
}

/** The features of a tap, and what the decoder gets of them. */
interface Tapped {
  readonly value: Tensor4D;
  readonly unit: Tensor4D;
}

function tapped(value: Tensor4D): Tapped {
  return {value, unit: unitSize(value)};
}

function withProduct({value, unit}: Tapped, gradient: Tensor): Tensor4D {
  return tidy(() => concat([unit, unitSize(mul(value, gradient))], -1) as Tensor4D);
}

/** Divides by the root mean square over each image. */
function unitSize(features: Tensor4D): Tensor4D {
  return tidy(() => div<Tensor4D>(features, add(sqrt(mean(square(features), [1, 2, 3], true)), EPSILON)));
}

function producerOf(plan: GraphPlan, slot: number): Step {
  return plan.steps.find(({outputs}) => outputs.includes(slot)) as Step;
}

function deltaStep(where: string, plan: GraphPlan, slot: number): Step {
  const step = plan.steps.find(({outputs}) => outputs.includes(slot));
  if (step?.className === 'AttentiveDelta') return step;
  throw new UnsupportedModelError(
    `${where}: every Δf of the student must come from an AttentionDelta layer, whose first input is differentiated; but one comes from ${step?.className ?? 'the input'} '${step?.path ?? ''}'.`,
  );
}
