/** The teacher in either of the forms that a distiller takes. */
import type {LayersModel} from '@tensorflow/tfjs-layers';
import type {PreprocessingName} from '../core/preprocessing.js';
import type {Preprocessing, Teacher} from '../core/types.js';
import {teacherFromLayersModel} from '../models/teacher-from-layers-model.js';

/** How the teacher is given: a Teacher, or a LayersModel with what a Teacher needs besides. */
export interface TeacherInput {
  /** The classifier to be explained; borrowed and never changed. */
  readonly teacher: LayersModel | Teacher;
  /**
   * How decoded pictures become network input, for a LayersModel; a Teacher has its own. Without
   * it only tensors that are network input already are accepted.
   */
  readonly preprocessing?: PreprocessingName | Preprocessing | undefined;
  /** Class names, for a LayersModel. */
  readonly labels?: readonly string[] | undefined;
}

/**
 * Makes a Teacher of what was given, or returns the one that it is.
 *
 * @throws {TypeError} If a Teacher comes with what only a LayersModel needs.
 * @throws {UnsupportedModelError} If a LayersModel is no classifier.
 */
export function resolveTeacher({teacher, preprocessing, labels}: TeacherInput): Teacher {
  if (typeof (teacher as Partial<Teacher> | undefined)?.logits !== 'function') {
    return teacherFromLayersModel(teacher as LayersModel, {preprocessing, labels});
  }
  if (preprocessing !== undefined || labels !== undefined) {
    throw new TypeError('preprocessing and labels are for a LayersModel; a Teacher brings its own. Leave them out.');
  }
  return teacher as Teacher;
}
