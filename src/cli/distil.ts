/** `distil`: photos in; an explainer out. Stopped at any moment, the same command goes on where it was. */
import {rm} from 'node:fs/promises';
import {existsSync} from 'node:fs';
import {join, relative, resolve, sep} from 'node:path';
import {pathToFileURL} from 'node:url';
import {checksumOf} from '../core/checksum.js';
import {preprocessingField} from '../core/preprocessing.js';
import {VERSION} from '../core/version.js';
import {AttentiveDistiller} from '../distiller/attentive-distiller.js';
import type {Budget} from '../distiller/stage-length.js';
import type {TrainingProgress} from '../distiller/progress.js';
import {imageFolder} from '../node/image-folder.js';
import {CommandError, exitCodes, type ExitCode} from './exit-code.js';
import {findPictures, type FoundPictures} from './find-pictures.js';
import type {MethodFlags, ModelFlags, PictureFlags, RunFlags} from './flags.js';
import {fingerprint, openModel, type OpenModel} from './open-model.js';
import {openRun, writing} from './run-record.js';
import {readSavedExplainer, writeSavedExplainer} from './saved-explainer.js';
import {LeftOut, type Context} from './terminal.js';

/** Flags of `distil`. */
export interface DistilFlags extends ModelFlags, RunFlags, Pick<PictureFlags, 'strict' | 'limit'>, Pick<MethodFlags, 'seed' | 'batchSize'> {
  readonly out: string;
  readonly minutes?: number | undefined;
  readonly steps?: number | undefined;
  readonly flip: boolean;
  readonly checkpointSeconds: number;
  readonly force?: boolean | undefined;
}

/** The folder, inside that of the explainer, with the state of a training. */
const TRAINING = 'training';
const DEFAULT_MINUTES = 10;

/** Runs the command. */
export async function distil(sources: readonly string[], flags: DistilFlags, {terminal, signal}: Context): Promise<ExitCode> {
  const {out, force = false} = flags;
  const found = await findPictures(sources);
  const pictures = found.pictures.slice(0, flags.limit);
  const before = await readSavedExplainer(out).catch(() => undefined);
  if (before?.trained.finished === true && !force)
    throw new CommandError(`${out} holds an explainer that is finished. Name another folder with --out, or say --force to replace it.`);
  const model = await openModel(flags, {terminal, signal, forPictures: true});
  const leftOut = new LeftOut();
  try {
    const budget: Budget =
      flags.minutes === undefined && flags.steps === undefined ? {minutes: DEFAULT_MINUTES} : {minutes: flags.minutes, steps: flags.steps};
    const training = join(out, TRAINING);
    if (force) await writing(out, () => rm(training, {recursive: true, force: true}));
    const goesOn =
      (await openRun(training, 'run.json', await recordOf(found.root, pictures, flags, model, budget), force)) && hasState(training);
    const place = urlOf(training);
    const distiller = goesOn
      ? await AttentiveDistiller.resume(place, {teacher: model.teacher})
      : await AttentiveDistiller.create({teacher: model.teacher, seed: flags.seed});
    try {
      const {history} = distiller;
      if (goesOn) terminal.note(`Goes on after step ${history.at(-1)?.done ?? 0}.`);
      const batches = await photosOf(found.root, pictures, flags, model, leftOut);
      const summary = await distiller
        .train(batches, {
          budget,
          checkpoint: {to: place, everySeconds: flags.checkpointSeconds},
          signal,
          onProgress: (progress) => terminal.progress(progress, noteOf(progress)),
        })
        .catch(async (error: unknown) => {
          if (error !== signal.reason) throw error;
          terminal.endProgress();
          throw await stopped(distiller, flags, model, signal.reason as CommandError);
        });
      terminal.endProgress();
      for (const warning of summary.warnings) terminal.warn(`Warning: ${warning}`);
      await keep(distiller, flags, model, {steps: summary.steps, finished: true});
      await rm(training, {recursive: true, force: true});
      const {steps, seconds, warnings} = summary;
      terminal.text(
        `${steps} steps in ${(seconds / 60).toFixed(1)} minutes. The explainer is in ${out}. Now:\n  attentive-distiller explain PHOTOS --explainer ${out}`,
      );
      terminal.record({explainer: out, steps, seconds, warnings, photos: pictures.length - leftOut.count});
      return leftOut.count > 0 ? exitCodes.leftOut : exitCodes.done;
    } finally {
      distiller.dispose();
    }
  } finally {
    terminal.endProgress();
    leftOut.tell(terminal);
    await model.dispose();
  }
}

