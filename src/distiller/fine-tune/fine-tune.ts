/**
 * Trains a classifier further, on other classes or on its own: how Lee & Kim (section 4.1) make the networks of the
 * fine-grained data sets that they explain. Theirs begin with ImageNet's weights and a fresh head, and all layers learn.
 */
import {dispose, tidy, type Tensor, type Tensor2D, type Variable} from '@tensorflow/tfjs-core';
import type {LayersModel} from '@tensorflow/tfjs-layers';
import {backendFailure} from '../../backend/backend-failure.js';
import {requireBackend} from '../../backend/check-backend.js';
import {selectBackend} from '../../backend/select-backend.js';
import {readOptions} from '../../core/options.js';
import {Random} from '../../core/random.js';
import {batchesPerEpoch, type TrainingBatches} from '../../data/batches.js';
import {checkUrl} from '../../files/artifact-store.js';
import {checkLayersModel} from '../../models/check-layers-model.js';
import {trainableClassifier, type TrainableClassifier} from '../../models/trainable-classifier.js';
import {disposeModel} from '../../tfjs/model-variables.js';
import {makeUpdater} from '../../tfjs/optimizer.js';
import {checkBatches} from '../check-batches.js';
import {isDue} from '../checkpoint-options.js';
import {checkpointWriter} from '../save/checkpoint-places.js';
import {StageLength} from '../stage-length.js';
import {BestWeights} from '../train/best-weights.js';
import {epochSteps, stepPlace} from '../train/epoch-steps.js';
import {checkWeights, gradientStep} from '../train/gradient-step.js';
import {measureBatches} from '../train/measure-batches.js';
import {checkSameSettings, describeSettings, placeOf, restoreLearner, type Learner, type LearnerVariables} from '../train/run-place.js';
import {disposeState} from '../train/training-state.js';
import {checkKeptByValidation} from '../validation-options.js';
import {DropoutSeeds} from './dropout-seeds.js';
import {classification, labelledBatch, type LabelledBatch} from './labelled-batch.js';
import {fineTuneSchema, firstRate, type FineTuneOptions, type FineTuneValues} from './options.js';
import type {FineTuned, FineTuneProgress} from './progress.js';
import {loadState, packState, type FineTuneState} from './state.js';

const WHERE = 'fineTune';
const NETWORK = 'fine-tuned';

/**
 * Trains a copy of a classifier: with `numClasses` under a fresh head, otherwise under its own. Minimises the cross
 * entropy with the labels, by default as the paper does: SGD with momentum 0.9, a rate of 0.01 that is halved every 20 of
 * 100 epochs, all layers. Selects a tfjs backend if the caller has not. Penalties of a layer's regularizers are not added.
 *
 * @param model One image input `[N,H,W,C]`; need not be a classifier where `features` is given. Borrowed, never changed.
 * @param batches With labels, class indices from 0; gone over once per epoch; borrowed.
 * @returns The new model, the caller's, for `teacherFromLayersModel` as for `predict`: it ends in a softmax (or as
 *   `model` does, with its own head). The same seed gives the same model, on cpu and wasm bit for bit, also where the
 *   training was interrupted and resumed.
 * @throws {TypeError | RangeError} If an option or a batch is wrong, has no labels, or no layer can be trained.
 * @throws {UnsupportedModelError} If the model has another form, its head cannot be told from the rest, or a layer draws
 *   noise without a seed.
 * @throws {LayerNotFoundError} If `features` names no layer.
 * @throws {NonFiniteLossError} If a loss or weight becomes NaN or infinite; the message says what to change.
 * @throws {ModelFileError | AttentiveError} If there is nothing to resume from, or that of another model.
 * @example
 * const {model} = await fineTune(mobileNet, batches, {numClasses: 200, preprocessing: 'tf'});
 * const teacher = teacherFromLayersModel(model, {preprocessing: 'tf'});
 */
export async function fineTune(model: LayersModel, batches: TrainingBatches, options?: FineTuneOptions): Promise<FineTuned> {
  const values = readOptions(fineTuneSchema, options);
  checkLayersModel(`${WHERE}: model`, model);
  checkBatches(WHERE, batches);
  checkKeptByValidation(WHERE, values);
  if (values.validation !== undefined) checkBatches(`${WHERE}: validation`, values.validation);
  if (values.checkpoint !== undefined) checkUrl(`${WHERE}: checkpoint.to`, values.checkpoint.to);
  if (values.resumeFrom !== undefined) checkUrl(`${WHERE}: resumeFrom`, values.resumeFrom);
  await selectBackend();
  await requireBackend(WHERE, 'train');
  const seed = new Random(values.seed).split('head').seed;
  const classifier = trainableClassifier(WHERE, model, {...values, seed});
  try {
    return await trained(classifier, batches, values);
  } catch (error) {
    disposeModel(classifier.model);
    throw backendFailure(WHERE, error);
  }
}

