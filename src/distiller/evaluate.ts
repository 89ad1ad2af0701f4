/** Measures a trained distiller on images that it was not trained on (Lee & Kim, section 4.2). */
import {slice, tidy, type Tensor2D, type Tensor4D} from '@tensorflow/tfjs-core';
import {checkInteger} from '../core/check.js';
import {withTensors} from '../core/tensors.js';
import type {RunOptions, SaliencyMap} from '../core/types.js';
import {batchLabels, iterateBatches, type TrainingBatch, type TrainingBatches} from '../data/batches.js';
import {countImages} from '../data/image-list.js';
import {klDivergence} from '../losses/kl-divergence.js';
import {deletionScore} from '../metrics/of-model/deletion-score.js';
import {insertionScore} from '../metrics/of-model/insertion-score.js';
import {meanIntensity} from '../metrics/of-map/mean-intensity.js';
import {drawPlain} from './explain/compiled-networks.js';
import {drawMaps} from './explain/draw-maps.js';
import {runStudent, type Networks} from './train/objectives.js';
import {prepareBatch} from './train/prepare-batch.js';

/** Options of `evaluate`. */
export interface EvaluateOptions extends RunOptions {
  /** Whether to measure insertion and deletion, which cost many passes of the teacher. @default true */
  readonly causal?: boolean | undefined;
  /** Pixels changed per step of insertion and deletion. @default a 28th of the image, as in the paper's benchmark */
  readonly stepSize?: number | undefined;
}

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

// The paper's benchmark changes 224·8 of 224·224 pixels per step, which makes 28 steps.
const CAUSAL_STEPS = 28;

/** Runs student, decoder and teacher over all batches of one epoch. */
export async function evaluateNetworks(
  networks: Networks,
  batches: TrainingBatches,
  seed: number,
  options: EvaluateOptions,
): Promise<Evaluation> {
  const {causal = true, signal, onProgress} = options;
  const [height, width] = networks.teacher.inputShape;
  const stepSize = checkInteger('evaluate: stepSize', options.stepSize ?? Math.ceil((height * width) / CAUSAL_STEPS), 1);
  const rows: Row[] = [];
  for await (const batch of iterateBatches(batches, 0)) {
    signal?.throwIfAborted();
    rows.push(...(await measureBatch(networks, batch, seed, {causal, stepSize, signal})));
    onProgress?.({stage: 'evaluate', done: rows.length, total: imagesIn(batches)});
  }
  const mean = (value: (row: Row) => number): number => rows.reduce((sum, row) => sum + value(row), 0) / rows.length;
  const labelled = rows.every(({label}) => label !== null);
  return {
    images: rows.length,
    agreement: mean(({student, teacher}) => Number(student === teacher)),
    studentAccuracy: labelled ? mean(({student, label}) => Number(student === label)) : null,
    teacherAccuracy: labelled ? mean(({teacher, label}) => Number(teacher === label)) : null,
    meanKL: mean(({kl}) => kl),
    insertion: causal ? mean(({insertion}) => insertion) : null,
    deletion: causal ? mean(({deletion}) => deletion) : null,
    meanIntensity: mean(({intensity}) => intensity),
    emptyMaps: rows.filter(({empty}) => empty).length,
  };
}

interface Row {
  readonly student: number;
  readonly teacher: number;
  readonly label: number | null;
  readonly kl: number;
  readonly intensity: number;
  readonly empty: boolean;
  readonly insertion: number;
  readonly deletion: number;
}

interface Settings {
  readonly causal: boolean;
  readonly stepSize: number;
  readonly signal: AbortSignal | undefined;
}

async function measureBatch(networks: Networks, batch: TrainingBatch, seed: number, {causal, stepSize, signal}: Settings): Promise<Row[]> {
  return withTensors(async (scope) => {
    const {images, teacherLogits, oneHotLabels} = await prepareBatch({teacher: networks.teacher}, batch);
    for (const tensor of [images, teacherLogits, oneHotLabels]) if (tensor !== undefined) scope.own(tensor);
    const maps = await drawMaps(drawPlain(networks), images, {seed, scored: true});
    const divergence = scope.own(tidy(() => klDivergence(teacherLogits, runStudent(networks.student, images, false).logits)));
    const labels = await batchLabels(batch, maps.length, teacherLogits.shape[1]);
    const [kls, targets] = await Promise.all([divergence.data(), argMaxRows(teacherLogits)]);
    const rows: Row[] = [];
    for (const [index, map] of maps.entries()) {
      const target = targets[index] as number;
      const {insertion, deletion} = causal
        ? await causalScores(networks, images, index, map, {target, stepSize, signal})
        : {insertion: 0, deletion: 0};
      const label = labels?.[index] ?? null;
      rows.push({
        student: map.target,
        teacher: target,
        label,
        kl: kls[index] as number,
        intensity: meanIntensity(map),
        empty: map.empty,
        insertion,
        deletion,
      });
    }
    return rows;
  });
}

async function causalScores(
  networks: Networks,
  images: Tensor4D,
  index: number,
  map: SaliencyMap,
  options: {target: number; stepSize: number; signal: AbortSignal | undefined},
): Promise<{insertion: number; deletion: number}> {
  return withTensors(async (scope) => {
    const image = scope.own(tidy(() => slice(images, [index, 0, 0, 0], [1, -1, -1, -1])));
    const insertion = await insertionScore(image, map, networks.teacher, options);
    const deletion = await deletionScore(image, map, networks.teacher, options);
    return {insertion: insertion.auc, deletion: deletion.auc};
  });
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