/** Keeps what was learned, to be used meanwhile. */
async function stopped(distiller: AttentiveDistiller, flags: DistilFlags, model: OpenModel, reason: CommandError): Promise<CommandError> {
  const last = distiller.history.at(-1)?.done ?? 0;
  if (last === 0) return new CommandError('Stopped before the first step.', reason.exitCode);
  await keep(distiller, flags, model, {steps: last, finished: false});
  return new CommandError(
    `Stopped after step ${last}. The same command goes on from there; what is learned already can be used: --explainer ${flags.out}.`,
    reason.exitCode,
  );
}

/** Saves the explainer, and beside it which model it belongs to. */
async function keep(
  distiller: AttentiveDistiller,
  {out}: DistilFlags,
  {flags, names, teacher}: OpenModel,
  trained: {steps: number; finished: boolean},
): Promise<void> {
  await distiller.save(urlOf(out));
  const {model, preprocessing, fit, outputNode, inputSize, layout, activation} = flags;
  // A file of JSON may be gone by then.
  const isName = preprocessingField.problem(preprocessing) === undefined;
  const pixels = isName ? preprocessing : JSON.stringify(teacher.preprocessing);
  await writing(out, () =>
    writeSavedExplainer(out, {flags: {model, preprocessing: pixels, fit, outputNode, inputSize, layout, activation}, names, trained}),
  );
}

/** The photos as batches, decoded at the size of the network. */
function photosOf(
  root: string,
  pictures: FoundPictures['pictures'],
  {seed, batchSize, flip, strict = false}: DistilFlags,
  {teacher, maxBatch}: OpenModel,
  leftOut: LeftOut,
): ReturnType<typeof imageFolder> {
  const {inputShape, preprocessing} = teacher;
  return imageFolder(root, {
    files: pictures.map(({name}) => name),
    size: [inputShape[0], inputShape[1]],
    fit: preprocessing?.fit,
    batchSize: Math.min(batchSize, maxBatch ?? Infinity),
    seed,
    flip,
    onUnreadable: strict ? 'error' : 'skip',
    onSkip: (file, error) => leftOut.add(pictures.find(({name}) => name === file)?.file ?? file, error),
  });
}

/** What the training depends on. */
async function recordOf(
  root: string,
  pictures: FoundPictures['pictures'],
  {seed, batchSize, flip}: DistilFlags,
  model: OpenModel,
  budget: Budget,
): Promise<Record<string, unknown>> {
  const names = pictures.map(({path}) => relative(root, path).split(sep).join('/'));
  return {
    program: `attentive-distiller ${VERSION}`,
    model: model.flags.model,
    fingerprint: await fingerprint(model),
    preprocessing: model.teacher.preprocessing,
    photos: `${names.length} (${checksumOf(new TextEncoder().encode(names.join('\n')))})`,
    budget,
    seed,
    batchSize,
    flip,
  };
}

function hasState(training: string): boolean {
  return [0, 1].some((parity) => existsSync(join(training, `state-${parity}`, 'model.json')));
}

function noteOf({losses, secondsLeft}: TrainingProgress): string {
  const loss = losses['total'] === undefined ? '' : `loss ${losses['total'].toFixed(3)}`;
  return Number.isFinite(secondsLeft) ? `${loss}, ${secondsLeft.toFixed(0)} s left` : loss;
}

function urlOf(folder: string): string {
  return pathToFileURL(resolve(folder)).href;
}
