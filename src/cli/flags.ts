/** The flags that several commands have, read by the same rules as the options of the library. */
import {InvalidArgumentError, Option, type Command} from 'commander';
import {batchSizeField, MAX_SEED, seedField, workersField} from '../core/common-options.js';
import {integer, number} from '../core/fields.js';
import type {Field} from '../core/options.js';
import type {ShardShare} from '../node/shards/assigned.js';
import {candidates, type BackendName} from '../backend/candidates.js';
import {colormapNames, type ColormapName} from '../render/colormap.js';

/** Which model, and how it is read. */
export interface ModelFlags {
  readonly model?: string | undefined;
  readonly preprocessing?: string | undefined;
  readonly fit?: 'squash' | 'crop' | undefined;
  readonly classNames?: string | undefined;
  readonly outputNode?: string | undefined;
  readonly inputSize?: readonly [height: number, width: number] | undefined;
  readonly layout?: 'NCHW' | 'NHWC' | undefined;
  readonly activation?: 'none' | 'softmax' | 'sigmoid' | undefined;
  readonly explainer?: string | undefined;
}

/** How the program runs. */
export interface RunFlags {
  readonly backend?: BackendName | undefined;
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
  readonly debug?: boolean | undefined;
}

/** Which pictures, and what happens to those that cannot be read. */
export interface PictureFlags {
  readonly strict?: boolean | undefined;
  readonly limit?: number | undefined;
  readonly maxSide: number;
}

/** What draws the maps. */
export interface MethodFlags {
  readonly method?: string | undefined;
  readonly set?: readonly string[] | undefined;
  readonly seed: number;
  readonly batchSize: number;
  readonly workers: number;
}

/** How maps are coloured. */
export interface ColorFlags {
  readonly colormap: ColormapName;
  readonly opacity: number;
}

/** Reads a number by the rule of a field. */
export function parsedBy(field: Field<unknown>): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? NaN : Number(text);
    if (field.problem(value) !== undefined) throw new InvalidArgumentError(`It must be ${field.rule}.`);
    return value;
  };
}

function size(text: string): readonly [number, number] {
  const [, height, width = height] = /^(\d+)(?:x(\d+))?$/.exec(text) ?? [];
  if (height === undefined || !(Number(height) > 0) || !(Number(width) > 0))
    throw new InvalidArgumentError("It must be a size such as '224', or height x width, '240x320'.");
  return [Number(height), Number(width)];
}

/** Reads `--shard`: `i/n`, or `/n`, where the environment says i. */
export function readShare(text: string): ShardShare {
  const [, place = '', of = ''] = /^(\d*)\/(\d+)$/.exec(text) ?? [];
  const count = Number(of);
  const isPlace = place === '' || (Number(place) >= 1 && Number(place) <= count);
  if (!(count >= 1) || !isPlace)
    throw new InvalidArgumentError("It must be 'i/n', from '1/8' to '8/8' for 8 processes, or '/8' on a cluster.");
  return {count, ...(place !== '' && {index: Number(place) - 1})};
}

function gather(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** A flag with a number. */
export function numberFlag(flags: string, words: string, field: Field<unknown>, fallback?: number): Option {
  const option = new Option(flags, words).argParser(parsedBy(field));
  return fallback === undefined ? option : option.default(fallback);
}

/** Adds the flags of {@link ModelFlags}; `withExplainer` for commands that can use a saved one. */
export function addModelFlags(command: Command, withExplainer: boolean): Command {
  command.optionsGroup('Model:');
  command.option('-m, --model <path>', 'the classifier: folder or model.json of a tfjs model, https://…/model.json, or an .onnx file');
  command.option(
    '-p, --preprocessing <name>',
    'how it sees pixels: tf ([-1,1]), torch (ImageNet mean and deviation), caffe, unit ([0,1]), none; or JSON {scale, mean, std}, or a file of that',
  );
  command.addOption(
    new Option('--fit <how>', 'stretch photos to its size, or cut their centre (default: squash)').choices(['squash', 'crop']),
  );
  command.option('--class-names <file>', 'names of the classes: one a line, or JSON');
  if (withExplainer) command.option('-e, --explainer <folder>', 'what distil has made; it knows its model, and draws best');
  command.option('--output-node <name>', 'of a GraphModel: the node with the scores');
  command.addOption(new Option('--input-size <size>', 'of an ONNX model that does not say it: 224, or height x width').argParser(size));
  command.addOption(new Option('--layout <order>', 'of an ONNX model: channels first or last').choices(['NCHW', 'NHWC']));
  command.addOption(
    new Option('--activation <name>', 'of an ONNX model: what makes its scores probabilities').choices(['none', 'softmax', 'sigmoid']),
  );
  return command;
}

/** Adds the flags of {@link PictureFlags}. */
export function addPictureFlags(command: Command): Command {
  command.optionsGroup('Photos:');
  command.addOption(numberFlag('--limit <n>', 'only the first n', integer(1)));
  command.addOption(numberFlag('--max-side <pixels>', 'scale larger ones down to this', integer(16, 65535), 1024));
  return command.option('--strict', 'stop at one that cannot be read, instead of leaving it out');
}

/** Adds the flags of {@link MethodFlags}. */
export function addMethodFlags(command: Command, methodWords: string): Command {
  command.optionsGroup('Method:');
  command.option('--method <names>', methodWords);
  command.addOption(
    new Option('--set <method.option=value>', "an option of a method, as in docs/options.md: 'rise.numMasks=500'; repeatable").argParser(
      gather,
    ),
  );
  command.addOption(numberFlag('--seed <n>', `decides everything random, 0–${MAX_SEED}`, seedField, 0));
  command.addOption(numberFlag('--batch-size <n>', 'images per call of the model', batchSizeField, 16));
  command.addOption(numberFlag('--workers <n>', 'threads that ask the model (wasm and cpu)', workersField, 0));
  return command;
}

/** Adds the flags of {@link ColorFlags}. */
export function addColorFlags(command: Command): Command {
  command.optionsGroup('Colours:');
  command.addOption(new Option('--colormap <name>', 'the colours').choices([...colormapNames]).default('turbo'));
  command.addOption(numberFlag('--opacity <share>', 'of the map over the photo, 0–1', number(0, 1), 0.5));
  return command;
}

/** Adds the flags of {@link RunFlags}. */
export function addRunFlags(command: Command): Command {
  command.optionsGroup('Run:');
  command.addOption(new Option('--backend <name>', 'of tfjs (default: the fastest that works)').choices(candidates.map(({name}) => name)));
  command.option('--json', 'results as JSON, one record a line');
  command.option('-q, --quiet', 'no progress and no notes');
  command.option('--debug', 'with an error, where it came from');
  return command;
}
