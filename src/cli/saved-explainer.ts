/**
 * What lies beside a saved explainer: which model it belongs to and how that is read, so that one folder is all that has to be
 * named. A save itself does not hold its teacher.
 */
import {mkdir, readFile} from 'node:fs/promises';
import {isAbsolute, join, relative, resolve} from 'node:path';
import {absentMeans, boolean, group, integer, list, oneOf, required, text, tuple} from '../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../core/options.js';
import {schemeOf} from '../files/file-path.js';
import {writeFileAtomically} from '../files/atomic-file.js';
import {CommandError, exitCodes} from './exit-code.js';
import type {ModelFlags} from './flags.js';

/** The flags that say which model; its path is as the user wrote it. */
export type KeptFlags = Omit<ModelFlags, 'explainer' | 'classNames'>;

/** The content of `explainer.json`. */
export interface SavedExplainer {
  readonly flags: KeptFlags;
  readonly names?: readonly string[] | undefined;
  /** How it was trained. */
  readonly trained: {readonly steps: number; readonly finished: boolean};
}

const FILE = 'explainer.json';

type Kept = Settled<KeptFlags, keyof KeptFlags>;

const schema: OptionsSchema<Settled<SavedExplainer, 'names'>> = {
  where: FILE,
  fields: {
    flags: required(
      group<Kept>({
        model: required(text()),
        preprocessing: required(text()),
        fit: absentMeans(oneOf('squash', 'crop'), 'squash'),
        outputNode: absentMeans(text(), 'the only output'),
        inputSize: absentMeans(tuple<readonly [number, number]>('[height, width]', integer(1), integer(1)), 'that of the model'),
        layout: absentMeans(oneOf('NCHW', 'NHWC'), 'as it looks'),
        activation: absentMeans(oneOf('none', 'softmax', 'sigmoid'), 'as it looks'),
      }),
    ),
    names: absentMeans(list<string>(text(), 1), 'none'),
    trained: required(group<SavedExplainer['trained']>({steps: required(integer(0)), finished: required(boolean())})),
  },
};

/** Writes what belongs to the save in `folder`. A model on this machine is named from there, so that both can move together. */
export async function writeSavedExplainer(folder: string, {flags, ...rest}: SavedExplainer): Promise<void> {
  const {model = ''} = flags;
  const path = schemeOf(model) === undefined && !isAbsolute(model) ? relative(folder, resolve(model)) : model;
  await mkdir(folder, {recursive: true});
  await writeFileAtomically(folder, FILE, `${JSON.stringify({flags: {...flags, model: path}, ...rest}, undefined, 2)}\n`);
}

/**
 * Reads what belongs to a save; `undefined` where a program saved it, not `distil`.
 *
 * @throws {CommandError} If the file is damaged.
 */
export async function readSavedExplainer(folder: string): Promise<SavedExplainer | undefined> {
  const content = await readFile(join(folder, FILE), 'utf8').catch(() => undefined);
  if (content === undefined) return undefined;
  try {
    const {flags, ...rest} = readOptions(schema, JSON.parse(content));
    const {model = ''} = flags;
    return {flags: {...flags, model: schemeOf(model) === undefined ? resolve(folder, model) : model}, ...rest};
  } catch (cause) {
    throw new CommandError(`${join(folder, FILE)} is damaged: ${(cause as Error).message}`, exitCodes.failed, {cause});
  }
}
