/**
 * Tells teachers apart: by their weights where those can be read, and by what they answer, the logits of two fixed
 * random images, which works for any Teacher and on any backend.
 */
import {tensor4d} from '@tensorflow/tfjs-core';
import {keepsFloat32} from '../../backend/keeps-float32.js';
import {at} from '../../core/at.js';
import {checksumOf} from '../../core/checksum.js';
import {AttentiveError} from '../../core/errors/attentive-error.js';
import {absentMeans, group, integer, list, number, required, text} from '../../core/fields.js';
import type {OptionsSchema} from '../../core/options.js';
import {channelValue, preprocessingFields} from '../../core/preprocessing.js';
import {Random} from '../../core/random.js';
import type {Preprocessing, Teacher} from '../../core/types.js';
import {awaitTeacher} from '../networks.js';

/** What identifies a teacher in a saved explainer. */
export interface TeacherProbe {
  readonly name: string;
  readonly inputShape: readonly number[];
  readonly numClasses: number;
  /** The first logits of each probe image. */
  readonly logits: readonly number[];
  /** How pixels become its input; absent where it takes tensors alone, and in saves of older releases. */
  readonly preprocessing?: Preprocessing | undefined;
  /** A checksum of all its weights; absent where they cannot be read as they are, and in saves of older releases. */
  readonly weights?: string | undefined;
}

/** The fields of {@link TeacherProbe}. */
export const probeFields: OptionsSchema<TeacherProbe>['fields'] = {
  name: required(text()),
  inputShape: required(list(integer(1))),
  numClasses: required(integer(1)),
  logits: required(list(number(), 1)),
  preprocessing: absentMeans(group<Preprocessing>(preprocessingFields), 'tensors only'),
  weights: absentMeans(text(), 'not known'),
};

const PROBE_IMAGES = 2;
// Noise in [−1,1], where most networks expect their input.
const WITHOUT_PREPROCESSING = {scale: 1 / 127.5, mean: 1, std: 1};
const MAX_LOGITS = 32;
// Backends differ by rounding, lower-precision GPUs by up to about 1 %; other weights by far more.
const TOLERANCE = 0.02;

/** What to do about another teacher. */
export const ADVICE = 'Pass the teacher that it was distilled from, or distil this one.';

/**
 * Asks the teacher.
 *
 * @param where Names the caller in messages.
 * @param preprocessing Of the probe images.
 */
export async function probeTeacher(
  where: string,
  teacher: Teacher,
  preprocessing: Preprocessing | undefined = teacher.preprocessing,
): Promise<TeacherProbe> {
  const {name, inputShape, numClasses} = teacher;
  const [height, width, channels] = inputShape;
  const random = new Random(0).split('teacher-probe');
  const {scale, mean, std} = preprocessing ?? WITHOUT_PREPROCESSING;
  const values = Float32Array.from({length: PROBE_IMAGES * height * width * channels}, (_, index) => {
    const channel = index % channels;
    return (random.uniform(0, 255) * scale - channelValue(where, mean, channel)) / channelValue(where, std, channel);
  });
  const images = tensor4d(values, [PROBE_IMAGES, height, width, channels]);
  const logits = await awaitTeacher(where, teacher, images).finally(() => images.dispose());
  const all = await logits.data().finally(() => logits.dispose());
  const perImage = Math.min(numClasses, MAX_LOGITS);
  const kept = Array.from({length: PROBE_IMAGES}, (_, image) => [...all.slice(image * numClasses, image * numClasses + perImage)]).flat();
  const own = teacher.preprocessing;
  return {
    name,
    inputShape: [...inputShape],
    numClasses,
    logits: kept,
    preprocessing: own && plainly(own),
    weights: await weightsOf(teacher),
  };
}

/** As it is written in a save: by value, with what has a default left to it. */
function plainly(preprocessing: Preprocessing): Preprocessing {
  return JSON.parse(JSON.stringify(preprocessing)) as Preprocessing;
}

async function weightsOf({model}: Teacher): Promise<string | undefined> {
  if (model === undefined || !keepsFloat32()) return undefined;
  const sums: string[] = [];
  for (const weight of model.weights) sums.push(checksumOf((await weight.read().data()) as Float32Array | Int32Array | Uint8Array));
  return checksumOf(new TextEncoder().encode(sums.join('')));
}

/**
 * Compares a teacher with the one that an explainer was distilled from.
 *
 * @throws {AttentiveError} If it has another input, other classes, other weights, another preprocessing, or answers
 *   differently.
 */
export async function checkSameTeacher(where: string, teacher: Teacher, saved: TeacherProbe): Promise<void> {
  // What was asked then is asked now, whatever this teacher does with pixels.
  const probe = await probeTeacher(where, teacher, saved.preprocessing ?? teacher.preprocessing);
  const belongs = `${where}: the saved explainer belongs to teacher '${saved.name}'`;
  const form = ({inputShape, numClasses}: TeacherProbe): string => `input [${inputShape.join(', ')}] and ${numClasses} classes`;
  if (form(probe) !== form(saved)) {
    throw new AttentiveError(`${belongs} with ${form(saved)}, but '${probe.name}' has ${form(probe)}. ${ADVICE}`);
  }
  const size = Math.max(1e-3, ...saved.logits.map(Math.abs));
  const difference = Math.max(...saved.logits.map((value, index) => Math.abs(value - at(probe.logits, index))));
  if (!(difference <= TOLERANCE * size)) {
    throw new AttentiveError(
      `${belongs}, whose logits for a test image differ from those of '${probe.name}' by ${difference.toPrecision(2)} (largest ${size.toPrecision(2)}). ${ADVICE}`,
    );
  }
  if (saved.weights !== undefined && probe.weights !== undefined && saved.weights !== probe.weights) {
    throw new AttentiveError(
      `${belongs}, whose weights are not those of '${probe.name}', though both answer alike for a test image. ${ADVICE}`,
    );
  }
  const [before, now] = [saved.preprocessing, probe.preprocessing];
  if (before !== undefined && now !== undefined && valuesOf(before, teacher) !== valuesOf(now, teacher)) {
    throw new AttentiveError(
      `${belongs} with the preprocessing ${JSON.stringify(before)}, but the same network came with ${JSON.stringify(now)}. Pass the preprocessing that it was distilled with: preprocessing: ${JSON.stringify(before)}.`,
    );
  }
}

/** What a preprocessing makes of pixels, channel by channel; where it crops is another matter. */
function valuesOf({scale, mean, std, channelOrder = 'rgb'}: Preprocessing, {inputShape: [, , channels]}: Teacher): string {
  const perChannel = (values: number | readonly number[]): number[] =>
    Array.from({length: channels}, (_, channel) => channelValue('preprocessing', values, channel));
  return JSON.stringify([scale, perChannel(mean), perChannel(std), channels === 3 ? channelOrder : '']);
}
