/**
 * A student that starts as its teacher: the teacher's graph and a copy of its weights, rebuilt with
 * a CBAM at three scales or more. The gates start nearly open, so that the copied features still fit each
 * other; training then only has to learn where to close them. Lee & Kim train a fresh ResNet-50
 * (see residualStudent); this reaches the teacher's accuracy with a thousandth of the images.
 */
import {absentMeans, integer, list, text, withDefault} from '../../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import {LayerNotFoundError} from '../../core/errors/layer-not-found-error.js';
import {UnsupportedModelError} from '../../core/errors/unsupported-model-error.js';
import {Random} from '../../core/random.js';
import type {Teacher} from '../../core/types.js';
import type {DeltaMode} from '../../layers/attention-delta.js';
import {coarsestScales, cutPoints, usualScales, type CutPoint} from '../graph/cut-points.js';
import {planGraph, type GraphPlan} from '../graph/plan.js';
import {checkLayered} from '../graph/execute-graph.js';
import {gateField, modelToCopy, studentByRecipe} from './student-recipe.js';
import {builderOf, deltaField, ratioField, type Student, type StudentBuilder} from './student.js';

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
  /** Value at which both gates of each CBAM start, 0.000001–0.999999. @default 0.9999 */
  readonly initialGate?: number | undefined;
  /** Reduction in the channel gates, at least 1. @default 16 */
  readonly ratio?: number | undefined;
  /** How Δf reaches the decoder. @default 'normalized' */
  readonly delta?: DeltaMode | undefined;
}

/** The options of {@link studentFromTeacher} with their defaults. */
export type StudentSettings = Settled<StudentFromTeacherOptions, 'taps' | 'scales'>;

/** The options of {@link studentFromTeacher}. */
export const studentFromTeacherSchema: OptionsSchema<StudentSettings> = {
  where: WHERE,
  fields: {
    taps: absentMeans(list(text(), 2), 'the last such layer at each of the `scales` coarsest scales'),
    scales: absentMeans(integer(2, 16), '4, or fewer if there are not as many, but at least 2'),
    initialGate: withDefault(gateField, 0.9999),
    ratio: ratioField,
    delta: deltaField,
  },
};

/** A layer behind which `studentFromTeacher` can put a CBAM. */
export interface AttentionSite {
  /** The layer's path. */
  readonly path: string;
  /** `[height, width, channels]` of its output; of a transformer's tokens, as they lie in the image. */
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
    shape: [height, width, step.outputShape.at(-1) as number],
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
  return builderOf(WHERE, (teacher, seed) => attentiveCopy(WHERE, teacher, settings, seed));
}

/**
 * A student that copies the model of a teacher.
 *
 * @param where Names the caller in messages.
 */
export function attentiveCopy(where: string, teacher: Teacher, settings: StudentSettings, seed: number): Student {
  const plan = planGraph(modelToCopy(where, teacher));
  const random = new Random(seed).split('student-from-teacher');
  // By place, not by name: a GraphModel names its nodes otherwise than the LayersModel that it came from.
  const places = sitesFor(where, teacher, plan, settings).map(({step}, place) => ({
    step: plan.steps.indexOf(step),
    seed: random.split(place).seed,
  }));
  const {initialGate, ratio, delta} = settings;
  return studentByRecipe(where, teacher, {places, initialGate, ratio, delta});
}

/** The places of attention, finest first. */
function sitesFor(where: string, {name, inputShape}: Teacher, plan: GraphPlan, {taps, scales}: StudentSettings): readonly CutPoint[] {
  const cuts = cutPoints(plan);
  if (taps !== undefined) {
    const twice = taps.find((path, index) => taps.indexOf(path) < index);
    if (twice !== undefined) throw new RangeError(`${where}: taps must differ from each other, but '${twice}' is there twice.`);
    return taps.map((path) => siteAt(where, cuts, path));
  }
  const chosen = scales === undefined ? usualScales(cuts, inputShape[0]) : coarsestScales(cuts, inputShape[0], scales);
  if (chosen.length >= (scales ?? FEWEST_SCALES)) return chosen;
  const found = cuts.map(({step}) => step.path).join(', ') || 'none';
  throw new UnsupportedModelError(
    `${where} needs ${scales ?? `at least ${FEWEST_SCALES}`} feature maps with a fixed size through which everything flows, but '${name}' has ${cuts.length} (${found}): use residualStudent().`,
  );
}

function siteAt(where: string, cuts: readonly CutPoint[], path: string): CutPoint {
  const found = cuts.find(({step}) => step.path === path);
  if (found === undefined) {
    const sites = cuts.map(({step}) => `'${step.path}'`).join(', ');
    throw new LayerNotFoundError(
      `${where}: attention cannot be put behind '${path}'. The layers through which everything flows are ${sites}.`,
    );
  }
  return found;
}
