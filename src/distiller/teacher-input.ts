/** The teacher in either of the forms that a distiller takes, checked. */
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {isPromise} from '../core/check.js';
import {DisposedError} from '../core/errors/disposed-error.js';
import {custom, required} from '../core/fields.js';
import type {OptionsSchema, Settled} from '../core/options.js';
import {preprocessingField, type PreprocessingName} from '../core/preprocessing.js';
import type {GraphModelLike, Preprocessing, Teacher} from '../core/types.js';
import {checkLayersModel, isDisposed} from '../models/check-layers-model.js';
import {isReadableGraph} from '../models/graph-model/graph-nodes.js';
import {teacherFromGraphModel} from '../models/teacher-from-graph-model.js';
import {teacherFromLayersModel} from '../models/teacher-from-layers-model.js';
import {checkTeacher, labelsField} from '../models/teacher.js';

/** How the teacher is given: a Teacher, or a LayersModel or GraphModel with what a Teacher needs besides. */
export interface TeacherInput {
  /** The classifier to be explained; borrowed and never changed. */
  readonly teacher: LayersModel | GraphModelLike | Teacher;
  /**
   * How decoded pictures become network input, for a LayersModel; a Teacher has its own. Without
   * it only tensors that are network input already are accepted. @default none: tensors only
   */
  readonly preprocessing?: PreprocessingName | Preprocessing | undefined;
  /** Class names, for a LayersModel; a Teacher has its own. @default none */
  readonly labels?: readonly string[] | undefined;
}

/** The options of `AttentiveDistiller.load`. */
export const teacherInputSchema: OptionsSchema<Settled<TeacherInput, 'preprocessing' | 'labels'>> = {
  where: 'AttentiveDistiller.load',
  fields: {
    teacher: required(
      custom<LayersModel | GraphModelLike | Teacher>('a LayersModel, a GraphModel or a Teacher', (value) =>
        looksLikeOne(value) ? undefined : 'kind',
      ),
    ),
    preprocessing: preprocessingField,
    labels: labelsField,
  },
};

/**
 * Makes a Teacher of what was given, or returns the one that it is.
 *
 * @param where Names the caller in messages.
 * @throws {TypeError} If a Teacher is malformed or comes with what only a LayersModel needs, or the model is disposed.
 * @throws {RangeError} If labels or preprocessing do not fit.
 * @throws {UnsupportedModelError} If a LayersModel is no classifier.
 */
export function resolveTeacher(where: string, {teacher, preprocessing, labels}: TeacherInput): Teacher {
  if (!isTeacher(teacher)) {
    if (isReadableGraph(teacher)) return teacherFromGraphModel(teacher, {preprocessing, labels});
    checkLayersModel(`${where}: teacher`, teacher);
    return teacherFromLayersModel(teacher, {preprocessing, labels});
  }
  if (preprocessing !== undefined || labels !== undefined) {
    throw new TypeError(`${where}: preprocessing and labels are for a LayersModel; a Teacher brings its own. Leave them out.`);
  }
  checkTeacher(where, 'teacher', teacher);
  return teacher;
}

/** Refuses a teacher whose model was disposed after the distiller was made. @throws {DisposedError} If it was. */
export function checkTeacherAlive(where: string, {name, model}: Teacher): void {
  if (model === undefined || !isDisposed(model)) return;
  throw new DisposedError(`${where}: the model of teacher '${name}' has been disposed; it has to outlive the distiller.`);
}

function isTeacher(teacher: TeacherInput['teacher']): teacher is Teacher {
  return typeof (teacher as Partial<Teacher>).logits === 'function';
}

function looksLikeOne(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || isPromise(value)) return false;
  const {logits, predict, execute, layers} = value as Record<string, unknown>;
  return [logits, predict, execute].some((each) => typeof each === 'function') || Array.isArray(layers);
}
