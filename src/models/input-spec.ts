/** What the input of a LayersModel looks like, and how pictures become such. */
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {at} from '../core/at.js';
import {checkShape, checkSize} from '../core/check.js';
import {UnsupportedModelError} from '../core/errors/unsupported-model-error.js';
import {absentMeans, integer, tuple} from '../core/fields.js';
import type {Field} from '../core/options.js';
import {resolvePreprocessing, type PreprocessingName} from '../core/preprocessing.js';
import type {Preprocessing} from '../core/types.js';

/** `inputShape`: where a model leaves it open. */
export const inputShapeField: Field<readonly [number, number, number] | undefined> = /* @__PURE__ */ absentMeans(
  tuple<readonly [number, number, number]>('[height, width, channels]', integer(1), integer(1), integer(1)),
  "the model's",
);

/** What its caller says of the input of a model. */
export interface GivenInput {
  readonly inputShape?: readonly [number, number, number] | undefined;
  readonly preprocessing?: PreprocessingName | Preprocessing | undefined;
  /** Height and width that take the place of the model's. */
  readonly size?: readonly [number, number] | undefined;
}

/** What a model takes. */
export interface InputSpec {
  readonly inputShape: readonly [number, number, number];
  readonly preprocessing: Preprocessing | undefined;
}

/**
 * Settles what a model of one image input takes.
 *
 * @param where Names the caller in messages.
 * @throws {UnsupportedModelError} If the model leaves its input open, and so does the caller.
 * @throws {RangeError} If what the caller says does not fit the model.
 */
export function inputSpec(where: string, model: LayersModel, given: GivenInput): InputSpec {
  const inputShape = given.size === undefined ? resolveInputShape(where, model, given.inputShape) : ofSize(where, model, given.size);
  const preprocessing = given.preprocessing === undefined ? undefined : resolvePreprocessing(where, given.preprocessing);
  for (const key of ['mean', 'std'] as const) {
    const values = preprocessing?.[key] ?? 0;
    if (typeof values !== 'number' && values.length !== inputShape[2]) {
      throw new RangeError(`${where}: preprocessing.${key} must have ${inputShape[2]} values, one per channel, but has ${values.length}.`);
    }
  }
  return {inputShape, preprocessing};
}

function ofSize(where: string, model: LayersModel, size: readonly [number, number]): InputSpec['inputShape'] {
  const channels = at(model.inputs, 0).shape.at(-1);
  if (typeof channels === 'number') return [...size, channels];
  throw new UnsupportedModelError(`${where}: model '${model.name}' leaves the number of its channels open.`);
}

function resolveInputShape(where: string, model: LayersModel, given: InputSpec['inputShape'] | undefined): InputSpec['inputShape'] {
  const known = at(model.inputs, 0).shape.slice(1);
  if (given === undefined && known.includes(null)) {
    const shown = known.map((size) => size ?? '?').join(', ');
    throw new UnsupportedModelError(
      `${where}: model '${model.name}' leaves its input open ([${shown}]). Needed is the option inputShape: [height, width, channels].`,
    );
  }
  const shape = given ?? (known as [number, number, number]);
  checkSize(`${where}: inputShape`, shape[0], shape[1]);
  checkShape(`${where}: inputShape`, shape, known);
  return shape;
}
