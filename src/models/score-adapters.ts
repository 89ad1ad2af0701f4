/** Score functions of other runtimes. */
import {sigmoid, softmax, tensor2d, tidy, transpose, type Tensor4D} from '@tensorflow/tfjs-core';
import {at} from '../core/at.js';
import {show} from '../core/check.js';
import {absentMeans, callback, oneOf, required, text, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import type {ScoreFn} from '../core/types.js';

/** A session of ONNX Runtime, told by its form so that no package is needed. */
export interface OnnxSession {
  /** Names of what goes in. */
  readonly inputNames: readonly string[];
  /** Names of what comes out. */
  readonly outputNames: readonly string[];
  /** Computes the outputs, by name, of inputs by name. */
  run(feeds: Record<string, unknown>): Promise<
    Record<
      string,
      {
        /** The values, in the kind of array that fits their type. */
        readonly data: unknown;
        /** The shape. */
        readonly dims: readonly number[];
      }
    >
  >;
}

/** The class of ONNX Runtime's tensors: `ort.Tensor`. */
export type OnnxTensorClass = new (type: 'float32', data: Float32Array, dims: readonly number[]) => unknown;

/** Options of {@link scoresFromOnnx}. */
export interface OnnxScoresOptions {
  /** `ort.Tensor` of the package that made the session. */
  readonly Tensor: OnnxTensorClass;
  /** Name of the input that gets the images. @default the session's first input */
  readonly input?: string | undefined;
  /** Name of the output that has the scores. @default the session's first output */
  readonly output?: string | undefined;
  /** How the model wants images: channels first, as PyTorch exports them, or last. @default 'NCHW' */
  readonly layout?: 'NCHW' | 'NHWC' | undefined;
  /** What has to be applied to the output so that it is probabilities. @default 'none' */
  readonly activation?: 'none' | 'softmax' | 'sigmoid' | undefined;
}

/** The options of {@link scoresFromOnnx}. */
export const onnxScoresSchema: OptionsSchema<Settled<OnnxScoresOptions, 'input' | 'output'>> = {
  where: 'scoresFromOnnx',
  fields: {
    Tensor: required(callback<OnnxTensorClass>()),
    input: absentMeans(text(), "the session's first input"),
    output: absentMeans(text(), "the session's first output"),
    layout: withDefault<'NCHW' | 'NHWC', 'NCHW'>(oneOf('NCHW', 'NHWC'), 'NCHW'),
    activation: withDefault<'none' | 'softmax' | 'sigmoid', 'none'>(oneOf('none', 'softmax', 'sigmoid'), 'none'),
  },
};

/**
 * Makes a score function of a session of ONNX Runtime (onnxruntime-node, -web or -react-native).
 *
 * @param session Borrowed.
 * @returns `(batch [N,H,W,C]) => [N,K]`, asynchronous. Runs of one session are made one after the other.
 * @throws {TypeError} If `session` is none, or an option is missing, unknown or of the wrong kind.
 * @throws {RangeError} If the session has no such input or output; by the function, if what comes out is not N rows.
 * @example
 * const session = await ort.InferenceSession.create('model.onnx');
 * const score = scoresFromOnnx(session, {Tensor: ort.Tensor, activation: 'softmax'});
 */
export function scoresFromOnnx(session: OnnxSession, options: OnnxScoresOptions): ScoreFn {
  const where = 'scoresFromOnnx';
  const {Tensor, layout, activation, ...names} = readOptions(onnxScoresSchema, options);
  const {run, inputNames, outputNames} = (session ?? {}) as Partial<OnnxSession>;
  if (typeof run !== 'function' || !Array.isArray(inputNames) || !Array.isArray(outputNames)) {
    throw new TypeError(`${where}: session must be a session of ONNX Runtime, but is ${show(session)}.`);
  }
  const input = nameIn(`${where}: input`, names.input, inputNames);
  const output = nameIn(`${where}: output`, names.output, outputNames);
  // ONNX Runtime refuses a second run while one is under way.
  let before: Promise<unknown> = Promise.resolve();
  const ask = async (values: Float32Array, dims: readonly number[]): Promise<Float32Array> => {
    const results = await session.run({[input]: new Tensor('float32', values, dims)});
    const found = results[output];
    const count = at(dims, 0);
    if (!(found?.data instanceof Float32Array) || found.data.length % count !== 0) {
      throw new RangeError(`${where}: output '${output}' must be float32 values, ${count} rows of them, but is ${show(found?.data)}.`);
    }
    return found.data;
  };
  return async (batch: Tensor4D) => {
    const placed = layout === 'NCHW' ? transpose(batch, [0, 3, 1, 2]) : batch.clone();
    const values = await placed.data<'float32'>().finally(() => placed.dispose());
    const asked = before.catch(() => undefined).then(() => ask(Float32Array.from(values), placed.shape));
    before = asked;
    const scores = await asked;
    if (activation === 'none') return Float32Array.from(scores);
    const count = batch.shape[0];
    return tidy(() => {
      const rows = tensor2d(Float32Array.from(scores), [count, scores.length / count]);
      return activation === 'softmax' ? softmax(rows) : sigmoid(rows);
    });
  };
}

function nameIn(where: string, name: string | undefined, known: readonly string[]): string {
  const chosen = name ?? known[0];
  if (chosen !== undefined && known.includes(chosen)) return chosen;
  throw new RangeError(`${where} must be one of ${known.map((each) => `'${each}'`).join(', ')}, but is ${show(name)}.`);
}

/** One of the classes that a classifier names. */
export interface LabelScore {
  /** Name of the class. */
  readonly label: string;
  /** Its probability, 0–1. */
  readonly score: number;
}

/**
 * Makes a score function of a classifier that names its likeliest classes, as pipelines do. What they leave of the
 * probability is spread evenly over the classes that are not named.
 *
 * @param labels The names of all classes, in the order of the scores.
 * @param classify Gets a batch `[N,H,W,C]`, borrowed; gives for each image the classes that it names.
 * @returns `(batch) => [N, labels.length]`, asynchronous.
 * @throws {TypeError} If an argument is of the wrong kind.
 * @throws {RangeError} By the function, if a label is unknown, there are not N lists, or the scores of one exceed 1.
 * @example
 * const score = scoresFromLabels(labels, (batch) => Promise.all(pictures(batch).map((picture) => pipe(picture, {top_k: 5}))));
 */
export function scoresFromLabels(
  labels: readonly string[],
  classify: (batch: Tensor4D) => Promise<readonly (readonly LabelScore[])[]>,
): ScoreFn {
  const where = 'scoresFromLabels';
  if (!Array.isArray(labels) || labels.length === 0 || !labels.every((label) => typeof label === 'string')) {
    throw new TypeError(`${where}: labels must be a list of texts, but is ${show(labels)}.`);
  }
  if (typeof classify !== 'function') throw new TypeError(`${where}: classify must be a function, but is ${show(classify)}.`);
  const places = new Map(labels.map((label, index) => [label, index]));
  return async (batch) => {
    const lists = await classify(batch);
    if (!Array.isArray(lists) || lists.length !== batch.shape[0]) {
      throw new RangeError(`${where}: classify must give a list for each of the ${batch.shape[0]} images, but gave ${show(lists)}.`);
    }
    return lists.map((list) => rowOf(where, list as readonly LabelScore[], places));
  };
}

function rowOf(where: string, list: readonly LabelScore[], places: ReadonlyMap<string, number>): Float32Array {
  const row = new Float32Array(places.size).fill(NaN);
  let sum = 0;
  for (const {label, score} of list) {
    const place = places.get(label);
    if (place === undefined) throw new RangeError(`${where}: classify named the class ${show(label)}, which is not among the labels.`);
    row[place] = score;
    sum += score;
  }
  if (!(sum <= 1.001)) throw new RangeError(`${where}: the scores of an image must sum to at most 1, but come to ${sum}.`);
  const missing = row.filter(Number.isNaN).length;
  return row.map((value) => (Number.isNaN(value) ? Math.max(0, 1 - sum) / missing : value));
}
