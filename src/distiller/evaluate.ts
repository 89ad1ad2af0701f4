/** Measures a trained distiller on images that it was not trained on (Lee & Kim, section 4.2). */
import {
  argMax,
  cast,
  dispose,
  equal,
  greater,
  mean as meanOver,
  slice,
  tidy,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import {at} from '../core/at.js';
import {runFields} from '../core/common-options.js';
import {withEitherSignal} from '../core/either-signal.js';
import {boolean, withDefault} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import {Random} from '../core/random.js';
import type {ClassKind, RunOptions, SaliencyMap} from '../core/types.js';
import {yieldToEvents} from '../core/yield-to-events.js';
import {batchLabels, iterateBatches, type TrainingBatch, type TrainingBatches} from '../data/batches.js';
import {countImages} from '../data/image-list.js';
import {divergenceOf} from '../losses/class-probabilities.js';
import {meanIntensity} from '../metrics/of-map/mean-intensity.js';
import {causalFields, defaultStepSize} from '../metrics/of-model/causal-curve.js';
import {deletionScore} from '../metrics/of-model/deletion-score.js';
import {insertionScore} from '../metrics/of-model/insertion-score.js';
import {checkBatches} from './check-batches.js';
import {drawBatch, drawPlain, mapsOf, type CompiledNetworks} from './explain/draw-maps.js';
import {evidenceOf} from './explain/evidence.js';
import {kindOf, runStudent, type Networks} from './networks.js';
import {prepareBatch} from './train/prepare-batch.js';

/** Options of `evaluate`. */
export interface EvaluateOptions extends RunOptions {
  /** Whether to measure insertion and deletion, which cost many passes of the teacher. @default true */
  readonly causal?: boolean | undefined;
  /** Pixels changed per step of insertion and deletion, at least 1. @default a 28th of the pixels, rounded up */
  readonly stepSize?: number | undefined;
}

const WHERE = 'evaluate';

/** The options of `evaluate`. */
export const evaluateSchema: OptionsSchema<Settled<EvaluateOptions, 'stepSize' | 'signal' | 'onProgress'>> = {
  where: WHERE,
  fields: {
    causal: withDefault(boolean(), true),
    stepSize: causalFields.stepSize,
    ...runFields,
  },
};

/** What `evaluate` measures; every number is a mean over the images. */
export interface Evaluation {
  /** Images measured. */
  readonly images: number;
  /** Share of images for which student and teacher name the same class, 0–1. */
  readonly agreement: number;
  /** Top-1 accuracy of the student (equation 12), 0–1; `null` without labels. */
  readonly studentAccuracy: number | null;
  /** Top-1 accuracy of the teacher, 0–1; `null` without labels. */
  readonly teacherAccuracy: number | null;
  /** KL(teacher ‖ student) in nats. */
  readonly meanKL: number;
  /** Insertion AUC of the teacher's class, higher is better, 0–1; `null` if not measured. */
  readonly insertion: number | null;
  /** Deletion AUC of the teacher's class, lower is better, 0–1; `null` if not measured. */
  readonly deletion: number | null;
  /** Mean of H over pixels, 0–1. */
  readonly meanIntensity: number;
  /** Maps whose values are all equal. */
  readonly emptyMaps: number;
}

/** What is measured. */
export interface Subject {
  readonly networks: Networks;
  readonly compiled: CompiledNetworks;
  /** The seed that made the networks. */
  readonly seed: number;
  /** Aborts when the networks are to be freed. */
  readonly end: AbortSignal;
}

/**
 * Runs student, decoder and teacher over all batches of one epoch.
 *
 * @throws {TypeError | RangeError} If an option or a batch is wrong. Aborting rejects with the signal's reason.
 */
export async function evaluateNetworks(
  subject: Subject,
  batches: TrainingBatches,
  options: EvaluateOptions | undefined,
): Promise<Evaluation> {
  const [height, width] = subject.networks.teacher.inputShape;
  const {causal, stepSize = defaultStepSize(height, width), signal: given, onProgress} = readOptions(evaluateSchema, options);
  checkBatches(WHERE, batches);
  return withEitherSignal(given, subject.end, async (signal) => {
    const rows: Row[] = [];
    let index = 0;
    for await (const batch of iterateBatches(WHERE, batches, 0)) {
      await yieldToEvents();
      signal.throwIfAborted();
      rows.push(...(await measureBatch(subject, batch, {where: `${WHERE}: batch ${index++}`, causal, stepSize, signal})));
      onProgress?.({stage: WHERE, done: rows.length, total: imagesIn(batches)});
    }
    return summaryOf(rows, causal);
  });
}

/** What one image comes to. */
interface Row {
  readonly student: number;
  readonly teacher: number;
  readonly label: number | null;
  readonly kl: number;
  readonly agreed: number;
  readonly intensity: number;
  readonly empty: boolean;
  readonly insertion: number;
  readonly deletion: number;
}

function summaryOf(rows: readonly Row[], causal: boolean): Evaluation {
  const mean = (value: (row: Row) => number): number => rows.reduce((sum, row) => sum + value(row), 0) / rows.length;
  const labelled = rows.every(({label}) => label !== null);
  return {
    images: rows.length,
    agreement: mean(({agreed}) => agreed),
    studentAccuracy: labelled ? mean(({student, label}) => Number(student === label)) : null,
    teacherAccuracy: labelled ? mean(({teacher, label}) => Number(teacher === label)) : null,
    meanKL: mean(({kl}) => kl),
    insertion: causal ? mean(({insertion}) => insertion) : null,
    deletion: causal ? mean(({deletion}) => deletion) : null,
    meanIntensity: mean(({intensity}) => intensity),
    emptyMaps: rows.filter(({empty}) => empty).length,
  };
}

interface Measuring extends Pick<RunOptions, 'signal'> {
  /** Names the batch in messages. */
  readonly where: string;
  readonly causal: boolean;
  readonly stepSize: number;
}

async function measureBatch({networks, compiled, seed}: Subject, batch: TrainingBatch, measuring: Measuring): Promise<Row[]> {
  const prepared = await prepareBatch(measuring.where, networks, batch, {random: new Random(seed), leastCrop: 1});
  const {images, teacherLogits} = prepared;
  const measured: Tensor1D[] = [];
  try {
    const kind = kindOf(networks.teacher);
    const answers = tidy(() => {
      const {logits} = runStudent(networks.student, images, false);
      return {kl: divergenceOf(kind, teacherLogits, logits), agreed: agreement(kind, teacherLogits, logits)};
    });
    measured.push(answers.kl, answers.agreed);
    const {method} = networks;
    const draw = method.guidance === 'none' ? drawPlain(networks) : compiled.draw;
    const evidence = evidenceOf(WHERE, 'argmax', {first: 0, count: images.shape[0], kind});
    const drawn = await drawBatch(draw, images, {form: 'probabilities', kind, evidence, objective: method.objective});
    const maps = await mapsOf(drawn, {seed, target: 'argmax', options: {}}, 0);
    const labels = await batchLabels(measuring.where, batch, maps.length, teacherLogits.shape[1]);
    const read = [answers.kl, answers.agreed].map((each) => each.data<'float32'>());
    const [targets, kls, agreed] = await Promise.all([argMaxRows(teacherLogits), ...read]);
    const rows: Row[] = [];
    for (const [index, map] of maps.entries()) {
      const target = at(targets, index);
      rows.push({
        student: map.target,
        teacher: target,
        label: labels?.[index] ?? null,
        kl: at(kls as Float32Array, index),
        agreed: at(agreed as Float32Array, index),
        intensity: meanIntensity(map),
        empty: map.empty,
        ...(await causalScores(networks, {images, index, map, target}, measuring)),
      });
    }
    return rows;
  } finally {
    dispose(measured);
    dispose({...prepared});
  }
}

/** One image of a batch with its map. */
interface Explained {
  readonly images: Tensor4D;
  readonly index: number;
  readonly map: SaliencyMap;
  /** The teacher's class. */
  readonly target: number;
}

async function causalScores(
  {teacher}: Networks,
  {images, index, map, target}: Explained,
  {causal, stepSize, signal}: Measuring,
): Promise<Pick<Row, 'insertion' | 'deletion'>> {
  if (!causal) return {insertion: 0, deletion: 0};
  const image = slice(images, [index, 0, 0, 0], [1, -1, -1, -1]);
  try {
    const options = {target, stepSize, signal};
    const insertion = await insertionScore(image, map, teacher, options);
    const deletion = await deletionScore(image, map, teacher, options);
    return {insertion: insertion.auc, deletion: deletion.auc};
  } finally {
    image.dispose();
  }
}

/** Whether both decide alike, 0 or 1; for independent classes the share of them on which they do. */
function agreement(kind: ClassKind, teacher: Tensor2D, student: Tensor2D): Tensor1D {
  if (kind === 'exclusive') return cast(equal(argMax(teacher, 1), argMax(student, 1)) as Tensor1D, 'float32');
  return meanOver<Tensor1D>(cast(equal(greater(teacher, 0), greater(student, 0)), 'float32'), 1);
}

async function argMaxRows(logits: Tensor2D): Promise<number[]> {
  const [count, width] = logits.shape;
  const values = await logits.data();
  return Array.from({length: count}, (_, row) => {
    const scores = values.subarray(row * width, (row + 1) * width);
    return scores.indexOf(Math.max(...scores));
  });
}

/** How many images all batches hold, where that can be known; otherwise NaN. */
function imagesIn(batches: TrainingBatches): number {
  return Array.isArray(batches) ? (batches as readonly TrainingBatch[]).reduce((sum, {images}) => sum + countImages(images), 0) : NaN;
}
