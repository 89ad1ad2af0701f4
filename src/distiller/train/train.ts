/**
 * The training loop (Lee & Kim, section 4.1) as an async generator: one small record per step.
 * Leaving the loop, an abort and an error all free what the loop holds; the networks keep what they
 * have learned so far.
 */
import {dispose, tidy} from '@tensorflow/tfjs-core';
import {requireBackend} from '../../backend/check-backend.js';
import type {Progress} from '../../core/types.js';
import {iterateBatches, type TrainingBatches} from '../../data/batches.js';
import {stageLoss, type Networks} from './objectives.js';
import {checkNotFlat, type MapStatistics} from './map-statistics.js';
import {Means} from './means.js';
import {makeUpdater} from '../../tfjs/optimizer.js';
import type {FitSettings, Stage, StageSettings} from '../options.js';
import {prepareBatch} from './prepare-batch.js';
import {readScalars} from './read-scalars.js';
import {stageNetworks, type StageNetworks} from './stage-networks.js';
import {trainableVariables, trainStep} from './train-step.js';

/** One step of training, or the validation after an epoch. */
export interface TrainingProgress extends Progress {
  /** Which networks are trained. */
  readonly stage: Stage;
  /** `'step'`: after a training step; `'validation'`: after an epoch, on the validation batches. */
  readonly kind: 'step' | 'validation';
  /** Steps finished in the whole run. */
  readonly done: number;
  /** Steps of the whole run; until the first epoch has shown how long one is, `NaN`. */
  readonly total: number;
  /** Epoch of the stage, from 1. */
  readonly epoch: number;
  /** Epochs of the stage. */
  readonly epochs: number;
  /** Rate in force. */
  readonly learningRate: number;
  /** Means over the batch (or the validation images): `soft`, `hard`, `fidelity`, `area` where trained, and `total`. */
  readonly losses: Readonly<Record<string, number>>;
  /** Mean of H, 0–1; `null` while no map is drawn. */
  readonly meanIntensity: number | null;
  /** Variance of H over one image's pixels; `null` while no map is drawn. */
  readonly spatialVariance: number | null;
  /** Training images per second of this step; of the validation run, likewise. */
  readonly imagesPerSecond: number;
}

/** What a run has come to. */
export interface TrainingSummary {
  /** Steps taken. */
  readonly steps: number;
  /** Seconds from start to end. */
  readonly seconds: number;
  /** The last record of each stage that ran. */
  readonly stages: readonly TrainingProgress[];
}

// A collapse in the middle of an epoch must not hide behind the good steps before it.
const RECENT_STEPS = 10;

/** Runs all stages on `batches`; see {@link TrainingProgress}. */
export async function* trainNetworks(
  networks: Networks,
  batches: TrainingBatches,
  settings: FitSettings,
): AsyncGenerator<TrainingProgress, TrainingSummary, undefined> {
  await requireBackend('fit', 'train');
  const started = performance.now();
  const epochLength = settings.batchesPerEpoch ?? (Array.isArray(batches) ? batches.length : NaN);
  const run: Run = {networks, batches, settings, epochLength, steps: 0};
  const last: TrainingProgress[] = [];
  for (const stage of settings.stages) {
    let record: TrainingProgress | undefined;
    for await (const progress of trainStage(run, stage)) yield (record = progress);
    if (record !== undefined) last.push(record);
  }
  return {steps: run.steps, seconds: (performance.now() - started) / 1000, stages: last};
}

interface Run {
  readonly networks: Networks;
  readonly batches: TrainingBatches;
  readonly settings: FitSettings;
  epochLength: number;
  steps: number;
}

async function* trainStage(run: Run, stageSettings: StageSettings): AsyncGenerator<TrainingProgress> {
  const {settings} = run;
  const {stage, epochs, learningRate, schedule} = stageSettings;
  const networks = stageNetworks(stage, run.networks);
  const variables = trainableVariables(stage, networks);
  const updater = makeUpdater(settings.optimizer, learningRate);
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      let step = 0;
      const recent: MapStatistics[] = [];
      for await (const batch of iterateBatches(run.batches, epoch)) {
        settings.signal?.throwIfAborted();
        const started = performance.now();
        const position = epoch + (Number.isNaN(run.epochLength) ? 0.5 : Math.min(1, (step + 0.5) / run.epochLength));
        const rate = learningRate * schedule(position, epochs);
        updater.setRate(rate);
        const lambda = settings.lambda * warmup(position, epochs, settings.lambdaWarmup);
        const where = `epoch ${epoch + 1}, step ${step + 1}`;
        const prepared = await prepareBatch(networks, batch);
        const count = prepared.images.shape[0];
        const reported = await trainStep(networks, prepared, {stage, settings, lambda, updater, variables, where}).finally(() =>
          dispose({...prepared}),
        );
        recent.push(statisticsOf(reported));
        if (recent.length > RECENT_STEPS) recent.shift();
        step++;
        run.steps++;
        yield record(run, stageSettings, epoch, 'step', rate, reported, count / ((performance.now() - started) / 1000));
      }
      run.epochLength = step;
      if (stage !== 'student') checkNotFlat(recent, settings.lambda);
      if (settings.validation !== undefined) yield await validate(run, stageSettings, networks, epoch);
    }
  } finally {
    updater.dispose();
    networks.dispose();
  }
}

async function validate(run: Run, stageSettings: StageSettings, networks: StageNetworks, epoch: number): Promise<TrainingProgress> {
  const started = performance.now();
  const {settings} = run;
  const means = new Means();
  for await (const batch of iterateBatches(settings.validation as TrainingBatches, epoch)) {
    settings.signal?.throwIfAborted();
    const prepared = await prepareBatch(networks, batch);
    try {
      const scalars = tidy(() => {
        const {total, reported} = stageLoss(stageSettings.stage, networks, prepared, settings, settings.lambda, false);
        return {...reported, total};
      });
      means.add(await readScalars(scalars), prepared.images.shape[0]);
      dispose(scalars);
    } finally {
      dispose({...prepared});
    }
  }
  return record(run, stageSettings, epoch, 'validation', 0, means.values(), means.count / ((performance.now() - started) / 1000));
}

function record(
  run: Run,
  stageSettings: StageSettings,
  epoch: number,
  kind: TrainingProgress['kind'],
  learningRate: number,
  reported: Readonly<Record<string, number>>,
  imagesPerSecond: number,
): TrainingProgress {
  const {
    meanIntensity = null,
    spatialVariance = null,
    ...losses
  } = reported as Record<string, number> & {meanIntensity?: number; spatialVariance?: number};
  const total = run.epochLength * run.settings.stages.reduce((all, {epochs}) => all + epochs, 0);
  const {stage, epochs} = stageSettings;
  return {
    stage,
    kind,
    done: run.steps,
    total,
    epoch: epoch + 1,
    epochs,
    learningRate,
    losses,
    meanIntensity,
    spatialVariance,
    imagesPerSecond,
  };
}

function statisticsOf({meanIntensity = 0, spatialVariance = 0}: Record<string, number>): MapStatistics {
  return {meanIntensity, spatialVariance};
}

function warmup(position: number, epochs: number, share: number): number {
  return share === 0 ? 1 : Math.min(1, position / (share * epochs));
}
