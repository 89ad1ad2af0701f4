/**
 * The training loop (Lee & Kim, section 4.1) as an async generator: one small record per step.
 * Leaving the loop, an abort and an error all free what the loop holds; the networks keep what they
 * have learned so far.
 */
import {requireBackend} from '../../backend/check-backend.js';
import {Random} from '../../core/random.js';
import {batchesPerEpoch, type TrainingBatches} from '../../data/batches.js';
import {isBlackBox} from '../../models/black-box.js';
import {makeUpdater} from '../../tfjs/optimizer.js';
import type {StageSettings} from '../options.js';
import type {TrainingProgress, TrainingSummary} from '../progress.js';
import {StageLength} from '../stage-length.js';
import {AveragedWeights} from './averaged-weights.js';
import {BestWeights} from './best-weights.js';
import {epochSteps, stepPlace} from './epoch-steps.js';
import {checkWeights} from './gradient-step.js';
import {HeldImages} from './held-images.js';
import {checkNotFlat, type MapStatistics} from './map-statistics.js';
import {learnHere} from './learner.js';
import {checkTrainsInThreads, learnInThreads} from './learner-in-threads.js';
import {mapWarnings, VERDICT_IMAGES} from './map-verdict.js';
import {measureBatches} from './measure-batches.js';
import {pixelWarning} from './pixel-warning.js';
import {readBatch, type BatchImages} from './prepare-batch.js';
import {stageNetworks} from './stage-networks.js';
import type {Run, StageRun, Training} from './stage-run.js';
import {restore, stopIfAborted, writeIfDue} from './stage-state.js';
import {StudentGuard} from './student-guard.js';
import {stageVariables} from './train-step.js';
import type {TrainingState} from './training-state.js';

// A collapse in the middle of an epoch must not hide behind the good steps before it.
const RECENT_STEPS = 10;
// A student that learns a black box has to agree on whole images before all: small cuts of them teach it less.
const LEAST_LEARNT = 0.6;

/** Runs all stages; see {@link TrainingProgress}. */
export async function* trainNetworks(training: Training): AsyncGenerator<TrainingProgress, TrainingSummary, undefined> {
  const {where, batches, settings, resumed, history} = training;
  await requireBackend(where, 'train');
  if (settings.workers > 0) checkTrainsInThreads(where, training.networks, settings);
  const started = performance.now() - 1000 * (resumed?.place.seconds ?? 0);
  const epochLength = resumed?.place.epochLength ?? settings.batchesPerEpoch ?? batchesPerEpoch(batches);
  const steps = resumed?.place.steps ?? 0;
  const run: Run = {...training, epochLength, steps, lengths: new Map(), started, written: performance.now(), writtenSteps: steps};
  history.push(...(resumed?.history ?? []));
  const first = Math.max(
    0,
    settings.stages.findIndex(({stage}) => stage === resumed?.place.stage),
  );
  for (const [index, stage] of settings.stages.entries()) {
    if (index < first) run.lengths.set(stage.stage, finishedStage(run, stage));
    else yield* trainStage(run, stage, index === first ? resumed : undefined);
  }
  const ofStage = ({stage}: StageSettings): TrainingProgress[] => history.filter((record) => record.stage === stage);
  return {
    steps: run.steps,
    seconds: (performance.now() - started) / 1000,
    stages: settings.stages.flatMap((stage) =>
      ofStage(stage)
        .filter(({warning}) => warning === null)
        .slice(-1),
    ),
    warnings: history.map(({warning}) => warning).filter((warning) => warning !== null),
  };
}

/** A stage that an earlier run has finished. */
function finishedStage({history}: Run, {stage, limits}: StageSettings): StageLength {
  const steps = history.filter((record) => record.stage === stage && record.kind === 'step').length;
  return new StageLength({...limits, steps}, {steps, seconds: 0});
}

