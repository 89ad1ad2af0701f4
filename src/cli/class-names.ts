/** Names of classes, and the classes that a text means. */
import {readFile} from 'node:fs/promises';
import {nearest} from '../core/options.js';
import {CommandError, exitCodes} from './exit-code.js';

/** What is explained: the likeliest classes of each picture, or these classes of all. */
export type Wanted = {readonly top: number} | {readonly classes: readonly number[]};

/**
 * Reads names: one a line (numbers of WordNet before them are left out), a JSON list, or a JSON object by class, as the
 * `imagenet_class_index.json` of Keras.
 *
 * @throws {CommandError} If the file cannot be read or holds no names.
 */
export async function readClassNames(file: string): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new CommandError(`--class-names: ${file} cannot be read: ${cause.message}.`, exitCodes.failed, {cause});
  });
  const names = /^\s*[[{]/.test(text) ? namesInJson(file, text) : text.replace(/\s+$/, '').split(/\r?\n/);
  if (names.length === 1 && names[0] === '') throw new CommandError(`--class-names: ${file} is empty.`, exitCodes.failed);
  return names.map((name) => name.replace(/^n\d{8}\s+/, '').trim());
}

function namesInJson(file: string, text: string): string[] {
  const refuse = (): never => {
    throw new CommandError(`--class-names: ${file} must be a list of names, or names by class: {"0": "tench"}.`, exitCodes.failed);
  };
  let found: object;
  try {
    found = JSON.parse(text) as object;
  } catch {
    return refuse();
  }
  const entries = Object.entries(found);
  // {"0": ["n01440764", "tench"]} has the name last.
  const names = entries.map(([, value]: [string, unknown]) => (Array.isArray(value) ? (value.at(-1) as unknown) : value));
  if (entries.some(([key], index) => key !== String(index)) || !names.every((name) => typeof name === 'string')) return refuse();
  return names as string[];
}

/** Checks that there is a name for every class. @throws {CommandError} If not. */
export function checkNames(names: readonly string[], numClasses: number): readonly string[] {
  if (names.length === numClasses) return names;
  const advice =
    names.length === numClasses - 1 ? " If class 0 is the background, as in networks of TensorFlow's, put a line 'background' first." : '';
  throw new CommandError(`--class-names: there are ${names.length} names, but the model has ${numClasses} classes.${advice}`);
}

/**
 * Reads `--target`: `top`, `top-3`, a class by its number or its name, several of these with commas.
 *
 * @throws {CommandError} If a class is unknown or a name means several.
 */
export function readTarget(text: string, numClasses: number, names: readonly string[] | undefined): Wanted {
  const [, top] = /^top(?:-(\d+))?$/.exec(text) ?? [];
  if (top !== undefined || text === 'top') {
    const count = Number(top ?? 1);
    if (count >= 1 && count <= numClasses) return {top: count};
    throw new CommandError(`--target ${text}: there are ${numClasses} classes.`);
  }
  // Names may have commas of their own.
  const whole = names && exactly(text, names);
  if (whole !== undefined && whole.length === 1) return {classes: whole};
  return {classes: text.split(',').map((each) => classOf(each.trim(), numClasses, names))};
}

function classOf(text: string, numClasses: number, names: readonly string[] | undefined): number {
  if (/^\d+$/.test(text)) {
    if (Number(text) < numClasses) return Number(text);
    throw new CommandError(`--target ${text}: classes go from 0 to ${numClasses - 1}.`);
  }
  if (names === undefined)
    throw new CommandError(`--target '${text}': give the number of the class, or its name together with --class-names FILE.`);
  const same = exactly(text, names);
  const found = same.length > 0 ? same : [...names.keys()].filter((index) => names[index]?.toLowerCase().includes(text.toLowerCase()));
  const [first, ...others] = found;
  if (first !== undefined && others.length === 0) return first;
  if (first !== undefined) {
    const some = found.slice(0, 5).map((index) => `${index} (${names[index]})`);
    throw new CommandError(`--target '${text}' may be ${some.join(', ')}${found.length > 5 ? ', …' : ''}. Give the number of one.`);
  }
  const near = nearest(text, names.flatMap(synonyms));
  throw new CommandError(`--target '${text}': no class has that name.${near === undefined ? '' : ` Did you mean '${near}'?`}`);
}

/** The classes whose name, or one of whose names, is the text. */
function exactly(text: string, names: readonly string[]): number[] {
  const wanted = text.toLowerCase();
  const by = (test: (name: string) => boolean): number[] => [...names.keys()].filter((index) => test(names[index] as string));
  const whole = by((name) => name.toLowerCase() === wanted);
  return whole.length > 0 ? whole : by((name) => synonyms(name).some((each) => each.toLowerCase() === wanted));
}

function synonyms(name: string): string[] {
  return name.split(',').map((each) => each.trim());
}
