/** The model of the command line, ready to be asked: a teacher, the names of its classes, and an explainer that was saved. */
import {readFile, stat} from 'node:fs/promises';
import {join, resolve} from 'node:path';
import {pathToFileURL} from 'node:url';
import {selectBackend} from '../backend/select-backend.js';
import {checksumOf} from '../core/checksum.js';
import {nearest} from '../core/options.js';
import {preprocessingField, resolvePreprocessing, type PreprocessingName} from '../core/preprocessing.js';
import type {Preprocessing, Teacher} from '../core/types.js';
import {AttentiveDistiller} from '../distiller/attentive-distiller.js';
import {probeTeacher} from '../distiller/save/teacher-probe.js';
import {describeTeacher} from '../models/describe-teacher.js';
import {loadTeacher} from '../models/load-teacher.js';
import {checkNames, readClassNames} from './class-names.js';
import {CommandError, exitCodes} from './exit-code.js';
import type {ModelFlags, RunFlags} from './flags.js';
import {loadOnnx} from './onnx.js';
import {checkSharp} from './read-pictures.js';
import {readSavedExplainer} from './saved-explainer.js';
import type {Terminal} from './terminal.js';

/** A model that can be asked. */
export interface OpenModel {
  readonly teacher: Teacher;
  readonly names: readonly string[] | undefined;
  /** Present with `--explainer`. */
  readonly distiller: AttentiveDistiller | undefined;
  /** The flags that were in force, those that a saved explainer brought along included. */
  readonly flags: ModelFlags;
  /** The most images that it takes at a time, if that is fixed. */
  readonly maxBatch: number | undefined;
  /** The tfjs backend in use. */
  readonly backend: string;
  readonly dispose: () => Promise<void>;
}

/** What a command wants of its model. */
export interface OpenOptions {
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  /** Whether it gets photos, so that the preprocessing has to be known. */
  readonly forPictures: boolean;
}

/**
 * Loads model and explainer.
 *
 * @throws {CommandError} If a flag is missing or does not fit.
 * @throws {ModelFileError | UnsupportedModelError | BackendError} See `loadTeacher`.
 */
export async function openModel(given: ModelFlags & RunFlags, options: OpenOptions): Promise<OpenModel> {
  const {terminal, forPictures} = options;
  if (forPictures) await checkSharp();
  const saved = given.explainer === undefined ? undefined : await readSavedExplainer(given.explainer);
  const named = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const flags: ModelFlags & RunFlags = {...saved?.flags, ...named};
  if (given.explainer !== undefined) await checkSave(given.explainer);
  if (flags.model === undefined) {
    const which = given.explainer === undefined ? '' : ` (${given.explainer} does not say which is its model.)`;
    throw new CommandError(`--model is missing: the folder of a tfjs model, a URL of its model.json, or an .onnx file.${which}`);
  }
  const preprocessing = flags.preprocessing === undefined ? undefined : await readPreprocessing(flags.preprocessing, flags.fit);
  const {backend, unavailable} = await selectBackend(flags.backend === undefined ? {} : {prefer: [flags.backend]});
  const {teacher, maxBatch, dispose} = await openTeacher(flags.model, flags, preprocessing, options);
  let distiller: AttentiveDistiller | undefined;
  const disposeAll = async (): Promise<void> => {
    distiller?.dispose();
    await dispose();
  };
  try {
    if (forPictures && preprocessing === undefined) throw withoutPreprocessing(teacher);
    const given = flags.classNames === undefined ? saved?.names : await readClassNames(flags.classNames);
    const names = given === undefined ? teacher.labels : checkNames(given, Math.max(2, teacher.numClasses));
    if (flags.explainer !== undefined) {
      distiller = await AttentiveDistiller.load(pathToFileURL(resolve(flags.explainer)).href, {teacher});
      if (saved?.trained.finished === false)
        terminal.note(`The training of ${flags.explainer} was stopped before its end; distil goes on with it.`);
    }
    terminal.note(`Backend: ${backend}.${unavailable.length === 0 ? '' : ` (attentive-distiller describe --json says why no other.)`}`);
    return {teacher, names, distiller, flags, maxBatch, backend, dispose: disposeAll};
  } catch (error) {
    await disposeAll();
    throw error;
  }
}

/**
 * A text that is another one for other weights, of model or explainer, or other preprocessing; for a model whose weights can be read
 * it is the same on every backend.
 */
