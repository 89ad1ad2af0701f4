/**
 * How a student is made from its teacher: the teacher's graph and a copy of its weights, with a CBAM behind some of the
 * layers. A recipe names places and seeds rather than options, so that it gives the same student again also where
 * the layers are called otherwise, or the choice of places has changed.
 */
import {input, layers, model, type LayersModel, type SymbolicTensor} from '@tensorflow/tfjs-layers';
import {at} from '../../core/at.js';
import {MAX_SEED} from '../../core/common-options.js';
import {UnsupportedModelError} from '../../core/errors/unsupported-model-error.js';
import {group, integer, list, number, required} from '../../core/fields.js';
import type {Field, OptionsSchema} from '../../core/options.js';
import type {Teacher} from '../../core/types.js';
import {AttentionDelta, type DeltaMode} from '../../layers/attention-delta.js';
import {CBAM} from '../../layers/cbam.js';
import {GridToTokens, TokensToGrid} from '../../layers/token-grid.js';
import {withoutLeftovers} from '../../tfjs/model-variables.js';
import {LayerCopies} from '../copy-layers.js';
import {classifierOf} from '../graph/classifier-head.js';
import {cutPoints} from '../graph/cut-points.js';
import {planGraph, type Step} from '../graph/plan.js';
import type {TokenGrid} from '../graph/token-grid.js';
import {deltaField, ratioField, type Student} from './student.js';

/** A CBAM of a student. */
export interface AttentionPlace {
  /** Which layer of the teacher it stands behind: its place in the order in which they run. */
  readonly step: number;
  /** Seed of its first weights. */
  readonly seed: number;
}

/** What makes the same student of the same teacher. */
export interface StudentRecipe {
  /** The first is the finest. */
  readonly places: readonly AttentionPlace[];
  readonly initialGate: number;
  readonly ratio: number;
  readonly delta: DeltaMode;
}

/** `initialGate`: where both gates of a CBAM start. */
export const gateField: Field<number | undefined> = /* @__PURE__ */ number(1e-6, 1 - 1e-6);

/** The fields of a recipe, all of them required. */
export const recipeFields: OptionsSchema<StudentRecipe>['fields'] = /* @__PURE__ */ (() => ({
  places: required(list(group<AttentionPlace>({step: required(integer(0)), seed: required(integer(0, MAX_SEED))}), 2)),
  initialGate: required(gateField),
  ratio: required(ratioField),
  delta: required(deltaField),
}))();

const recipes = new WeakMap<LayersModel, {readonly recipe: StudentRecipe; readonly original: Teacher['model']}>();

/** Returns the recipe by which a student's model was made from the model of this teacher, where it was. */
export function recipeOf(student: LayersModel, {model: original}: Teacher): StudentRecipe | undefined {
  const made = recipes.get(student);
  return made?.original === original ? made?.recipe : undefined;
}

/**
 * Makes a student with copies of the teacher's weights and fresh gates; its model is the caller's.
 *
 * @param where Names the caller in messages.
 * @throws {UnsupportedModelError} If the teacher has no tfjs model, or no such places.
 */
export function studentByRecipe(where: string, teacher: Teacher, recipe: StudentRecipe): Student {
  const original = modelToCopy(where, teacher);
  const {squashPath} = classifierOf(original, where);
  const plan = planGraph(original);
  const cuts = new Map(cutPoints(plan).map((cut) => [cut.step, cut]));
  const places = new Map<Step | undefined, AttentionPlace>(recipe.places.map((place) => [plan.steps[place.step], place]));
  const isKnown = [...places.keys()].every((step) => step !== undefined && cuts.has(step));
  if (!isKnown || places.size < recipe.places.length) {
    throw new UnsupportedModelError(
      `${where}: teacher '${teacher.name}' is built otherwise: attention cannot be put where the student has it.`,
    );
  }
  const {ratio, initialGate, delta} = recipe;
  return withoutLeftovers(() => {
    const copies = new LayerCopies();
    const values = new Map<number, SymbolicTensor>();
    const valueOf = (slot: number): SymbolicTensor => values.get(slot) as SymbolicTensor;
    const deltas: SymbolicTensor[] = [];
    const image = input({shape: [...teacher.inputShape], name: 'image'});
    values.set(at(plan.inputs, 0), image);
    for (const step of plan.steps) {
      const read = step.inputs.map(valueOf);
      let made = copies.of(step, step.path === squashPath).apply(read.length === 1 ? at(read, 0) : read);
      const place = places.get(step);
      if (place !== undefined) {
        const number = deltas.length + 1;
        const {seed} = place;
        const tokens = cuts.get(step)?.tokens;
        const given = made as SymbolicTensor;
        const features = tokens === undefined ? given : onGrid(given, tokens, number);
        const attended = new CBAM({ratio, initialGate, seed, name: `attention_${number}`}).apply(features) as SymbolicTensor;
        deltas.push(new AttentionDelta({mode: delta, name: `delta_${number}`}).apply([attended, features]) as SymbolicTensor);
        made = tokens === undefined ? attended : new GridToTokens({name: `tokens_${number}`}).apply([attended, given]);
      }
      const outputs = [made].flat();
      step.outputs.forEach((slot, index) => values.set(slot, at(outputs, index) as SymbolicTensor));
    }
    const output = valueOf(at(plan.outputs, 0));
    const logits = output.shape.length === 2 ? output : (layers.flatten({name: 'logits'}).apply(output) as SymbolicTensor);
    const student = model({inputs: image, outputs: [logits, ...deltas], name: 'student_from_teacher'});
    copies.copyWeights();
    recipes.set(student, {recipe, original});
    return {model: student, trainingMode: false};
  });
}

/** Tokens as the feature map that a CBAM acts on. */
function onGrid(tokens: SymbolicTensor, {height, width, classToken}: TokenGrid, number: number): SymbolicTensor {
  return new TokensToGrid({size: [height, width], classToken, name: `grid_${number}`}).apply(tokens) as SymbolicTensor;
}

/**
 * Returns the model of a teacher that a student can copy.
 *
 * @throws {UnsupportedModelError} If it has none, or one without logits.
 */
export function modelToCopy(where: string, {model: original, name}: Teacher): LayersModel {
  if (original === undefined) {
    throw new UnsupportedModelError(
      `${where} copies a tfjs LayersModel, but teacher '${name}' has none: use residualStudent() or a builder of your own.`,
    );
  }
  if (classifierOf(original, where).ofProbabilities) {
    throw new UnsupportedModelError(
      `${where}: teacher '${name}' ends in probabilities that were merged or scaled, and so has no logits to copy: use residualStudent().`,
    );
  }
  return original;
}