async function* trainStage(run: Run, settings: StageSettings, resumed: TrainingState | undefined): AsyncGenerator<TrainingProgress> {
  const place = resumed?.place;
  const length = new StageLength(settings.limits, place && {steps: place.stageSteps, seconds: place.stageSeconds});
  run.lengths.set(settings.stage, length);
  if (length.maxEpochs(run.epochLength) === 0) return;
  const networks = stageNetworks(settings.stage, run.networks);
  const {stage, learningRate} = settings;
  const updater = makeUpdater(run.settings.optimizer, learningRate);
  const {validation, patience, keepBest, averaging} = run.settings;
  const {method} = run.networks;
  const variables = stageVariables(stage, networks);
  const averages = new AveragedWeights(variables.trainable, stage === 'explanation' ? averaging : 0);
  const best = new BestWeights(variables.all, keepBest);
  const guard = stage === 'student' && !networks.student.trainingMode ? new StudentGuard(networks, variables.trainable) : undefined;
  const [seen, unseen] = [new HeldImages(VERDICT_IMAGES), new HeldImages(VERDICT_IMAGES)];
  const {workers} = run.settings;
  const inThreads = {where: run.where, stage, networks: run.networks, variables, workers};
  const learner = workers > 0 ? learnInThreads(inThreads) : learnHere(networks, variables);
  const stageRun: StageRun = {...settings, run, networks, variables, updater, learner, length, averages, best, guard, seen, unseen};
  run.onOutcome?.((weight) => best.bestOf(weight) ?? averages.meanOf(weight));
  try {
    if (resumed !== undefined) restore(stageRun, resumed);
    // A run that was interrupted after its last step has still to be brought to its end.
    let skipped = place?.step ?? 0;
    for (let epoch = place?.epoch ?? 0; skipped > 0 || (epoch < length.maxEpochs(run.epochLength) && !length.isOver); epoch++) {
      yield* trainEpoch(stageRun, epoch, skipped);
      skipped = 0;
      const isLast = epoch + 1 >= length.maxEpochs(run.epochLength) || length.isOver;
      // Weights that may be the last ones, no step to come, are looked at for their own sake.
      if (isLast || patience !== undefined) await checkWeights(stage, `the last step of epoch ${epoch + 1}`, variables.trainable);
      if (stage !== 'student' && method.objective === 'fidelity') checkNotFlat(recentMaps(stageRun, epoch), run.settings.lambda);
      if (validation === undefined) continue;
      yield await averages.inPlace(() => validate(stageRun, validation, epoch));
      if (patience !== undefined && best.epochsSince >= patience) break;
    }
    averages.settle();
    best.settle();
    const last = run.history.filter((record) => record.stage === stage).at(-1);
    for (const warning of await warningsOf(stageRun)) if (last !== undefined) yield told(run, {...last, kind: 'warning', warning});
  } finally {
    run.onOutcome?.(undefined);
    for (const held of [guard, seen, unseen]) held?.dispose();
    // What was learned is kept where the loop is left, too.
    averages.settle();
    best.settle();
    for (const held of [learner, updater, networks]) held.dispose();
  }
}

/** What the last maps of an epoch were like. */
function recentMaps({run: {history}, stage}: StageRun, epoch: number): MapStatistics[] {
  const steps = history.filter((record) => record.stage === stage && record.kind === 'step' && record.epoch === epoch + 1);
  return steps.slice(-RECENT_STEPS).map(({meanIntensity, spatialVariance}) => ({
    meanIntensity: meanIntensity ?? 0,
    spatialVariance: spatialVariance ?? 0,
  }));
}

/** What is not as it should be at the end of a stage. */
async function warningsOf({run: {networks, seed, settings}, stage, guard, seen, unseen}: StageRun): Promise<readonly string[]> {
  if (stage === 'student') return [await guard?.finish()].filter((warning) => warning !== undefined);
  const images = unseen.images ?? seen.images;
  if (images === undefined) return [];
  const pixels = await pixelWarning(networks.teacher, images);
  return [...(pixels === undefined ? [] : [pixels]), ...(await mapWarnings(networks, images, {seed, signal: settings.signal}))];
}