/** A training under way. */
interface Run extends Learner {
  readonly classifier: TrainableClassifier;
  readonly values: FineTuneValues;
  readonly batches: TrainingBatches;
  readonly numClasses: number;
  readonly learningRate: number;
  readonly schedule: FineTuneValues['schedule'];
  readonly length: StageLength;
  readonly dropout: DropoutSeeds | undefined;
  readonly history: FineTuneProgress[];
  /** Writes down where the run stands, which is borrowed. */
  readonly write: ((state: FineTuneState) => Promise<void>) | undefined;
  /** NaN until it is known. */
  epochLength: number;
  /** When the run was last written down, in milliseconds, and after how many steps. */
  written: number;
  writtenSteps: number;
}

async function trained(classifier: TrainableClassifier, batches: TrainingBatches, values: FineTuneValues): Promise<FineTuned> {
  const {base, epochs, budget, optimizer, checkpoint, resumeFrom, keepBest, patience, schedule} = values;
  const variables = variablesOf(classifier, base);
  const dropout = base === 'free' ? new DropoutSeeds(WHERE, classifier.model) : undefined;
  const resumed = resumeFrom === undefined ? undefined : await loadState(WHERE, resumeFrom, variables);
  const learningRate = firstRate(values);
  const updater = makeUpdater(optimizer, learningRate);
  const best = new BestWeights(variables.all, keepBest ?? patience !== undefined);
  try {
    const place = resumed?.place;
    if (place !== undefined)
      checkSameSettings(WHERE, place, descriptionOf(values), 'To train in another way, begin anew without resumeFrom.');
    const writer = checkpoint && (await checkpointWriter(WHERE, checkpoint.to));
    const run: Run = {
      ...{classifier, values, batches, variables, updater, best, learningRate, schedule, dropout},
      numClasses: Math.max(2, classifier.logits.outputs[0]?.shape.at(-1) ?? 0),
      length: new StageLength({...budget, epochs}, place),
      history: [...(resumed?.history ?? [])],
      write: writer && ((state) => writer((serial) => packState(state, serial))),
      epochLength: place?.epochLength ?? values.batchesPerEpoch ?? batchesPerEpoch(batches),
      written: performance.now(),
      writtenSteps: place?.steps ?? 0,
    };
    if (resumed !== undefined) restoreLearner(run, resumed.place, resumed.tensors);
    await trainEpochs(run, place?.epoch ?? 0, place?.step ?? 0);
    best.settle();
    return {model: classifier.model, history: run.history, ...run.length.course};
  } finally {
    if (resumed !== undefined) disposeState(resumed);
    dropout?.restore();
    best.dispose();
    updater.dispose();
  }
}

/** What is trained. @throws {RangeError} If that is nothing. */
function variablesOf({model, head}: TrainableClassifier, base: FineTuneValues['base']): LearnerVariables {
  const read = (weights: LayersModel['weights']): Variable[] => weights.map((weight) => weight.read() as Variable);
  const trainable = read(base === 'free' ? model.trainableWeights : head.flatMap(({trainableWeights}) => trainableWeights));
  if (trainable.length === 0)
    throw new RangeError(`${WHERE}: model must have layers that can be trained, but all of them have trainable: false.`);
  return {trainable, all: read(model.weights)};
}

/** The options that have to be the same when a run is resumed. */
function descriptionOf({
  signal: _signal,
  onProgress: _told,
  checkpoint: _written,
  resumeFrom: _from,
  validation,
  ...values
}: FineTuneValues): string[] {
  return describeSettings({...values, validation: validation !== undefined});
}

async function trainEpochs(run: Run, first: number, skip: number): Promise<void> {
  const {length, values, variables, best} = run;
  const {patience, validation} = values;
  // A run that was interrupted after its last step has still to be brought to its end.
  let skipped = skip;
  for (let epoch = first; skipped > 0 || (epoch < length.maxEpochs(run.epochLength) && !length.isOver); epoch++) {
    await trainEpoch(run, epoch, skipped);
    skipped = 0;
    const isLast = epoch + 1 >= length.maxEpochs(run.epochLength) || length.isOver;
    if (isLast || patience !== undefined) await checkWeights(NETWORK, `the last step of epoch ${epoch + 1}`, variables.trainable);
    if (validation === undefined) continue;
    await validate(run, validation, epoch);
    if (patience !== undefined && best.epochsSince >= patience) return;
  }
}

