/**
 * The training loop (Lee & Kim, section 4.1) as an async generator: one small record per step.
 * Leaving the loop, an abort and an error all free what the loop holds; the networks keep what they
 * have learned so far.
 */
import {dispose, tidy, type Variable} from '@tensorflow/tfjs-core';
import {requireBackend} from '../../backend/check-backend.js';
import {checkNumber} from '../../core/check.js';
import {Random} from '../../core/random.js';
import {yieldToEvents} from '../../core/yield-to-events.js';
import {batchesPerEpoch, iterateBatches, type TrainingBatches} from '../../data/batches.js';
import {makeUpdater, type Updater} from '../../tfjs/optimizer.js';
import type {Networks} from '../networks.js';
import type {FitSettings, StageSettings} from '../options.js';
import type {Stage, TrainingProgress, TrainingSummary} from '../progress.js';
import {StageLength} from '../stage-length.js';
import {AveragedWeights} from './averaged-weights.js';
import {HeldImages} from './held-images.js';
import {checkNotFlat, type MapStatistics} from './map-statistics.js';
import {Means} from './means.js';
import {mapWarnings, VERDICT_IMAGES} from './map-verdict.js';
import {stageLoss} from './objectives.js';
import {prepareBatch} from './prepare-batch.js';
import {readScalars} from './read-scalars.js';
import {stageNetworks, type StageNetworks} from './stage-networks.js';
import {StudentGuard} from './student-guard.js';
import {checkWeights, trainableVariables, trainStep} from './train-step.js';

/** What is trained, on what, and how. */
export interface Training {
  /** Names the caller in messages. */
  readonly where: string;
  readonly networks: Networks;
  readonly batches: TrainingBatches;
  readonly settings: FitSettings;
  /** Draws everything that is drawn. */
  readonly seed: number;
}

// A collapse in the middle of an epoch must not hide behind the good steps before it.
const RECENT_STEPS = 10;

/** Runs all stages; see {@link TrainingProgress}. */
export async function* trainNetworks(training: Training): AsyncGenerator<TrainingProgress, TrainingSummary, undefined> {
  const {where, batches, settings} = training;
  await requireBackend(where, 'train');
  const started = performance.now();
  const epochLength = settings.batchesPerEpoch ?? batchesPerEpoch(batches);
  const run: Run = {...training, epochLength, steps: 0, lengths: new Map()};
  const last: TrainingProgress[] = [];
  const warnings: string[] = [];
  for (const stage of settings.stages) {
    let record: TrainingProgress | undefined;
    for await (const progress of trainStage(run, stage)) {
      if (progress.warning !== null) warnings.push(progress.warning);
      else record = progress;
      yield progress;
    }
    if (record !== undefined) last.push(record);
  }
  return {steps: run.steps, seconds: (performance.now() - started) / 1000, stages: last, warnings};
}

interface Run extends Training {
  /** Batches per epoch; NaN until it is known. */
  epochLength: number;
  /** Steps taken. */
  steps: number;
  /** The stages that have begun, with their courses. */
  readonly lengths: Map<Stage, StageLength>;
}

/** A stage under way. */
interface StageRun extends StageSettings {
  readonly length: StageLength;
  readonly averages: AveragedWeights;
  readonly guard: StudentGuard | undefined;
  /** Images of the last training batch. */
  readonly seen: HeldImages;
  /** Images that are not trained on, of the validation. */
  readonly unseen: HeldImages;
  readonly run: Run;
  readonly networks: StageNetworks;
  readonly variables: Variable[];
  readonly updater: Updater;
}

async function* trainStage(run: Run, settings: StageSettings): AsyncGenerator<TrainingProgress> {
  const length = new StageLength(settings.limits);
  run.lengths.set(settings.stage, length);
  if (length.maxEpochs(run.epochLength) === 0) return;
  const networks = stageNetworks(settings.stage, run.networks);
  const {stage, learningRate} = settings;
  const updater = makeUpdater(run.settings.optimizer, learningRate);
  const variables = trainableVariables(stage, networks);
  const averages = new AveragedWeights(variables, stage === 'explanation' ? run.settings.averaging : 0);
  const guard = stage === 'student' && !networks.student.trainingMode ? new StudentGuard(networks, variables) : undefined;
  const [seen, unseen] = [new HeldImages(VERDICT_IMAGES), new HeldImages(VERDICT_IMAGES)];
  const stageRun: StageRun = {...settings, run, networks, variables, updater, length, averages, guard, seen, unseen};
  let last: TrainingProgress | undefined;
  try {
    for (let epoch = 0; epoch < length.maxEpochs(run.epochLength) && !length.isOver; epoch++) {
      const recent: MapStatistics[] = [];
      for await (const record of trainEpoch(stageRun, epoch)) {
        const {meanIntensity, spatialVariance} = record;
        recent.push({meanIntensity: meanIntensity ?? 0, spatialVariance: spatialVariance ?? 0});
        if (recent.length > RECENT_STEPS) recent.shift();
        yield (last = record);
      }
      const isLast = epoch + 1 >= length.maxEpochs(run.epochLength) || length.isOver;
      if (isLast) await checkWeights(stage, `the last step of epoch ${epoch + 1}`, variables);
      if (stage !== 'student' && run.networks.method.objective === 'fidelity') checkNotFlat(recent, run.settings.lambda);
      if (isLast) averages.settle();
      if (run.settings.validation !== undefined) yield await validate(stageRun, run.settings.validation, epoch);
    }
    for (const warning of await warningsOf(stageRun)) if (last !== undefined) yield {...last, kind: 'warning', warning};
  } finally {
    for (const held of [guard, seen, unseen]) held?.dispose();
    averages.settle(); // What was learned is kept where the loop is left, too.
    updater.dispose();
    networks.dispose();
  }
}