export async function fingerprint({teacher, flags: {explainer}}: Pick<OpenModel, 'teacher' | 'flags'>): Promise<string> {
  const {weights, logits, preprocessing, ...form} = await probeTeacher('attentive-distiller', teacher);
  const answers = weights === undefined ? logits.map((value) => Number(value.toPrecision(2))) : [];
  // It ends with the checksum of all that the save holds.
  const save = explainer === undefined ? '' : await readFile(join(explainer, 'model.json'), 'utf8');
  return checksumOf(new TextEncoder().encode(JSON.stringify({...form, weights, answers, preprocessing, save})));
}

async function openTeacher(
  from: string,
  flags: ModelFlags,
  preprocessing: Preprocessing | undefined,
  {terminal, signal}: OpenOptions,
): Promise<Pick<OpenModel, 'teacher' | 'maxBatch' | 'dispose'>> {
  if (/\.onnx$/i.test(from)) {
    const {note, ...model} = await loadOnnx(from, flags, preprocessing);
    if (note !== undefined) terminal.note(note);
    return model;
  }
  for (const [flag, value] of Object.entries({
    '--input-size': flags.inputSize,
    '--layout': flags.layout,
    '--activation': flags.activation,
  })) {
    if (value !== undefined) throw new CommandError(`${flag} is for models of ONNX, but ${from} is none.`);
  }
  const isUrl = /^https?:/.test(from);
  if (!isUrl && (await isSave(from))) {
    throw new CommandError(`--model: ${from} is a saved explainer, not a model: say --explainer ${from}.`);
  }
  const onProgress = (share: number): void => terminal.progress({stage: 'download', done: Math.round(100 * share), total: 100});
  const teacher = await loadTeacher(from, {preprocessing, output: flags.outputNode, signal, ...(isUrl && {onProgress})});
  return {teacher, maxBatch: undefined, dispose: () => Promise.resolve(teacher.dispose())};
}

async function isSave(folder: string): Promise<boolean> {
  const text = await readFile(join(folder, 'model.json'), 'utf8').catch(() => '');
  return /"savedBy":"attentive-distiller"/.test(text.slice(-500));
}

async function checkSave(folder: string): Promise<void> {
  if (await isSave(folder)) return;
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  throw new CommandError(
    `--explainer: ${folder} ${isThere ? 'holds no saved explainer' : 'does not exist'}. ${howToDistil(folder)}`,
    exitCodes.usage,
  );
}

/** The line that makes an explainer. */
export function howToDistil(folder: string, {model = 'DIR', preprocessing = 'NAME'}: ModelFlags = {}): string {
  return `Make one first, of photos like those that are to be explained: attentive-distiller distil PHOTOS --model ${model} --preprocessing ${preprocessing} --out ${folder}`;
}

/**
 * Reads `--preprocessing`: a name, JSON, or a file of JSON.
 *
 * @throws {CommandError} If it is none of these.
 */
export async function readPreprocessing(text: string, fit: ModelFlags['fit']): Promise<Preprocessing> {
  const isName = preprocessingField.problem(text) === undefined;
  const content = isName || text.trim().startsWith('{') ? text : await readFile(text, 'utf8').catch(() => undefined);
  if (content === undefined) {
    const near = nearest(text, ['tf', 'torch', 'caffe', 'unit', 'none']);
    throw new CommandError(
      `--preprocessing: '${text}' is neither tf, torch, caffe, unit or none, nor a file.${near === undefined ? '' : ` Did you mean '${near}'?`}`,
    );
  }
  try {
    const found = isName ? (text as PreprocessingName) : (JSON.parse(content) as Preprocessing);
    return {...resolvePreprocessing('--preprocessing', found), ...(fit !== undefined && {fit})};
  } catch (cause) {
    throw new CommandError(`--preprocessing: ${(cause as Error).message}`, exitCodes.usage, {cause});
  }
}

function withoutPreprocessing(teacher: Teacher): CommandError {
  const {preprocessing} = describeTeacher(teacher);
  const guess = preprocessing === undefined ? '' : ` Perhaps '${preprocessing.guess}': ${preprocessing.because}.`;
  return new CommandError(
    `--preprocessing is missing: tf ([-1,1]), torch (ImageNet mean and deviation), caffe, unit ([0,1]) or none (0–255), whatever the model was trained with. With a wrong one every answer is wrong.${guess}`,
  );
}
