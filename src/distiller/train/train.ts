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
import {iterateBatches, type TrainingBatches} from '../../data/batches.js';
import {makeUpdater, type Updater} from '../../tfjs/optimizer.js';
import type {Networks} from '../networks.js';
import type {FitSettings, StageSettings} from '../options.js';
import type {TrainingProgress, TrainingSummary} from '../progress.js';
import {checkNotFlat, type MapStatistics} from './map-statistics.js';
import {Means} from './means.js';
import {stageLoss} from './objectives.js';
import {prepareBatch} from './prepare-batch.js';
import {readScalars} from './read-scalars.js';
import {stageNetworks, type StageNetworks} from './stage-networks.js';
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
  const epochLength = settings.batchesPerEpoch ?? (Array.isArray(batches) ? batches.length : NaN);
  const run: Run = {...training, epochLength, steps: 0};
  const last: TrainingProgress[] = [];
  for (const stage of settings.stages) {
    let record: TrainingProgress | undefined;
    for await (const progress of trainStage(run, stage)) yield (record = progress);
    if (record !== undefined) last.push(record);
  }
  return {steps: run.steps, seconds: (performance.now() - started) / 1000, stages: last};
}

interface Run extends Training {
  /** Batches per epoch; NaN until it is known. */
  epochLength: number;
  /** Steps taken. */
  steps: number;
}

/** A stage under way. */
interface StageRun extends StageSettings {
  readonly run: Run;
  readonly networks: StageNetworks;
  readonly variables: Variable[];
  readonly updater: Updater;
}

async function* trainStage(run: Run, settings: StageSettings): AsyncGenerator<TrainingProgress> {
  const networks = stageNetworks(settings.stage, run.networks);
  const {stage, epochs, learningRate} = settings;
  const updater = makeUpdater(run.settings.optimizer, learningRate);
  const stageRun: StageRun = {...settings, run, networks, variables: trainableVariables(stage, networks), updater};
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      const recent: MapStatistics[] = [];
      for await (const record of trainEpoch(stageRun, epoch)) {
        const {meanIntensity, spatialVariance} = record;
        recent.push({meanIntensity: meanIntensity ?? 0, spatialVariance: spatialVariance ?? 0});
        if (recent.length > RECENT_STEPS) recent.shift();
        yield record;
      }
      if (epoch === epochs - 1) await checkWeights(stage, `the last step of epoch ${epochs}`, stageRun.variables);
      if (stage !== 'student' && run.networks.method.objective === 'fidelity') checkNotFlat(recent, run.settings.lambda);
      if (run.settings.validation !== undefined) yield await validate(stageRun, run.settings.validation, epoch);
    }
  } finally {
    updater.dispose();
    networks.dispose();
  }
}

async function* trainEpoch({run, networks, ...stageRun}: StageRun, epoch: number): AsyncGenerator<TrainingProgress> {
  const {where, settings} = run;
  const {stage, epochs, learningRate, schedule, variables, updater} = stageRun;
  let step = 0;
  for await (const batch of iterateBatches(where, run.batches, epoch)) {
    await yieldToEvents();
    settings.signal?.throwIfAborted();
    const since = performance.now();
    const passed = epoch + (Number.isNaN(run.epochLength) ? 0.5 : Math.min(1, (step + 0.5) / run.epochLength));
    const rate = learningRate * checkNumber(`${where}: the factor of schedule`, schedule(passed, epochs), 0);
    updater.setRate(rate);
    const lambda = settings.lambda * warmup(passed, settings.lambdaWarmup * epochs);
    const position = `epoch ${epoch + 1}, step ${step + 1}`;
    const random = new Random(run.seed).split(`${stage} ${epoch}`).split(step);
    const prepared = await prepareBatch(`${where}: batch ${step}`, networks, batch, random);
    const images = prepared.images.shape[0];
    const numbers = await trainStep(networks, prepared, {where, stage, settings, lambda, random, updater, variables, position}).finally(
      () => dispose({...prepared}),
    );
    step++;
    run.steps++;
    yield record({run, stage: stageRun, epoch}, {kind: 'step', learningRate: rate, numbers, images, since});
  }
  run.epochLength = step;
}

async function validate({run, networks, ...stageRun}: StageRun, batches: TrainingBatches, epoch: number): Promise<TrainingProgress> {
  const since = performance.now();
  const {where, settings} = run;
  const {stage} = stageRun;
  const means = new Means();
  let index = 0;
  for await (const batch of iterateBatches(`${where}: validation`, batches, epoch)) {
    await yieldToEvents();
    settings.signal?.throwIfAborted();
    const random = new Random(run.seed).split(`validation ${index}`);
    const prepared = await prepareBatch(`${where}: validation: batch ${index++}`, networks, batch, random);
    try {
      const scalars = tidy(() => {
        const {total, reported} = stageLoss(networks, prepared, {where, stage, settings, lambda: settings.lambda, training: false, random});
        return {...reported, total};
      });
      try {
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
  readonly stage: StageSettings;
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

function record({run, stage: {stage, epochs}, epoch}: Place, {kind, learningRate, numbers, images, since}: Measured): TrainingProgress {
  const {meanIntensity = null, spatialVariance = null, ...losses} = numbers;
  return {
    stage,
    kind,
    done: run.steps,
    total: run.epochLength * run.settings.stages.reduce((all, each) => all + each.epochs, 0),
    epoch: epoch + 1,
    epochs,
    learningRate,
    losses,
    meanIntensity,
    spatialVariance,
    imagesPerSecond: images / ((performance.now() - since) / 1000),
  };
}

/** The part of λ that is in force when so many epochs have passed. */
function warmup(passed: number, epochs: number): number {
  return epochs === 0 ? 1 : Math.min(1, passed / epochs);
}
