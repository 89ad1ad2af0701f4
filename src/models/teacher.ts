/** A Teacher as its author wrote it: whether it has what it needs, and gives what it promises. */
import {Tensor, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {checkShape, show} from '../core/check.js';
import {absentMeans, integer, list, oneOf, required, text, tuple} from '../core/fields.js';
import {groupProblem, refusal, type Field, type OptionsSchema} from '../core/options.js';
import {preprocessingField} from '../core/preprocessing.js';
import type {ClassKind, Teacher} from '../core/types.js';
import {checkLayersModel} from './check-layers-model.js';

/** `labels`: the names of the classes. */
export const labelsField: Field<readonly string[] | undefined> = /* @__PURE__ */ absentMeans(/* @__PURE__ */ list(text()), 'none');

/** `classes`: what the logits mean, where it is said. */
export const classesField: Field<ClassKind | undefined> = /* @__PURE__ */ absentMeans(
  /* @__PURE__ */ oneOf('exclusive', 'independent'),
  "the model's",
);

/** What is read of a Teacher. */
const teacherFields: OptionsSchema<Pick<Teacher, 'name' | 'inputShape' | 'numClasses' | 'labels' | 'classes' | 'preprocessing'>>['fields'] =
  /* @__PURE__ */ (() => ({
    name: required(text()),
    inputShape: required(tuple<Teacher['inputShape']>('[height, width, channels]', integer(1), integer(1), integer(1))),
    numClasses: required(integer(1)),
    labels: labelsField,
    classes: classesField,
    preprocessing: preprocessingField as OptionsSchema<Teacher>['fields']['preprocessing'],
  }))();

/**
 * Checks the members of a Teacher; that `logits` is a function is known.
 *
 * @param where Names the caller in messages.
 * @param name The argument that it is.
 * @throws {TypeError} If a member is missing or of the wrong kind, or the model is disposed.
 * @throws {RangeError} If a member is out of range, or labels are not as many as classes.
 */
export function checkTeacher(where: string, name: string, teacher: Teacher): void {
  const read = Object.fromEntries(Object.keys(teacherFields).map((member) => [member, teacher[member as keyof Teacher]]));
  const problem = groupProblem(teacherFields, read);
  if (problem !== undefined) throw refusal(where, {...problem, path: `${name}${problem.path}`});
  const {labels, numClasses, model} = teacher;
  if (model !== undefined) checkLayersModel(`${where}: ${name}.model`, model);
  if (labels !== undefined && labels.length !== numClasses) {
    throw new RangeError(`${where}: ${name}.labels must have ${numClasses} entries, one per class, but has ${labels.length}.`);
  }
}

/**
 * Asks a Teacher for its logits. Called inside `tidy`.
 *
 * @param where Names the caller in messages.
 * @param images `[N,H,W,C]`, network input, borrowed.
 * @returns `[N, numClasses]`, the caller's; differentiable with respect to the images.
 * @throws {TypeError} If the teacher's `logits` returns no tensor.
 * @throws {RangeError} If that has another shape.
 */
export function teacherLogits(where: string, teacher: Pick<Teacher, 'logits' | 'numClasses'>, images: Tensor4D): Tensor2D {
  const logits: unknown = teacher.logits(images);
  const shape = [images.shape[0], teacher.numClasses];
  if (!(logits instanceof Tensor)) {
    throw new TypeError(`${where}: teacher.logits must return a tensor of shape ${show(shape)}, but returned ${show(logits)}.`);
  }
  checkShape(`${where}: what teacher.logits returns`, logits.shape, shape);
  return logits as Tensor2D;
}
