/** What a student network is: a classifier that also hands out what its attention changed. */
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {isPromise, MAX_CHANNELS, show} from '../../core/check.js';
import {MAX_SEED} from '../../core/common-options.js';
import {integer, oneOf, required, withDefault} from '../../core/fields.js';
import {readOptions, type Field, type OptionsSchema} from '../../core/options.js';
import type {Teacher} from '../../core/types.js';
import type {DeltaMode} from '../../layers/attention-delta.js';

/**
 * A student S: one tfjs model with four outputs, `[logits, shallow Δf, middle Δf, deep Δf]`: logits
 * `[N,K]` before any softmax, Δf `[N,h,w,C]` at three scales, the finest first.
 */
export interface Student {
  /** The network; its owner disposes of it. */
  readonly model: LayersModel;
  /**
   * Whether batch norm and dropout run in training mode while the student trains. A student that
   * starts from trained weights keeps its teacher's statistics instead.
   */
  readonly trainingMode: boolean;
}

/** What a builder is told besides the teacher. */
export interface StudentBuilderOptions {
  /** Seed of the initial weights, 0–4294967295. */
  readonly seed: number;
}

/** Makes a student for a teacher. Write one to use an architecture of your own. */
export type StudentBuilder = (teacher: Teacher, options: StudentBuilderOptions) => Student | Promise<Student>;

const builderFields: OptionsSchema<StudentBuilderOptions>['fields'] = {seed: required(integer(0, MAX_SEED))};

/**
 * Makes a builder that checks what it is told before it builds.
 *
 * @param where Names the builder in messages.
 */
export function builderOf(where: string, build: (teacher: Teacher, seed: number) => Student): StudentBuilder {
  return (teacher, options) => {
    if (typeof teacher !== 'object' || teacher === null || isPromise(teacher) || typeof teacher.logits !== 'function') {
      throw new TypeError(`${where}: teacher must be a Teacher, as teacherFromLayersModel() makes one, but is ${show(teacher)}.`);
    }
    return build(teacher, readOptions({where, fields: builderFields}, options).seed);
  };
}

/** The most filters of a layer: more would not fit into a machine, and building them would take minutes. */
export const MAX_FILTERS: number = 8192;

/** `ratio`: reduction in the channel gates of a student. */
export const ratioField: Field<number> = /* @__PURE__ */ withDefault(integer(1, MAX_CHANNELS), 16);

/** `delta`: how Δf reaches the decoder. */
export const deltaField: Field<DeltaMode> = /* @__PURE__ */ withDefault<DeltaMode, 'normalized'>(
  oneOf('signed', 'rectified', 'normalized'),
  'normalized',
);