async function trainEpoch(run: Run, epoch: number, skipped: number): Promise<void> {
  const {classifier, values, batches, numClasses, length, updater, variables, dropout} = run;
  const {seed, base} = values;
  const stop = (step: number): Promise<void> => stopIfAborted(run, epoch, step);
  const steps = epochSteps({where: WHERE, batches, epoch, skipped, length, stop}, (count) => {
    run.epochLength = count;
  });
  for await (const {batch, step, isDone} of steps) {
    if (isDone) continue;
    const since = performance.now();
    const {rate} = stepPlace(WHERE, run, {epoch, step}, run.epochLength);
    updater.setRate(rate);
    const prepared = await labelledBatch(`${WHERE}: batch ${step}`, classifier.spec, numClasses, batch);
    const images = prepared.images.shape[0];
    dropout?.draw(new Random(seed).split(`epoch ${epoch}`).split(step));
    const forward = forwardOf(classifier, base, prepared);
    const position = `epoch ${epoch + 1}, step ${step + 1}`;
    const numbers = await gradientStep(() => classification(forward.logits(), prepared.oneHotLabels), {
      updater,
      variables: variables.trainable,
      network: NETWORK,
      position,
    }).finally(() => {
      forward.dispose();
      dispose({...prepared});
    });
    length.steps++;
    const record = recordOf(run, epoch, {kind: 'step', learningRate: rate, numbers, images, since});
    await writeIfDue(run, epoch, step + 1);
    values.onProgress?.(record);
  }
}

/** The forward pass that a gradient is taken of. */
function forwardOf(
  {logits, features, classify}: TrainableClassifier,
  base: FineTuneValues['base'],
  {images}: LabelledBatch,
): {logits: () => Tensor2D; dispose: () => void} {
  if (base === 'free') return {logits: () => logits.apply(images, {training: true}) as Tensor2D, dispose: () => undefined};
  // Outside of the gradient, which then need not remember anything of it.
  const read = tidy(() => features.apply(images, {training: false}) as Tensor);
  return {logits: () => classify(read), dispose: () => read.dispose()};
}

async function validate(run: Run, batches: TrainingBatches, epoch: number): Promise<void> {
  const {classifier, numClasses, values, best} = run;
  const since = performance.now();
  const where = `${WHERE}: validation`;
  const means = await measureBatches({where, batches, epoch, signal: values.signal}, async (batch, index) => {
    const prepared = await labelledBatch(`${where}: batch ${index}`, classifier.spec, numClasses, batch);
    try {
      const scalars = tidy(() => {
        const logits = classifier.logits.apply(prepared.images, {training: false}) as Tensor2D;
        const {total, reported} = classification(logits, prepared.oneHotLabels);
        return {...reported, total};
      });
      return {scalars, images: prepared.images.shape[0]};
    } finally {
      dispose({...prepared});
    }
  });
  const numbers = means.values();
  best.consider(numbers['total'] ?? NaN);
  const record = recordOf(run, epoch, {kind: 'validation', learningRate: 0, numbers, images: means.count, since});
  values.onProgress?.(record);
}

interface Measured extends Pick<FineTuneProgress, 'kind' | 'learningRate'> {
  readonly numbers: Readonly<Record<string, number>>;
  readonly images: number;
  /** When it began. */
  readonly since: number;
}

function recordOf(
  {length, epochLength, history}: Run,
  epoch: number,
  {kind, learningRate, numbers, images, since}: Measured,
): FineTuneProgress {
  const record: FineTuneProgress = {
    stage: 'fine-tuning',
    kind,
    done: length.steps,
    total: length.totalSteps(epochLength),
    epoch: epoch + 1,
    epochs: length.epochCount(epoch, epochLength),
    secondsLeft: length.secondsLeft(epochLength),
    learningRate,
    loss: numbers['total'] ?? NaN,
    accuracy: numbers['accuracy'] ?? NaN,
    imagesPerSecond: images / ((performance.now() - since) / 1000),
  };
  history.push(record);
  return record;
}

async function writeIfDue(run: Run, epoch: number, step: number): Promise<void> {
  const {values, length, written} = run;
  if (values.checkpoint !== undefined && isDue(values.checkpoint, length.steps, written)) await writeState(run, epoch, step);
}

/** Stops between two steps; where the run stands is written down first, unless that has been done. */
async function stopIfAborted(run: Run, epoch: number, step: number): Promise<void> {
  const {values, length, writtenSteps} = run;
  if (values.signal?.aborted !== true) return;
  if (step > 0 && writtenSteps !== length.steps) await writeState(run, epoch, step);
  values.signal.throwIfAborted();
}

async function writeState(run: Run, epoch: number, step: number): Promise<void> {
  const {write, values, length, epochLength, history} = run;
  if (write === undefined) return;
  const {place, tensors} = placeOf(run, {epoch, step, ...length.course, epochLength, settings: descriptionOf(values)});
  await write({place, tensors, history});
  run.written = performance.now();
  run.writtenSteps = length.steps;
}
