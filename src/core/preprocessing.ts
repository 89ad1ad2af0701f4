/** Named preprocessings of the common model zoos, and the check of a caller's own. */
import {absentMeans, boolean, either, group, list, number, oneOf, required, withDefault} from './fields.js';
import {refusal, type Field, type OptionsSchema} from './options.js';
import type {Preprocessing} from './types.js';

/**
 * `'tf'`: [−1,1]. `'torch'`: ImageNet mean and deviation. `'caffe'`: blue first, minus ImageNet's mean
 * colour. `'unit'`: [0,1]. `'none'`: pixels as they are.
 */
export type PreprocessingName = 'tf' | 'torch' | 'caffe' | 'unit' | 'none';

// Handed out as they are, to every caller: frozen.
const presets: Readonly<Record<PreprocessingName, Preprocessing>> = /* @__PURE__ */ deepFrozen({
  tf: {scale: 1 / 127.5, mean: 1, std: 1},
  torch: {scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]},
  caffe: {scale: 1, mean: [103.939, 116.779, 123.68], std: 1, channelOrder: 'bgr'},
  unit: {scale: 1 / 255, mean: 0, std: 1},
  none: {scale: 1, mean: 0, std: 1},
});

const perChannel = (each: Field<number | undefined>): Field<number | readonly number[]> =>
  required(either<number | readonly number[]>(each, list(each, 1)));
/** The fields of a {@link Preprocessing}. */
export const preprocessingFields: OptionsSchema<Preprocessing>['fields'] = {
  scale: required(number()),
  mean: perChannel(number()),
  std: perChannel(number(Number.MIN_VALUE)),
  channelOrder: withDefault(oneOf('rgb', 'bgr'), 'rgb'),
  fit: withDefault(oneOf('squash', 'crop'), 'squash'),
  antialias: withDefault(boolean(), true),
};
/** `preprocessing`: how pixels become network input. */
export const preprocessingField: Field<PreprocessingName | Preprocessing | undefined> = absentMeans(
  either<PreprocessingName | Preprocessing>(oneOf(...(Object.keys(presets) as PreprocessingName[])), group(preprocessingFields)),
  'none: tensors only',
);

/**
 * Returns the preprocessing for a name, or checks the caller's own.
 *
 * @param where Names the caller in messages.
 * @throws {TypeError} If it is neither a name nor `{scale, mean, std}`, or a value is of the wrong kind.
 * @throws {RangeError} If the name is unknown, a number is not finite, or `std` is not above 0.
 */
export function resolvePreprocessing(where: string, preprocessing: PreprocessingName | Preprocessing): Preprocessing {
  const problem = preprocessingField.problem(preprocessing);
  if (problem !== undefined) throw refusal(where, {...problem, path: `preprocessing${problem.path}`});
  return typeof preprocessing === 'string' ? presets[preprocessing] : preprocessing;
}

/** Which colour of an RGB picture a channel of the network shows. */
export function colourOf({channelOrder = 'rgb'}: Preprocessing, channel: number): number {
  return channelOrder === 'rgb' ? channel : 2 - channel;
}

/**
 * Reads a per-channel value: the single number, or the entry of that channel.
 *
 * @throws {RangeError} If there is none for the channel.
 */
export function channelValue(where: string, values: number | readonly number[], channel: number): number {
  if (typeof values === 'number') return values;
  const value = values[channel];
  if (value === undefined) {
    throw new RangeError(`${where}: preprocessing has ${values.length} values, but the image has a channel ${channel}.`);
  }
  return value;
}

function deepFrozen<T extends object>(value: T): T {
  for (const each of Object.values(value) as unknown[]) if (typeof each === 'object' && each !== null) deepFrozen(each);
  return Object.freeze(value);
}
