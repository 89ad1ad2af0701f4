/** The networks of a distiller, and how they are asked. */
import {tidy, type Tensor, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import type {ClassKind, Teacher} from '../core/types.js';
import {classLogits} from '../losses/class-logits.js';
import {askBlackBox, isBlackBox} from '../models/black-box.js';
import {teacherLogits} from '../models/teacher.js';
import {finiteLogits} from '../losses/finite-logits.js';
import type {Student} from '../models/students/student.js';
import type {Method} from './method.js';

/** The networks of a distiller. */
export interface Networks {
  readonly teacher: Teacher;
  readonly student: Student;
  readonly decoder: LayersModel;
  /** What the decoder gets, and what its output is. */
  readonly method: Method;
}

/**
 * As {@link askTeacher}, of a black box too, which answers later.
 *
 * @returns `[N, numClasses]`, the caller's; not differentiable.
 * @throws What the teacher throws.
 */
export async function awaitTeacher(where: string, teacher: Teacher, images: Tensor4D): Promise<Tensor2D> {
  return isBlackBox(teacher) ? askBlackBox(where, teacher, images) : askTeacher(where, teacher, images);
}

/** What the logits of a teacher, and of its student, mean. */
export function kindOf({classes = 'exclusive'}: Teacher): ClassKind {
  return classes;
}

/** What a student says of a batch; the caller's. */
export interface StudentAnswers {
  /** `[N,K]`, K ≥ 2. */
  readonly logits: Tensor2D;
  /** The Δf `[N,h,w,C]`, finest first. */
  readonly deltas: Tensor[];
}

/** Runs the student on network input `[N,H,W,C]`. */
export function runStudent(student: Student, images: Tensor4D, training: boolean): StudentAnswers {
  return tidy(() => {
    const [logits, ...deltas] = student.model.apply(images, {training: training && student.trainingMode}) as [Tensor2D, ...Tensor[]];
    return {logits: classLogits(logits), deltas};
  });
}

/**
 * Asks the teacher for its logits as they are, but for −∞, which a teacher of log-probabilities may give: that
 * becomes the smallest probability that float32 has, so that every loss stays finite.
 *
 * @param where Names the caller in messages.
 * @param images `[N,H,W,C]`, network input, borrowed.
 * @returns `[N, numClasses]`, the caller's; differentiable with respect to the images.
 * @throws {TypeError} If the teacher's `logits` returns no tensor.
 * @throws {RangeError} If that has another shape.
 */
export function askTeacher(where: string, teacher: Teacher, images: Tensor4D): Tensor2D {
  return tidy(() => finiteLogits(teacherLogits(where, teacher, images)));
}
