/**
 * Work on many images cut into shards: plain data that can be written down, sent to any machine and done there in any order,
 * more than once. A shard is known by a hash of all that decides its numbers, so that what is done twice is the same file, and
 * what has changed is another one.
 */
import {readFile} from 'node:fs/promises';
import {at} from '../../core/at.js';
import {show} from '../../core/check.js';
import {progressField, signalField} from '../../core/common-options.js';
import {AttentiveError} from '../../core/errors/attentive-error.js';
import {custom, integer, list, required, text, withDefault} from '../../core/fields.js';
import {readOptions, refusal, type OptionsSchema, type Settled} from '../../core/options.js';
import type {RunOptions} from '../../core/types.js';
import {VERSION} from '../../core/version.js';
import {toFilePath} from '../../files/file-path.js';
import type {Region} from '../../metrics/of-map/region.js';
import {checkPlain, type Plain} from './plain.js';
import {hashOf} from './store.js';
import {taskSchemas, type ShardTask} from './tasks.js';

const WHERE = 'planShards';
const FORMAT = 'attentive-distiller plan 1';
/** Fewer images are not worth a file and a model that is loaded. */
const LEAST = 32;

/** An image of a plan. */
export interface ShardImage {
  /** A file, or a name that the reader of the worker knows. */
  readonly source: string;
  /** Another text for other pixels: a hash of the file, or the ETag of an object store. */
  readonly hash: string;
  /** Where the evidence is known to be; for the metrics 'pointing' and 'energy'. */
  readonly region?: Region | undefined;
}

/** Options of {@link planShards}. */
export interface PlanShardsOptions extends RunOptions {
  /** What is done with every image. */
  readonly task: ShardTask;
  /**
   * The images in their order: files, which are read for their hashes, or `{source, hash, region}`, where a `hash` that is
   * absent is read from the file.
   */
  readonly images: readonly (string | (Omit<ShardImage, 'hash'> & Partial<Pick<ShardImage, 'hash'>>))[];
  /** Another text for another model, other weights or other preprocessing: `await hashFiles([...])`, a name with its version. */
  readonly model: string;
  /** Plain data that workers open the model and the explainers with, options of explainers among them. @default null */
  readonly settings?: Plain | undefined;
  /** Images in a shard, at least 32; raised to a multiple of the task's `batchSize`. @default 32 */
  readonly shardSize?: number | undefined;
  /** The folder that relative files are in. @default the working directory */
  readonly root?: string | undefined;
}

/** One shard of a plan. */
export interface PlannedShard {
  /** The name of its file. */
  readonly name: string;
  /** Number of its first image among all. */
  readonly first: number;
  /** One more than the number of its last. */
  readonly end: number;
}

/** Work cut into shards, as JSON keeps it. */
export interface ShardPlan {
  /** What kind of file this is. */
  readonly format: typeof FORMAT;
  /** Of this library. */
  readonly version: string;
  /** A hash of all shards. */
  readonly id: string;
  /** With all defaults filled in. */
  readonly task: ShardTask;
  /** As it was given. */
  readonly model: string;
  /** As they were given. */
  readonly settings: Plain;
  /** In their order, with hashes. */
  readonly images: readonly ShardImage[];
  /** In their order; together all images, each once. */
  readonly shards: readonly PlannedShard[];
}

type Settings = Settled<PlanShardsOptions, 'signal' | 'onProgress' | 'root'>;

/** The options of {@link planShards}. */
export const planShardsSchema: OptionsSchema<Settings> = {
  where: WHERE,
  fields: {
    task: required(
      custom<ShardTask>(`a task {kind: ${Object.keys(taskSchemas).map(show).join(' or ')}}`, (value) =>
        Object.hasOwn(taskSchemas, String((value as Partial<ShardTask> | null)?.kind)) ? undefined : 'kind',
      ),
    ),
    images: required(
      custom<PlanShardsOptions['images']>('a list of files or {source, hash, region}, at least one', (value) =>
        !Array.isArray(value) ? 'kind' : value.length > 0 ? undefined : 'value',
      ),
    ),
    model: required(text()),
    settings: withDefault<Plain, null>(custom<Plain>('plain data', () => undefined) as never, null),
    shardSize: withDefault(integer(LEAST), LEAST),
    root: {...text(), fallback: 'the working directory'},
    signal: signalField,
    onProgress: progressField,
  },
};

/**
 * Plans work on many images: checks the task, hashes the images and names the shards. Nothing is computed. A shard begins at a
 * multiple of the batch size, so that its batches, and with them every bit of its numbers, are those of one process.
 *
 * @returns Plain data: `JSON.parse(JSON.stringify(plan))` is as good.
 * @throws {TypeError | RangeError} If an option is missing, unknown, of the wrong kind or not allowed, or is no plain data.
 * @throws {AttentiveError} If a file cannot be read. Aborting rejects with the signal's reason.
 * @example
 * const plan = await planShards({
 *   task: {kind: 'compare', methods: ['RISE', 'Grad-CAM'], metrics: ['insertion', 'deletion']},
 *   images: files, model: await hashFiles(['model/model.json', 'model/weights.bin']),
 * });
 */
export async function planShards(options: PlanShardsOptions): Promise<ShardPlan> {
  const {images: given, model, settings, shardSize, root, signal, onProgress, task: asked} = readOptions(planShardsSchema, options);
  const task = checkTask(asked, given.length);
  checkPlain(`${WHERE}: settings`, settings);
  const images: ShardImage[] = [];
  for (const [index, image] of given.entries()) {
    signal?.throwIfAborted();
    images.push(await hashImage(index, image, root));
    onProgress?.({stage: 'plan', done: index + 1, total: given.length});
  }
  const {batchSize = 1} = task;
  const size = Math.ceil(shardSize / batchSize) * batchSize;
  const plan = {format: FORMAT, version: VERSION, task, model, settings, images} as const;
  const shards = Array.from({length: Math.ceil(images.length / size)}, (_, index): PlannedShard => {
    const [first, end] = [index * size, Math.min((index + 1) * size, images.length)];
    return {name: nameOf(plan, first, end), first, end};
  });
  return {...plan, id: hashOf(shards.map(({name}) => name).join()), shards};
}