/** What is not as it should be at the end of a stage. */
async function warningsOf({run: {networks, seed, settings}, stage, guard, seen, unseen}: StageRun): Promise<readonly string[]> {
  if (stage === 'student') return [await guard?.finish()].filter((warning) => warning !== undefined);
  const images = unseen.images ?? seen.images;
  return images === undefined ? [] : mapWarnings(networks, images, {seed, signal: settings.signal});
}

async function* trainEpoch({run, networks, ...stageRun}: StageRun, epoch: number): AsyncGenerator<TrainingProgress> {
  const {where, settings} = run;
  const {stage, learningRate, schedule, variables, updater, length, averages, guard, seen} = stageRun;
  let step = 0;
  for await (const batch of iterateBatches(where, run.batches, epoch)) {
    await yieldToEvents();
    settings.signal?.throwIfAborted();
    const since = performance.now();
    const passed = epoch + (Number.isNaN(run.epochLength) ? 0.5 : Math.min(1, (step + 0.5) / run.epochLength));
    const epochs = length.epochsAt(passed, run.epochLength);
    const rate = learningRate * checkNumber(`${where}: the factor of schedule`, schedule(passed, epochs), 0);
    updater.setRate(rate);
    const lambda = settings.lambda * warmup(passed, settings.lambdaWarmup * epochs);
    const position = `epoch ${epoch + 1}, step ${step + 1}`;
    const random = new Random(run.seed).split(`${stage} ${epoch}`).split(step);
    const leastCrop = stage === 'explanation' ? settings.leastCrop : 1;
    const prepared = await prepareBatch(`${where}: batch ${step}`, networks, batch, {random, leastCrop});
    const images = prepared.images.shape[0];
    guard?.see(prepared);
    seen.take(prepared.images);
    const numbers = await trainStep(networks, prepared, {where, stage, settings, lambda, random, updater, variables, position}).finally(
      () => dispose({...prepared}),
    );
    averages.follow();
    step++;
    run.steps++;
    length.steps++;
    yield record({run, stage: stageRun, epoch}, {kind: 'step', learningRate: rate, numbers, images, since});
    if (length.isOver) return;
  }
  run.epochLength = step;
}

async function validate({run, networks, ...stageRun}: StageRun, batches: TrainingBatches, epoch: number): Promise<TrainingProgress> {
  const since = performance.now();
  const {where, settings} = run;
  const {stage, unseen} = stageRun;
  const means = new Means();
  let index = 0;
  for await (const batch of iterateBatches(`${where}: validation`, batches, epoch)) {
    await yieldToEvents();
    settings.signal?.throwIfAborted();
    const random = new Random(run.seed).split(`validation ${index}`);
    const prepared = await prepareBatch(`${where}: validation: batch ${index++}`, networks, batch, {random, leastCrop: 1});
    try {
      const scalars = tidy(() => {
        const {total, reported} = stageLoss(networks, prepared, {where, stage, settings, lambda: settings.lambda, training: false, random});
        return {...reported, total};
      });
      try {
        if (means.count === 0) unseen.take(prepared.images);
        means.add(await readScalars(scalars), prepared.images.shape[0]);
      } finally {
        dispose(scalars);
      }
    } finally {
      dispose({...prepared});
    }
  }
  return record({run, stage: stageRun, epoch}, {kind: 'validation', learningRate: 0, numbers: means.values(), images: means.count, since});
}

/** Where in a run a record is made. */
interface Place {
  readonly run: Run;
  readonly stage: StageSettings & Pick<StageRun, 'length'>;
  /** From 0. */
  readonly epoch: number;
}

/** What a record tells. */
interface Measured extends Pick<TrainingProgress, 'kind' | 'learningRate'> {
  /** Losses and statistics, by name. */
  readonly numbers: Readonly<Record<string, number>>;
  readonly images: number;
  /** When it began. */
  readonly since: number;
}

function record({run, stage: {stage, length}, epoch}: Place, {kind, learningRate, numbers, images, since}: Measured): TrainingProgress {
  const {meanIntensity = null, spatialVariance = null, ...losses} = numbers;
  const {epochLength} = run;
  return {
    stage,
    kind,
    done: run.steps,
    total: run.settings.stages.reduce((all, each) => all + stepsOf(run, each), 0),
    epoch: epoch + 1,
    epochs: Math.min(length.maxEpochs(epochLength), Math.max(epoch + 1, Math.ceil(length.totalSteps(epochLength) / epochLength) || 0)),
    secondsLeft: length.secondsLeft(epochLength),
    learningRate,
    losses,
    meanIntensity,
    spatialVariance,
    imagesPerSecond: images / ((performance.now() - since) / 1000),
    warning: null,
  };
}

/** Steps of a stage, of one that has not begun too, as far as that can be known. */
function stepsOf({lengths, epochLength}: Run, {stage, limits}: StageSettings): number {
  const length = lengths.get(stage) ?? new StageLength(limits);
  return length.maxEpochs(epochLength) === 0 ? 0 : length.totalSteps(epochLength);
}

/** The part of λ that is in force when so many epochs have passed. */
function warmup(passed: number, epochs: number): number {
  return epochs === 0 ? 1 : Math.min(1, passed / epochs);
}
