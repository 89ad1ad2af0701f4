/**
 * A student as a save holds it. One that was made from its teacher is made so again: the save has the recipe and the
 * weights that are no longer those that the recipe gives. Any other student is saved whole.
 */
import {clone, dispose, tidy, type NamedTensorMap, type Tensor, type Variable} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {keepsFloat32} from '../../backend/keeps-float32.js';
import {at} from '../../core/at.js';
import {checksumOf} from '../../core/checksum.js';
import {AttentiveError} from '../../core/errors/attentive-error.js';
import {ModelFileError} from '../../core/errors/model-file-error.js';
import {UnsupportedModelError} from '../../core/errors/unsupported-model-error.js';
import {absentMeans, group, integer, list, oneOf, required, text} from '../../core/fields.js';
import type {OptionsSchema} from '../../core/options.js';
import type {Teacher} from '../../core/types.js';
import {CBAM} from '../../layers/cbam.js';
import {recipeFields, recipeOf, studentByRecipe, type StudentRecipe} from '../../models/students/student-recipe.js';
import type {Student} from '../../models/students/student.js';
import {disposeModel} from '../../tfjs/model-variables.js';
import {ADVICE} from './teacher-probe.js';

/** How a student comes back from its teacher. */
export interface RebuiltStudent {
  readonly builder: 'studentFromTeacher';
  readonly recipe: StudentRecipe;
  /** Which weights are stored, since they are others than the recipe gives: their places in {@link weightsOf}. */
  readonly changed: readonly number[];
  /** One for each weight that the recipe gives; absent where the backend had rounded them. */
  readonly checksums?: readonly string[] | undefined;
}

/** The fields of {@link RebuiltStudent}. */
export const rebuiltFields: OptionsSchema<RebuiltStudent>['fields'] = {
  builder: required(oneOf('studentFromTeacher')),
  recipe: required(group(recipeFields)),
  changed: required(list(integer(0))),
  checksums: absentMeans(list(text()), 'none'),
};

/** What a save holds of a student: how it is rebuilt, or its topology; and weights. */
export interface PackedStudent {
  readonly rebuilt?: RebuiltStudent;
  readonly topology?: object;
  /** By name; the caller's. */
  readonly weights: NamedTensorMap;
}

/**
 * Packs a student as it is at the time of the call; borrows everything.
 *
 * @param valueOf The value of a weight, borrowed.
 */
export async function packStudent({model}: Student, teacher: Teacher, valueOf: (weight: Tensor) => Tensor): Promise<PackedStudent> {
  const recipe = recipeOf(model, teacher);
  const topology = model.toJSON(null, false) as object;
  if (recipe !== undefined) {
    const fresh = studentByRecipe('save', teacher, recipe).model;
    try {
      // A builder of the caller's may have gone on from there, as by freezing layers.
      if (JSON.stringify(topology) === JSON.stringify(fresh.toJSON(null, false))) return await differences(model, fresh, recipe, valueOf);
    } finally {
      disposeModel(fresh);
    }
  }
  const weights = tidy(() => Object.fromEntries(model.weights.map((weight) => [weight.originalName, clone(valueOf(weight.read()))])));
  return {topology, weights};
}

async function differences(
  model: LayersModel,
  fresh: LayersModel,
  recipe: StudentRecipe,
  valueOf: (weight: Tensor) => Tensor,
): Promise<PackedStudent> {
  const now = tidy(() => weightsOf(model).map(({value}) => clone(valueOf(value))));
  const changed: number[] = [];
  const checksums: string[] = [];
  try {
    for (const [index, {value}] of weightsOf(fresh).entries()) {
      const first = await value.data<'float32'>();
      if (!(await holds(at(now, index), value, first))) changed.push(index);
      checksums.push(checksumOf(first));
    }
    const weights = tidy(() => Object.fromEntries(changed.map((index) => [String(index), clone(at(now, index))])));
    return {rebuilt: {builder: 'studentFromTeacher', recipe, changed, checksums: keepsFloat32() ? checksums : undefined}, weights};
  } finally {
    dispose(now);
  }
}

