/** A model of ONNX as a teacher: what its file does not say is asked of it, or of the caller. */
import {readFile} from 'node:fs/promises';
import {basename} from 'node:path';
import {pathToFileURL} from 'node:url';
import {tensor4d} from '@tensorflow/tfjs-core';
import {importOptional, oneLine} from '../core/import-optional.js';
import {Random} from '../core/random.js';
import type {Preprocessing, Teacher} from '../core/types.js';
import {teacherFromScores} from '../models/black-box.js';
import {scoresFromOnnx, type OnnxSession, type OnnxTensorClass} from '../models/score-adapters.js';
import {CommandError, exitCodes} from './exit-code.js';
import type {ModelFlags} from './flags.js';

/** What is used of ONNX Runtime. */
interface Runtime {
  readonly Tensor: OnnxTensorClass;
  readonly InferenceSession: {create(model: string | Uint8Array, options: object): Promise<Session>};
}

interface Session extends OnnxSession {
  /** Since release 1.20; a size that is open is a name. */
  readonly inputMetadata?: readonly {readonly shape?: readonly (number | string)[]}[];
  release(): Promise<void>;
}

/** A model that is a black box. */
export interface OnnxTeacher {
  readonly teacher: Teacher;
  /** The most images that it takes at a time, if that is fixed. */
  readonly maxBatch: number | undefined;
  /** What was found out, to be said. */
  readonly note: string | undefined;
  readonly dispose: () => Promise<void>;
}

// The better one first; the other one needs no binary.
const packages = ['onnxruntime-node', 'onnxruntime-web'];
const PROBES = 2;

/**
 * Loads a model of ONNX.
 *
 * @throws {CommandError} If ONNX Runtime is not installed, the file is no model, or something has to be said by a flag.
 */
export async function loadOnnx(file: string, flags: ModelFlags, preprocessing: Preprocessing | undefined): Promise<OnnxTeacher> {
  const {Tensor, session} = await startSession(file);
  try {
    const shape = session.inputMetadata?.[0]?.shape ?? [];
    const {layout, size, channels} = inputOf(file, shape, flags);
    const [batch] = shape;
    if (typeof batch === 'number' && batch > 1) {
      throw new CommandError(`${file} takes exactly ${batch} images at a time. Export it with an open batch, or with a batch of 1.`);
    }
    const maxBatch = batch === 1 ? 1 : undefined;
    const inputShape = [...size, channels] as const;
    const rows = await probe(scoresFromOnnx(session, {Tensor, layout}), inputShape);
    const {activation, classes, note} = readingOf(file, rows, flags.activation);
    const teacher = teacherFromScores(scoresFromOnnx(session, {Tensor, layout, activation}), {
      inputShape,
      numClasses: rows[0]?.length ?? 0,
      classes,
      preprocessing,
      name: basename(file, '.onnx'),
    });
    return {teacher, maxBatch, note, dispose: () => session.release()};
  } catch (error) {
    await session.release();
    throw error;
  }
}

async function startSession(file: string): Promise<{Tensor: OnnxTensorClass; session: Session}> {
  const bytes = await readFile(file).catch((cause: Error) => {
    throw new CommandError(`--model: ${file} cannot be read: ${cause.message}.`, exitCodes.failed, {cause});
  });
  const reasons: string[] = [];
  for (const name of packages) {
    let runtime: Runtime;
    try {
      runtime = (await importOptional(name)) as unknown as Runtime;
    } catch (error) {
      reasons.push(oneLine(error));
      continue;
    }
    try {
      // By its path, weights beside the file are found, too.
      const session = await runtime.InferenceSession.create(name.endsWith('node') ? file : bytes, {logSeverityLevel: 3});
      return {Tensor: runtime.Tensor, session};
    } catch (cause) {
      throw new CommandError(`--model: ${file} is no model that ONNX Runtime can load: ${oneLine(cause)}`, exitCodes.failed, {cause});
    }
  }
  throw new CommandError(
    `--model: a model of ONNX needs ONNX Runtime: npm install onnxruntime-node (${reasons.join(' ')} Seen from ${pathToFileURL('.').pathname})`,
    exitCodes.failed,
  );
}

/** Where the channels are, and how large a picture is. */
function inputOf(
  file: string,
  shape: readonly (number | string)[],
  {layout, inputSize}: ModelFlags,
): {layout: 'NCHW' | 'NHWC'; size: readonly [number, number]; channels: number} {
  const isColour = (size: number | string | undefined): size is 1 | 3 => size === 1 || size === 3;
  const [, second, third, last] = shape;
  const order = layout ?? (isColour(second) ? 'NCHW' : isColour(last) ? 'NHWC' : 'NCHW');
  const [height, width, channels] = order === 'NCHW' ? [third, last, second] : [second, third, last];
  const found = typeof height === 'number' && typeof width === 'number' ? ([height, width] as const) : undefined;
  if (found !== undefined && inputSize !== undefined && String(found) !== String(inputSize))
    throw new CommandError(`--input-size ${inputSize.join('x')}: ${file} takes pictures of ${found.join('x')}.`);
  const size = found ?? inputSize;
  if (size === undefined) throw new CommandError(`${file} does not say how large its pictures are: give --input-size, such as 224.`);
  return {layout: order, size, channels: isColour(channels) ? channels : 3};
}

/** The scores of noise. */
async function probe(score: ReturnType<typeof scoresFromOnnx>, inputShape: readonly [number, number, number]): Promise<number[][]> {
  const random = new Random(0).split('onnx');
  const [height, width, channels] = inputShape;
  const rows: number[][] = [];
  for (let index = 0; index < PROBES; index++) {
    const values = Float32Array.from({length: height * width * channels}, () => random.uniform(-1, 1));
    const image = tensor4d(values, [1, height, width, channels]);
    rows.push([...((await score(image)) as Float32Array)]);
    image.dispose();
  }
  return rows;
}

/** What the scores are, by the flag or by how they look. */
function readingOf(
  file: string,
  rows: readonly (readonly number[])[],
  said: ModelFlags['activation'],
): {activation: 'none' | 'softmax' | 'sigmoid'; classes: 'exclusive' | 'independent'; note?: string} {
  const isOne = rows.every((row) => row.length === 1);
  const inRange = rows.flat().every((value) => value >= 0 && value <= 1);
  const sumToOne = inRange && rows.every((row) => Math.abs(row.reduce((sum, value) => sum + value, 0) - 1) < 1e-3);
  const independent = (said === 'none' && !sumToOne) || said === 'sigmoid';
  const classes = independent && !isOne ? 'independent' : 'exclusive';
  if (said !== undefined) return {activation: said, classes};
  if (sumToOne || (isOne && inRange)) return {activation: 'none', classes};
  if (inRange) {
    throw new CommandError(
      `The scores of ${file} lie in 0–1 but do not sum to 1. Say what they are: --activation none (a probability for each class by itself), softmax or sigmoid (logits).`,
    );
  }
  const activation = isOne ? 'sigmoid' : 'softmax';
  return {
    activation,
    classes,
    note: `The scores of ${file} are no probabilities: they are taken for logits, with a ${activation} (--activation says otherwise).`,
  };
}
