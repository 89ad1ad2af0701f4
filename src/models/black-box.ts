/** Teachers of which only the scores can be asked: ONNX Runtime, LiteRT, a server. They answer later, and have no gradient. */
import {clipByValue, log, sub, tensor2d, tidy, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {show} from '../core/check.js';
import {UnsupportedModelError} from '../core/errors/unsupported-model-error.js';
import {integer, oneOf, required, text, tuple, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import {preprocessingField, resolvePreprocessing, type PreprocessingName} from '../core/preprocessing.js';
import type {ClassKind, Preprocessing, ScoreFn, Teacher} from '../core/types.js';
import {scoreByFunction} from './score-function.js';
import {classesField, labelsField} from './teacher.js';

const WHERE = 'teacherFromScores';

/** Options of {@link teacherFromScores}. */
export interface ScoresTeacherOptions {
  /** `[height, width, channels]` of one image as the function gets it. */
  readonly inputShape: readonly [number, number, number];
  /** Scores per image; 1 means a single probability. */
  readonly numClasses: number;
  /** What the scores are: `'probabilities'` in 0–1, or `'logits'`, any finite numbers. @default 'probabilities' */
  readonly output?: 'probabilities' | 'logits' | undefined;
  /** Whether one class is right, or each may be there or not. @default 'exclusive' */
  readonly classes?: ClassKind | undefined;
  /** Class names, one per score. @default none */
  readonly labels?: readonly string[] | undefined;
  /** How decoded pictures become what the function gets. @default none: tensors only */
  readonly preprocessing?: PreprocessingName | Preprocessing | undefined;
  /** For messages and saved files. @default 'scores' */
  readonly name?: string | undefined;
}

/** The options of {@link teacherFromScores}. */
export const scoresTeacherSchema: OptionsSchema<Settled<ScoresTeacherOptions, 'classes' | 'labels' | 'preprocessing'>> = {
  where: WHERE,
  fields: {
    inputShape: required(tuple<readonly [number, number, number]>('[height, width, channels]', integer(1), integer(1), integer(1))),
    numClasses: required(integer(1)),
    output: withDefault<'probabilities' | 'logits', 'probabilities'>(oneOf('probabilities', 'logits'), 'probabilities'),
    classes: classesField,
    labels: labelsField,
    preprocessing: preprocessingField,
    name: withDefault(text(), 'scores'),
  },
};

/**
 * Wraps a function that scores images as a teacher. RISE, LIME, occlusion and the metrics take it as they take the function;
 * and it can be distilled: its student learns from the scores of images and of images with hidden parts, scores the
 * explanations itself (equation 9 as printed), and its gradient guides. What needs the teacher's own gradient is refused.
 *
 * @param score A batch `[N,H,W,C]` to N rows of scores; asynchronous or not. Called with at most as many images as a batch has.
 * @returns The teacher; it holds no tensors.
 * @throws {TypeError} If `score` is no function, or an option is missing, unknown or of the wrong kind.
 * @throws {RangeError} If labels are not as many as classes.
 * @example
 * const teacher = teacherFromScores(scoresFromOnnx(session, {Tensor: ort.Tensor}), {inputShape: [224, 224, 3], numClasses: 1000});
 * const distiller = await AttentiveDistiller.create({teacher});
 */
export function teacherFromScores(score: ScoreFn, options: ScoresTeacherOptions): Teacher {
  const {preprocessing, labels, output, ...rest} = readOptions(scoresTeacherSchema, options);
  if (typeof score !== 'function') throw new TypeError(`${WHERE}: score must be a function, but is ${show(score)}.`);
  if (labels !== undefined && labels.length !== rest.numClasses) {
    throw new RangeError(`${WHERE}: labels must have ${rest.numClasses} entries, one per class, but has ${labels.length}.`);
  }
  return {
    ...rest,
    labels,
    preprocessing: preprocessing === undefined ? undefined : resolvePreprocessing(WHERE, preprocessing),
    scores: {score, output},
    logits() {
      throw new UnsupportedModelError(
        `logits: teacher '${rest.name}' is a black box: it answers later and has no gradient. rise(), lime(), occlusion() and the metrics take it, and AttentiveDistiller distils it.`,
      );
    },
  };
}

// What a probability of 0 or 1 counts as: far beyond what any model tells apart.
const TINY = 1e-12;

/**
 * Asks a black box for what its student learns.
 *
 * @param where Names the caller in messages.
 * @param images `[N,H,W,C]`, network input, borrowed.
 * @returns `[N, numClasses]`, logits or the logarithms of probabilities (of one, or of independent ones, of the odds); the
 *   caller's.
 * @throws {RangeError} If there are not N rows of `numClasses` finite scores, or probabilities leave 0–1.
 * @throws What the function throws.
 */
export async function askBlackBox(
  where: string,
  {name = 'scores', numClasses, classes, scores}: Pick<Teacher, 'numClasses' | 'classes' | 'scores'> & {readonly name?: string},
  images: Tensor4D,
): Promise<Tensor2D> {
  const {score, output} = scores as NonNullable<Teacher['scores']>;
  const who = `${where}: the scores of teacher '${name}'`;
  // A single column is read as two: [1 − p, p].
  const {values, numClasses: width} = await scoreByFunction(score, images, who);
  const single = numClasses === 1 && output === 'probabilities';
  if (width !== (single ? 2 : numClasses)) throw new RangeError(`${who} must be ${numClasses} per image, but are ${width}.`);
  const own = single ? values.filter((_, index) => index % 2 === 1) : values;
  const bad = output === 'probabilities' ? own.find((value) => value < 0 || value > 1 + 1e-5) : undefined;
  if (bad !== undefined)
    throw new RangeError(`${who} must be probabilities in 0–1, but one is ${bad}. Are they logits? Then say output: 'logits'.`);
  return tidy(() => {
    const rows = tensor2d(own, [images.shape[0], numClasses]);
    if (output === 'logits') return rows;
    const logOf = (p: Tensor2D): Tensor2D => log(clipByValue(p, TINY, 1));
    return numClasses === 1 || classes === 'independent' ? sub<Tensor2D>(logOf(rows), logOf(sub(1, rows))) : logOf(rows);
  });
}

/** Whether a teacher is a black box. */
export function isBlackBox({scores}: Pick<Teacher, 'scores'>): boolean {
  return scores !== undefined;
}