/** Whether a tensor holds, bit for bit, what another one holds. */
async function holds(tensor: Tensor, other: Tensor, values: Float32Array): Promise<boolean> {
  if (tensor.dataId === other.dataId) return true;
  const [own, wanted] = [bytesOf(await tensor.data<'float32'>()), bytesOf(values)];
  return own.every((each, index) => each === wanted[index]);
}

function bytesOf({buffer, byteOffset, byteLength}: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/**
 * Makes the model of a student from its teacher again; the caller's.
 *
 * @param where Names the caller in messages.
 * @param url Names the save in messages.
 * @param savedFor The name of the teacher that it was saved with.
 * @param weights What {@link packStudent} gave; borrowed.
 * @throws {UnsupportedModelError} If the teacher has no LayersModel, or one that is built otherwise.
 * @throws {AttentiveError} If the teacher has other weights.
 * @throws {ModelFileError} If the save is damaged.
 */
export async function rebuildStudent(
  {where, url, teacher, savedFor}: {where: string; url: string; teacher: Teacher; savedFor: string},
  {recipe, changed, checksums}: RebuiltStudent,
  weights: NamedTensorMap,
): Promise<LayersModel> {
  const belongs = `${where}: the saved explainer holds only what differs from its teacher '${savedFor}'`;
  if (teacher.model === undefined) {
    throw new UnsupportedModelError(
      `${belongs} and takes the rest from the teacher's LayersModel, but teacher '${teacher.name}' has none. Pass the LayersModel, or a Teacher with its model.`,
    );
  }
  const {model} = studentByRecipe(where, teacher, recipe);
  try {
    const places = weightsOf(model);
    if (checksums !== undefined && checksums.length !== places.length) {
      throw new UnsupportedModelError(
        `${belongs}, but '${teacher.name}' makes a student of ${places.length} weights instead of ${checksums.length}. ${ADVICE}`,
      );
    }
    const others = checksums !== undefined && keepsFloat32() ? await unlike(places, checksums) : [];
    const [first] = others.filter(({isGate}) => !isGate);
    if (first !== undefined) {
      const [count, all] = [others, places].map((list) => list.filter(({isGate}) => !isGate).length);
      throw new AttentiveError(
        `${belongs}, but the weights of '${teacher.name}' differ from that teacher's in ${count} of ${all} tensors, the first being '${first.name}'. ${ADVICE}`,
      );
    }
    if (others.length > 0) {
      throw new ModelFileError(
        `${url} does not fit its teacher: '${at(others, 0).name}' starts otherwise. It is damaged, or of another release.`,
      );
    }
    for (const index of changed) {
      const [place, stored] = [places[index], weights[String(index)]];
      if (place === undefined || stored === undefined)
        throw new ModelFileError(`${url} is damaged: weight ${index} of its student is missing.`);
      // Not by the layer, which would apply a constraint once more.
      place.value.assign(stored);
    }
    return model;
  } catch (error) {
    disposeModel(model);
    throw error;
  }
}

interface WeightPlace {
  readonly name: string;
  readonly value: Variable;
  /** Whether it belongs to a CBAM, and so is not the teacher's. */
  readonly isGate: boolean;
}

/** The weights in an order that neither names nor frozen layers change. */
function weightsOf({layers}: LayersModel): WeightPlace[] {
  return layers.flatMap((layer) =>
    layer.weights.map((weight) => ({name: weight.originalName, value: weight.read() as Variable, isGate: layer instanceof CBAM})),
  );
}

async function unlike(places: readonly WeightPlace[], checksums: readonly string[]): Promise<WeightPlace[]> {
  const others: WeightPlace[] = [];
  for (const [index, place] of places.entries()) {
    if (checksumOf(await place.value.data<'float32'>()) !== checksums[index]) others.push(place);
  }
  return others;
}
