/**
 * A student that starts as its teacher: the teacher's graph and a copy of its weights, rebuilt with
 * a CBAM at three scales or more. The gates start nearly open, so that the copied features still fit each
 * other; training then only has to learn where to close them. Lee & Kim train a fresh ResNet-50
 * (see residualStudent); this reaches the teacher's accuracy with a thousandth of the images.
 */
import {layers, model, input, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {dispose, tidy} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {absentMeans, integer, list, number, text, withDefault} from '../../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {LayerNotFoundError} from '../../core/errors/layer-not-found-error.js';
import {UnsupportedModelError} from '../../core/errors/unsupported-model-error.js';
import {Random} from '../../core/random.js';
import type {Teacher} from '../../core/types.js';
import {AttentionDelta, type DeltaMode} from '../../layers/attention-delta.js';
import {CBAM} from '../../layers/cbam.js';
import {classifierOf} from '../graph/classifier-head.js';
import {coarsestScales, cutPoints, usualScales, type CutPoint} from '../graph/cut-points.js';
import {planGraph, type GraphPlan, type Step} from '../graph/plan.js';
import {checkLayered} from '../graph/execute-graph.js';
import {builderOf, deltaField, ratioField, type Student, type StudentBuilder} from './student.js';
import {withoutLeftovers} from '../../tfjs/model-variables.js';

const WHERE = 'studentFromTeacher';
const FEWEST_SCALES = 2;

/** Options of {@link studentFromTeacher}. */
export interface StudentFromTeacherOptions {
  /**
   * Paths of the layers whose outputs get a CBAM, finest first, two or more; everything must flow through
   * each. `attentionSites(model)` lists those that qualify.
   * @default the last such layer at each of the `scales` coarsest scales
   */
  readonly taps?: readonly string[] | undefined;
  /** How many scales get a CBAM where `taps` does not say which, 2–16. @default 4, or fewer if there are not as many, but at least 2 */
  readonly scales?: number | undefined;
  /** Value at which both gates of each CBAM start, 0.000001–0.999999. @default 0.999 */
  readonly initialGate?: number | undefined;
  /** Reduction in the channel gates, at least 1. @default 16 */
  readonly ratio?: number | undefined;
  /** How Δf reaches the decoder. @default 'normalized' */
  readonly delta?: DeltaMode | undefined;
}

/** The options of {@link studentFromTeacher}. */
export const studentFromTeacherSchema: OptionsSchema<Settled<StudentFromTeacherOptions, 'taps' | 'scales'>> = {
  where: WHERE,
  fields: {
    taps: absentMeans(list(text(), 2), 'the last such layer at each of the `scales` coarsest scales'),
    scales: absentMeans(integer(2, 16), '4, or fewer if there are not as many, but at least 2'),
    initialGate: withDefault(number(1e-6, 1 - 1e-6), 0.999),
    ratio: ratioField,
    delta: deltaField,
  },
};

/** A layer behind which `studentFromTeacher` can put a CBAM. */
export interface AttentionSite {
  /** The layer's path. */
  readonly path: string;
  /** `[height, width, channels]` of its output. */
  readonly shape: readonly [number, number, number];
}

/**
 * Lists the layers of a model behind which a CBAM can be put: all that flows to the output passes them.
 *
 * @throws {TypeError} If `teacherModel` is no LayersModel.
 */
export function attentionSites(teacherModel: NonNullable<Teacher['model']>): AttentionSite[] {
  checkLayered('attentionSites: teacherModel', teacherModel);
  return cutPoints(planGraph(teacherModel)).map(({step, height, width}) => ({
    path: step.path,
    shape: [height, width, at(step.outputShape, 3) as number],
  }));
}

/**
 * Returns a builder of students that copy the teacher. Works for chains and for graphs with residual
 * and concatenating joins, nested models included. The student keeps the batch statistics it copied.
 *
 * @throws {TypeError} If an option is unknown or of the wrong kind; by the builder, if the teacher or the seed is.
 * @throws {RangeError} If an option is outside its range; by the builder, if a tap is named twice.
 * @throws {UnsupportedModelError} By the builder: if the teacher has no tfjs model, or its graph has
 *   fewer places for attention than `scales`.
 * @throws {LayerNotFoundError} By the builder: if a tap is not one of those places; lists them.
 */
export function studentFromTeacher(options?: StudentFromTeacherOptions): StudentBuilder {
  const settings = readOptions(studentFromTeacherSchema, options);
  return builderOf(WHERE, (teacher, seed) => {
    const {model: original, name} = teacher;
    if (original === undefined) {
      throw new UnsupportedModelError(
        `${WHERE} copies a tfjs LayersModel, but teacher '${name}' has none: use residualStudent() or a builder of your own.`,
      );
    }
    const {squashPath, averages} = classifierOf(original, WHERE);
    if (averages) {
      throw new UnsupportedModelError(
        `${WHERE}: teacher '${name}' averages distributions and so has no logits to copy: use residualStudent().`,
      );
    }
    const plan = planGraph(original);
    const cuts = sitesFor(teacher, plan, settings);
    return withoutLeftovers(() => rebuild({teacher, plan, cuts, squashPath, settings, seed}));
  });
}

/** The places of attention, finest first. */
function sitesFor({name, inputShape}: Teacher, plan: GraphPlan, {taps, scales}: Blueprint['settings']): readonly CutPoint[] {
  const cuts = cutPoints(plan);
  if (taps !== undefined) {
    const twice = taps.find((path, index) => taps.indexOf(path) < index);
    if (twice !== undefined) throw new RangeError(`${WHERE}: taps must differ from each other, but '${twice}' is there twice.`);
    return taps.map((path) => siteAt(cuts, path));
  }
  const chosen = scales === undefined ? usualScales(cuts, inputShape[0]) : coarsestScales(cuts, inputShape[0], scales);
  if (chosen.length >= (scales ?? FEWEST_SCALES)) return chosen;
  const found = cuts.map(({step}) => step.path).join(', ') || 'none';
  throw new UnsupportedModelError(
    `${WHERE} needs ${scales ?? `at least ${FEWEST_SCALES}`} feature maps with a fixed size through which everything flows, but '${name}' has ${cuts.length} (${found}): use residualStudent().`,
  );
}

/** What a student is built from. */
interface Blueprint {
  readonly teacher: Teacher;
  readonly plan: GraphPlan;
  readonly cuts: readonly CutPoint[];
  /** Layer whose closing activation is left out. */
  readonly squashPath: string | undefined;
  readonly settings: Settled<StudentFromTeacherOptions, 'taps' | 'scales'>;
  readonly seed: number;
}

/** Rebuilds the teacher's graph with its weights, and a CBAM behind each of the chosen layers. */
function rebuild({teacher, plan, cuts, squashPath, settings: {ratio, initialGate, delta}, seed}: Blueprint): Student {
  const random = new Random(seed).split('student-from-teacher');
  const copies = new Map<layers.Layer, layers.Layer>();
  const values = new Map<number, SymbolicTensor>();
  const valueOf = (slot: number): SymbolicTensor => values.get(slot) as SymbolicTensor;
  const deltas: SymbolicTensor[] = [];
  const image = input({shape: [...teacher.inputShape], name: 'image'});
  values.set(at(plan.inputs, 0), image);
  for (const step of plan.steps) {
    const read = step.inputs.map(valueOf);
    let made = copyOf(step, step.path === squashPath, copies).apply(read.length === 1 ? at(read, 0) : read);
    if (cuts.some((cut) => cut.step === step)) {
      const features = made as SymbolicTensor;
      const {seed: cbamSeed} = random.split(step.path);
      made = new CBAM({ratio, initialGate, seed: cbamSeed, name: `attention_${deltas.length + 1}`}).apply(features) as SymbolicTensor;
      deltas.push(new AttentionDelta({mode: delta, name: `delta_${deltas.length + 1}`}).apply([made, features]) as SymbolicTensor);
    }
    const outputs = [made].flat();
    step.outputs.forEach((slot, index) => values.set(slot, at(outputs, index) as SymbolicTensor));
  }
  const output = valueOf(at(plan.outputs, 0));
  const logits = output.shape.length === 2 ? output : (layers.flatten({name: 'logits'}).apply(output) as SymbolicTensor);
  const student = model({inputs: image, outputs: [logits, ...deltas], name: 'student_from_teacher'});
  copyWeights(copies);
  return {model: student, trainingMode: false};
}

function siteAt(cuts: readonly CutPoint[], path: string): CutPoint {
  const found = cuts.find(({step}) => step.path === path);
  if (found === undefined) {
    const sites = cuts.map(({step}) => `'${step.path}'`).join(', ');
    throw new LayerNotFoundError(
      `${WHERE}: attention cannot be put behind '${path}'. The layers through which everything flows are ${sites}.`,
    );
  }
  return found;
}

/** Makes a layer like the teacher's, once for all of its uses; without its closing activation if asked. */
function copyOf(step: Step, dropActivation: boolean, copies: Map<layers.Layer, layers.Layer>): layers.Layer {
  const known = copies.get(step.layer);
  if (known !== undefined) return known;
  const config: Record<string, unknown> = {...step.layer.getConfig()};
  delete config['batchInputShape'];
  // The path is unique in the whole graph, a nested layer's name is not.
  config['name'] = step.path;
  const squashesOnly = dropActivation && ['Softmax', 'Activation'].includes(step.className);
  if (dropActivation) config['activation'] = 'linear';
  const constructor = step.layer.constructor as unknown as {fromConfig(constructor: unknown, config: unknown): layers.Layer};
  const copy = squashesOnly ? layers.activation({activation: 'linear', name: step.path}) : constructor.fromConfig(constructor, config);
  copies.set(step.layer, copy);
  return copy;
}

function copyWeights(copies: ReadonlyMap<layers.Layer, layers.Layer>): void {
  for (const [original, copy] of copies) {
    // A clone has memory of its own: setWeights would share the teacher's, which training replaces
    // rather than writes into, but a backend may not.
    const weights = tidy(() => original.getWeights().map((weight) => weight.clone()));
    copy.setWeights(weights);
    dispose(weights);
  }
}