/**
 * Checks a plan that comes from elsewhere, and one of its shards.
 *
 * @throws {TypeError | RangeError} If it is no plan, or has no such shard.
 * @throws {AttentiveError} If it was made by another version, or was changed since.
 */
export function shardOf(where: string, plan: ShardPlan, index: number): PlannedShard {
  checkPlan(where, plan);
  const {shards} = plan;
  const shard = shards[index];
  if (shard === undefined)
    throw new RangeError(`${where}: index must be that of a shard, from 0 to ${shards.length - 1}, but is ${show(index)}.`);
  if (nameOf(plan, shard.first, shard.end) === shard.name) return shard;
  throw new AttentiveError(`${where}: shard ${index} of the plan has been changed since it was planned. Plan again.`);
}

/** Checks what a plan says of itself; see {@link shardOf}. */
export function checkPlan(where: string, plan: ShardPlan): void {
  const {format, version, shards, images} = (plan ?? {}) as Partial<ShardPlan>;
  const isWhole = Array.isArray(shards) && Array.isArray(images) && shards.every(isShard);
  if (format !== FORMAT || !isWhole) throw new TypeError(`${where}: plan must be what planShards gave, but is ${show(plan)}.`);
  if (version === VERSION) return;
  throw new AttentiveError(
    `${where}: the plan was made by version ${version}, but this is ${VERSION}, whose numbers may be others. Use one version everywhere, or plan again.`,
  );
}

function isShard(shard: unknown): boolean {
  const {name, first, end} = (shard ?? {}) as Partial<PlannedShard>;
  return typeof name === 'string' && typeof first === 'number' && typeof end === 'number';
}

/**
 * Hashes files one after the other, for the option `model` of {@link planShards}.
 *
 * @returns 32 hexadecimal digits; others for other contents or another order.
 * @throws {AttentiveError} If a file cannot be read.
 */
export async function hashFiles(files: readonly string[]): Promise<string> {
  const problem = list(text()).problem(files);
  if (problem !== undefined) throw refusal('hashFiles', {...problem, path: `files${problem.path}`});
  const hashes: string[] = [];
  for (const file of files) hashes.push(hashOf(await bytesOf('hashFiles', file, undefined)));
  return hashOf(hashes.join());
}

/** Reads a file of a plan. @throws {AttentiveError} If it cannot be read. */
export async function bytesOf(where: string, source: string, root: string | undefined): Promise<Uint8Array> {
  const path = root === undefined || /^(\/|[a-z][a-z0-9+.-]*:)/i.test(source) ? source : `${root}/${source}`;
  try {
    return await readFile(toFilePath(path, `${where}: file`));
  } catch (cause) {
    if (cause instanceof TypeError || cause instanceof RangeError) throw cause;
    throw new AttentiveError(`${where}: ${path} cannot be read: ${(cause as Error).message}.`, {cause});
  }
}

async function hashImage(index: number, image: PlanShardsOptions['images'][number], root: string | undefined): Promise<ShardImage> {
  const {source, hash, region} = typeof image === 'string' ? {source: image} : ((image ?? {}) as Partial<ShardImage>);
  if (typeof source !== 'string' || (hash !== undefined && typeof hash !== 'string'))
    throw new TypeError(`${WHERE}: images[${index}] must be a file or {source, hash, region}, but is ${show(image)}.`);
  if (region !== undefined) checkPlain(`${WHERE}: images[${index}].region`, region);
  return {source, hash: hash ?? hashOf(await bytesOf(WHERE, source, root)), ...(region !== undefined && {region})};
}

function checkTask(task: ShardTask, numImages: number): ShardTask {
  checkPlain(`${WHERE}: task`, task);
  const settled = readOptions(taskSchemas[task.kind], task) as unknown as ShardTask;
  if (settled.kind === 'compare') {
    const {methods, metrics} = settled;
    for (const [name, names] of Object.entries({methods, metrics: metrics.map((each) => (typeof each === 'string' ? each : each.name))})) {
      const twice = names.find((each, index) => names.indexOf(each) !== index);
      if (twice !== undefined)
        throw new RangeError(`${WHERE}: task.${name} must differ from each other, but ${show(twice)} is there twice.`);
    }
  }
  const {target} = settled as {target?: {perImage?: readonly number[]}};
  if (target?.perImage !== undefined && target.perImage.length !== numImages) {
    throw refusal(WHERE, {
      wrongKind: false,
      path: 'task.target.perImage',
      rule: `a class for each of ${numImages} images`,
      value: target.perImage,
    });
  }
  return JSON.parse(JSON.stringify(settled)) as ShardTask;
}

/** All that decides the numbers of a shard. */
function nameOf({format, version, task, model, settings, images}: Omit<ShardPlan, 'id' | 'shards'>, first: number, end: number): string {
  const own = images.slice(first, end).map(({hash, region}) => [hash, region ?? null]);
  return `${task.kind}-${hashOf(JSON.stringify([format, version, task, model, settings, first, own]))}.json`;
}

/** The images of a shard. */
export function imagesOf({images}: ShardPlan, {first, end}: PlannedShard): readonly ShardImage[] {
  return Array.from({length: end - first}, (_, index) => at(images, first + index));
}
