/**
 * Tells teachers apart by what they answer: the logits of two fixed random images. Works for any
 * Teacher, also one without readable weights, and on any backend.
 */
import {tensor4d} from '@tensorflow/tfjs-core';
import {at} from '../../core/at.js';
import {AttentiveError} from '../../core/errors/attentive-error.js';
import {channelValue} from '../../core/preprocessing.js';
import {Random} from '../../core/random.js';
import type {Teacher} from '../../core/types.js';
import {awaitTeacher} from '../networks.js';

/** What identifies a teacher in a saved explainer. */
export interface TeacherProbe {
  readonly name: string;
  readonly inputShape: readonly number[];
  readonly numClasses: number;
  /** The first logits of each probe image. */
  readonly logits: readonly number[];
}

const PROBE_IMAGES = 2;
// Noise in [−1,1], where most networks expect their input.
const WITHOUT_PREPROCESSING = {scale: 1 / 127.5, mean: 1, std: 1};
const MAX_LOGITS = 32;
// Backends differ by rounding, lower-precision GPUs by up to about 1 %; other weights by far more.
const TOLERANCE = 0.02;

/** What to do about another teacher. */
export const ADVICE = 'Pass the teacher that it was distilled from, or distil this one.';

/** Asks the teacher. `where` names the caller in messages. */
export async function probeTeacher(where: string, teacher: Teacher): Promise<TeacherProbe> {
  const {name, inputShape, numClasses} = teacher;
  const [height, width, channels] = inputShape;
  const random = new Random(0).split('teacher-probe');
  const {scale, mean, std} = teacher.preprocessing ?? WITHOUT_PREPROCESSING;
  const values = Float32Array.from({length: PROBE_IMAGES * height * width * channels}, (_, index) => {
    const channel = index % channels;
    return (random.uniform(0, 255) * scale - channelValue(where, mean, channel)) / channelValue(where, std, channel);
  });
  const images = tensor4d(values, [PROBE_IMAGES, height, width, channels]);
  const logits = await awaitTeacher(where, teacher, images).finally(() => images.dispose());
  const all = await logits.data().finally(() => logits.dispose());
  const perImage = Math.min(numClasses, MAX_LOGITS);
  const kept = Array.from({length: PROBE_IMAGES}, (_, image) => [...all.slice(image * numClasses, image * numClasses + perImage)]).flat();
  return {name, inputShape: [...inputShape], numClasses, logits: kept};
}

/**
 * Compares a teacher with the one that an explainer was distilled from.
 *
 * @throws {AttentiveError} If it has another input, other classes, or answers differently.
 */
export async function checkSameTeacher(where: string, teacher: Teacher, saved: TeacherProbe): Promise<void> {
  const probe = await probeTeacher(where, teacher);
  const form = ({inputShape, numClasses}: TeacherProbe): string => `input [${inputShape.join(', ')}] and ${numClasses} classes`;
  if (form(probe) !== form(saved)) {
    throw new AttentiveError(
      `${where}: the saved explainer belongs to teacher '${saved.name}' with ${form(saved)}, but '${probe.name}' has ${form(probe)}. ${ADVICE}`,
    );
  }
  const size = Math.max(1e-3, ...saved.logits.map(Math.abs));
  const difference = Math.max(...saved.logits.map((value, index) => Math.abs(value - at(probe.logits, index))));
  if (!(difference <= TOLERANCE * size)) {
    throw new AttentiveError(
      `${where}: the saved explainer belongs to teacher '${saved.name}', whose logits for a test image differ from those of '${probe.name}' by ${difference.toPrecision(2)} (largest ${size.toPrecision(2)}). ${ADVICE}`,
    );
  }
}