/** Trains on the batches of an epoch; the first `skipped` of them an earlier run has seen. */
async function* trainEpoch(stageRun: StageRun, epoch: number, skipped: number): AsyncGenerator<TrainingProgress> {
  const {run, networks} = stageRun;
  const {where, settings} = run;
  const {stage, updater, learner, length, averages, guard, seen} = stageRun;
  const stop = (step: number): Promise<void> => stopIfAborted(stageRun, epoch, step);
  const steps = epochSteps({where, batches: run.batches, epoch, skipped, length, stop}, (count) => {
    run.epochLength = count;
  });
  for await (const {batch, step, isDone} of steps) {
    const random = new Random(run.seed).split(`${stage} ${epoch}`).split(step);
    const learnsBlackBox = stage !== 'explanation' && isBlackBox(run.networks.teacher);
    const leastCrop = learnsBlackBox ? Math.max(settings.leastCrop, LEAST_LEARNT) : stage === 'explanation' ? settings.leastCrop : 1;
    const composites = stage === 'explanation' ? settings.composites : 0;
    // The verdict on the maps is on whole images, as they will be explained.
    const onWhole = (whole: BatchImages['images']): void => seen.take(whole);
    const drawn = {random, leastCrop, composites, onWhole, hides: learnsBlackBox};
    const batchName = `${where}: batch ${step}`;
    const read = (): Promise<BatchImages> => readBatch(batchName, networks.teacher, batch, drawn);
    if (isDone) {
      // Reading shows the verdict's images, which may be those of the last step.
      const {images} = await read();
      images.dispose();
      continue;
    }
    const since = performance.now();
    const {passed, epochs, rate} = stepPlace(where, stageRun, {epoch, step}, run.epochLength);
    updater.setRate(rate);
    const lambda = settings.lambda * warmup(passed, settings.lambdaWarmup * epochs);
    const position = `epoch ${epoch + 1}, step ${step + 1}`;
    const input = await read();
    const images = input.images.shape[0];
    let numbers;
    try {
      const taken = await learner.step(input, {where, batchName, stage, settings, lambda, random, updater, position});
      guard?.see({...taken, images: input.images});
      taken.teacherLogits.dispose();
      ({numbers} = taken);
    } finally {
      input.images.dispose();
    }
    averages.follow();
    run.steps++;
    length.steps++;
    const progress = record({run, stage: stageRun, epoch}, {kind: 'step', learningRate: rate, numbers, images, since});
    await writeIfDue(stageRun, epoch, step + 1);
    yield progress;
  }
}

async function validate({run, networks, ...stageRun}: StageRun, batches: TrainingBatches, epoch: number): Promise<TrainingProgress> {
  const since = performance.now();
  const {where, settings} = run;
  const {stage, learner, unseen, best} = stageRun;
  const means = await measureBatches({where: `${where}: validation`, batches, epoch, signal: settings.signal}, async (batch, index) => {
    const random = new Random(run.seed).split(`validation ${index}`);
    const batchName = `${where}: validation: batch ${index}`;
    const read = await readBatch(batchName, networks.teacher, batch, {random, leastCrop: 1});
    try {
      const scalars = await learner.measure(read, {where, batchName, stage, settings, lambda: settings.lambda, random});
      if (index === 0) unseen.take(read.images);
      return {scalars, images: read.images.shape[0]};
    } finally {
      read.images.dispose();
    }
  });
  const numbers = means.values();
  best.consider(numbers['total'] ?? NaN);
  return record({run, stage: stageRun, epoch}, {kind: 'validation', learningRate: 0, numbers, images: means.count, since});
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
  return told(run, {
    stage,
    kind,
    done: run.steps,
    total: run.settings.stages.reduce((all, each) => all + stepsOf(run, each), 0),
    epoch: epoch + 1,
    epochs: length.epochCount(epoch, epochLength),
    secondsLeft: length.secondsLeft(epochLength),
    learningRate,
    losses,
    meanIntensity,
    spatialVariance,
    imagesPerSecond: images / ((performance.now() - since) / 1000),
    warning: null,
  });
}

/** Adds a record to the history. */
function told({history}: Run, record: TrainingProgress): TrainingProgress {
  history.push(record);
  return record;
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
