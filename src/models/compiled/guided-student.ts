/**
 * What a class rests on inside a student: the features behind each attention module, and their product with the
 * gradient of the class. Where both are large, the evidence is; a decoder that gets them draws a map of the class that
 * was asked for. One pass forward, and one backward through what comes behind the finest tap that is differentiated.
 */
import {
  add,
  concat,
  dispose,
  div,
  fill,
  keep,
  mean,
  mul,
  sqrt,
  square,
  sum,
  tidy,
  valueAndGrads,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {UnsupportedModelError} from '../../core/errors/unsupported-model-error.js';
import {classLogits} from '../../losses/class-logits.js';
import {disposeAbandonedTape} from '../../tfjs/abandoned-tape.js';
import {planGraph, type GraphPlan, type Step} from '../graph/plan.js';
import type {Student} from '../students/student.js';
import {CompiledModel} from './compiled-model.js';

/** The number of each image whose evidence is looked for, `[N]`, from logits `[N,K]`, K ≥ 2. */
export type Evidence = (logits: Tensor2D) => Tensor1D;

/** What a guided pass gives; the caller's. */
export interface GuidedTaps {
  /** The student's, `[N,K]`, K ≥ 2. */
  readonly logits: Tensor2D;
  /** What the decoder gets, finest first: `[N,h,w,C]` for a tap that is not differentiated, otherwise `[N,h,w,2C]`. */
  readonly taps: Tensor4D[];
}

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
   * Runs images `[N,H,W,C]`, borrowed.
   *
   * @param evidence Differentiable; its gradient says which features speak for it.
   */
  run(images: Tensor4D, evidence: Evidence): GuidedTaps {
    const count = this.#shapes.length;
    const {features, plainTaps} = this.#options;
    const attended = (tap: number): number => 1 + tap;
    const chosen = (tap: number): number => (features === 'attended' ? attended(tap) : 1 + count + tap);
    const all = Array.from({length: count}, (_, tap) => tap);
    return tidy(() => {
      // Up to the finest tap that is differentiated, nothing has to be remembered.
      const front = all.slice(0, Math.min(plainTaps + 1, count));
      const outputs = [...new Set([...front.map(attended), ...front.map(chosen)])];
      const found = new Map(this.#compiled.run([images], outputs).map((tensor, index) => [at(outputs, index), tensor]));
      const guided = all.slice(plainTaps);
      const {logits, values, gradients} = this.#differentiate(images, evidence, {found, guided, chosen, attended});
      const taps = all.map((tap) => {
        const value = (values.get(tap) ?? found.get(chosen(tap))) as Tensor4D;
        const gradient = gradients.get(tap);
        return gradient === undefined ? unitSize(value) : (concat([unitSize(value), unitSize(mul(value, gradient))], -1) as Tensor4D);
      });
      return {logits, taps};
    });
  }

  #differentiate(
    images: Tensor4D,
    evidence: Evidence,
    {found, guided, chosen, attended}: Pass,
  ): {logits: Tensor2D; values: Map<number, Tensor>; gradients: Map<number, Tensor>} {
    const [start = 0, ...later] = guided;
    const held: Tensor[] = [];
    const count = images.shape[0];
    // A feature map's gradient is that of zeros which are added to it.
    const zeros = later.map((tap) => fill([count, ...at(this.#shapes, tap)], 0));
    const outputs = [0, ...later.map(chosen)];
    const score = (...given: Tensor[]): Scalar => {
      const [first, ...shifts] = given as [Tensor, ...Tensor[]];
      const known = new Map([...found, [attended(start), first]]);
      const added = new Map(later.map((tap, index) => [attended(tap), at(shifts, index)]));
      const made = this.#compiled.run([images], outputs, {known, added});
      // The gradient's tidy would free them.
      for (const tensor of made) held.push(keep(tensor));
      return sum(evidence(classLogits(made[0] as Tensor2D)));
    };
    try {
      const {value, grads} = valueAndGrads(score)([found.get(attended(start)) as Tensor, ...zeros]);
      value.dispose();
      const [logits, ...values] = held.map((tensor) => tensor.clone()) as [Tensor2D, ...Tensor[]];
      return {
        logits: classLogits(logits),
        values: new Map(later.map((tap, index) => [tap, at(values, index)])),
        gradients: new Map(guided.map((tap, index) => [tap, at(grads, index)])),
      };
    } catch (error) {
      disposeAbandonedTape();
      throw error;
    } finally {
      dispose(held);
    }
  }

  /** Frees the folded weights. */
  dispose(): void {
    this.#compiled.dispose();
  }
}

/** What the backward part of a pass starts from. */
interface Pass {
  /** Outputs that are known, by their position. */
  readonly found: ReadonlyMap<number, Tensor>;
  /** The taps that are differentiated, finest first. */
  readonly guided: readonly number[];
  /** Position of the features that the decoder gets. */
  readonly chosen: (tap: number) => number;
  /** Position of what is behind the attention module. */
  readonly attended: (tap: number) => number;
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
