/**
 * A student that starts as its teacher: the teacher's graph and a copy of its weights, rebuilt with
 * a CBAM at three scales. The gates start nearly open, so that the copied features still fit each
 * other; training then only has to learn where to close them. Lee & Kim train a fresh ResNet-50
 * (see residualStudent); this reaches the teacher's accuracy with a thousandth of the images.
 */
import {layers, model, input, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {dispose, tidy} from '@tensorflow/tfjs-core';
import {checkNumber} from '../core/check.js';
import {LayerNotFoundError} from '../core/errors/layer-not-found-error.js';
import {UnsupportedModelError} from '../core/errors/unsupported-model-error.js';
import {Random} from '../core/random.js';
import {withoutLeftovers} from '../core/tensors.js';
import type {Teacher} from '../core/types.js';
import {AttentionDelta, type DeltaMode} from '../layers/attention-delta.js';
import {CBAM} from '../layers/cbam.js';
import {classifierOf} from './graph/classifier-head.js';
import {cutPoints, threeScales, type CutPoint} from './graph/cut-points.js';
import {planGraph, type Step} from './graph/plan.js';
import type {Student, StudentBuilder} from './student.js';

/** Options of {@link studentFromTeacher}. */
export interface StudentFromTeacherOptions {
  /**
   * Paths of the three layers whose outputs get a CBAM, finest first; everything must flow through
   * each. `attentionSites(model)` lists those that qualify.
   * @default the last such layer at each of the three coarsest scales
   */
  readonly taps?: readonly [string, string, string] | undefined;
  /** Value in (0,1) at which both gates of each CBAM start. @default 0.99 */
  readonly initialGate?: number | undefined;
  /** Reduction in the channel gates. @default 16 */
  readonly ratio?: number | undefined;
  /** How Δf reaches the decoder. @default 'normalised' */
  readonly delta?: DeltaMode | undefined;
}

/** A layer behind which `studentFromTeacher` can put a CBAM. */
export interface AttentionSite {
  /** The layer's path. */
  readonly path: string;
  /** `[height, width, channels]` of its output. */
  readonly shape: readonly [number, number, number];
}

/** Lists the layers of a model behind which a CBAM can be put: all that flows to the output passes them. */
export function attentionSites(teacherModel: NonNullable<Teacher['model']>): AttentionSite[] {
  return cutPoints(planGraph(teacherModel)).map(({step, height, width}) => ({
    path: step.path,
    shape: [height, width, step.outputShape[3] as number],
  }));
}

/**
 * Returns a builder of students that copy the teacher. Works for chains and for graphs with residual
 * and concatenating joins, nested models included. The student keeps the batch statistics it copied.
 *
 * @throws {RangeError} If `initialGate` is not in (0,1).
 * @throws {UnsupportedModelError} By the builder: if the teacher has no tfjs model, or its graph has
 *   fewer than three places for attention.
 * @throws {LayerNotFoundError} By the builder: if a tap is not one of those places; lists them.
 */
export function studentFromTeacher(options: StudentFromTeacherOptions = {}): StudentBuilder {
  const {taps, initialGate = 0.99, ratio = 16, delta = 'normalised'} = options;
  checkNumber('studentFromTeacher: initialGate', initialGate, 1e-6, 1 - 1e-6);
  return (teacher, {seed}) => {
    if (teacher.model === undefined) {
      throw new UnsupportedModelError(
        `studentFromTeacher copies a tfjs LayersModel, but teacher '${teacher.name}' has none: use residualStudent() or a builder of your own.`,
      );
    }
    const {squashPath, averages} = classifierOf(teacher.model, 'studentFromTeacher');
    if (averages) {
      throw new UnsupportedModelError(
        `studentFromTeacher: teacher '${teacher.name}' averages distributions and so has no logits to copy: use residualStudent().`,
      );
    }
    const plan = planGraph(teacher.model);
    const cuts = cutPoints(plan);
    const chosen = taps === undefined ? threeScales(cuts, teacher.inputShape[0]) : taps.map((path) => siteAt(cuts, path));
    if (chosen.length < 3) {
      const found = cuts.map(({step}) => step.path).join(', ') || 'none';
      throw new UnsupportedModelError(
        `studentFromTeacher needs three feature maps with a fixed size through which everything flows, but '${teacher.name}' has ${cuts.length} (${found}): use residualStudent().`,
      );
    }

    return withoutLeftovers(() => {
      const random = new Random(seed).split('student-from-teacher');
      const copies = new Map<layers.Layer, layers.Layer>();
      const values = new Map<number, SymbolicTensor>();
      const deltas: SymbolicTensor[] = [];
      const image = input({shape: [...teacher.inputShape], name: 'image'});
      values.set(plan.inputs[0] as number, image);
      for (const step of plan.steps) {
        const read = step.inputs.map((slot) => values.get(slot) as SymbolicTensor);
        let made = copyOf(step, step.path === squashPath, copies).apply(read.length === 1 ? (read[0] as SymbolicTensor) : read);
        if (chosen.some((cut) => cut.step === step)) {
          const features = made as SymbolicTensor;
          const {seed: cbamSeed} = random.split(step.path);
          made = new CBAM({ratio, initialGate, seed: cbamSeed, name: `attention_${deltas.length + 1}`}).apply(features) as SymbolicTensor;
          deltas.push(new AttentionDelta({mode: delta, name: `delta_${deltas.length + 1}`}).apply([made, features]) as SymbolicTensor);
        }
        step.outputs.forEach((slot, index) => values.set(slot, [made].flat()[index] as SymbolicTensor));
      }
      const output = values.get(plan.outputs[0] as number) as SymbolicTensor;
      const logits = output.shape.length === 2 ? output : (layers.flatten({name: 'logits'}).apply(output) as SymbolicTensor);
      const student: Student = {
        model: model({inputs: image, outputs: [logits, ...deltas], name: 'student_from_teacher'}),
        trainingMode: false,
      };
      copyWeights(copies);
      return student;
    });
  };
}

function siteAt(cuts: readonly CutPoint[], path: string): CutPoint {
  const found = cuts.find(({step}) => step.path === path);
  if (found === undefined) {
    const sites = cuts.map(({step}) => `'${step.path}'`).join(', ');
    throw new LayerNotFoundError(
      `studentFromTeacher: attention cannot be put behind '${path}'. The layers through which everything flows are ${sites}.`,
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
