/**
 * Networks that training reads and does not change: the teacher, and the student while the
 * explanation network is trained. Compiled once, they run as fast as at inference, and the gradient
 * through the teacher computes nothing for its weights.
 */
import {tidy, type Tensor, type Tensor4D} from '@tensorflow/tfjs-core';
import type {Teacher} from '../../core/types.js';
import {classifierOf} from '../graph/classifier-head.js';
import {CompiledModel} from './compiled-model.js';
import type {Student} from '../students/student.js';
import {layersModelOf} from '../teacher-from-layers-model.js';

/** A compiled network; its weights must not change while it is in use. */
export interface Frozen<T> {
  readonly network: T;
  dispose(): void;
}

/** Compiles a teacher. One that is no tfjs model of layers stays as it is. */
export function freezeTeacher(teacher: Teacher): Frozen<Teacher> {
  const model = layersModelOf(teacher);
  const classifier = model && classifierOf(model, 'freezeTeacher');
  const path = classifier?.bodyPath;
  if (model === undefined || classifier === undefined || path === undefined) return {network: teacher, dispose: () => undefined};
  const body = new CompiledModel(model, [path]);
  const logits = (images: Tensor4D): ReturnType<Teacher['logits']> =>
    tidy(() => classifier.logits(images, {[path]: body.run([images])[0] as Tensor}));
  return {network: {...teacher, logits}, dispose: () => body.dispose()};
}

/** Compiles a student; its Δf, finest first, are the caller's. */
export function freezeStudent({model}: Student): Frozen<(images: Tensor4D) => Tensor[]> {
  const compiled = new CompiledModel(model);
  const taps = model.outputs.slice(1).map((_, index) => index + 1);
  return {network: (images) => compiled.run([images], taps), dispose: () => compiled.dispose()};
}
