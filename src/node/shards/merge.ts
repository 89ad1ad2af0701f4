/** Reads the shards of a plan as one: what they say, in the order of the images, each once. */
import {at} from '../../core/at.js';
import {boolean, withDefault} from '../../core/fields.js';
import {AttentiveError} from '../../core/errors/attentive-error.js';
import {progressField, signalField} from '../../core/common-options.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import type {RunOptions} from '../../core/types.js';
import type {ComparedImage, ComparisonRow} from '../../metrics/compare/options.js';
import {nameOf} from '../../metrics/compare/options.js';
import {ComparisonTotals} from '../../metrics/compare/totals.js';
import {checkPlan, type ShardPlan} from './plan.js';
import type {RecordsOf} from './records.js';
import {readShard} from './run.js';
import {checkStore, storeField, type ShardStore} from './store.js';
import type {ShardTask} from './tasks.js';

/** Options of {@link readShards}. */
export interface ReadShardsOptions extends RunOptions {
  /** Where the files of the shards are. */
  readonly store: ShardStore;
  /** Takes shards of several backends, whose numbers differ in their last digits, as one. @default false */
  readonly mixedBackends?: boolean | undefined;
}

/** Options of {@link mergeShards}. */
export interface MergeShardsOptions extends ReadShardsOptions {
  /** Whether rows hold the numbers of every image; without them memory does not grow with the images. @default true */
  readonly perImage?: boolean | undefined;
}

type ReadSettings = Settled<ReadShardsOptions, 'signal' | 'onProgress'>;

const readFields: OptionsSchema<ReadSettings>['fields'] = {
  store: storeField,
  mixedBackends: withDefault(boolean(), false),
  signal: signalField,
  onProgress: progressField,
};

/** The options of {@link readShards}. */
export const readShardsSchema: OptionsSchema<ReadSettings> = {where: 'readShards', fields: readFields};

/** The options of {@link mergeShards}. */
export const mergeShardsSchema: OptionsSchema<Settled<MergeShardsOptions, 'signal' | 'onProgress'>> = {
  where: 'mergeShards',
  fields: {...readFields, perImage: withDefault(boolean(), true)},
};

/** A plan for one kind of task. */
type PlanOf<Kind extends ShardTask['kind']> = ShardPlan & {readonly task: Extract<ShardTask, {readonly kind: Kind}>};

/**
 * Reads what the shards hold, in the order of the images; one shard is in memory at a time.
 *
 * @returns A record for each image: see {@link RecordsOf}.
 * @throws {AttentiveError} If a shard is missing or damaged; the message names the shards to be done (again). Or if they were computed
 *   on several backends, unless `mixedBackends` is set.
 * @throws {TypeError | RangeError} If an argument is wrong.
 * @example
 * for await (const {source, maps} of readShards(plan, {store: folderStore('shards')})) console.log(source, maps[0].target);
 */
export async function* readShards<Kind extends ShardTask['kind']>(
  plan: PlanOf<Kind>,
  options: ReadShardsOptions,
): AsyncGenerator<RecordsOf[Kind], void, undefined> {
  const {store, mixedBackends, signal, onProgress} = readOptions(readShardsSchema, options);
  checkPlan('readShards', plan);
  const backends = new Set<string>();
  for (const [index, shard] of plan.shards.entries()) {
    signal?.throwIfAborted();
    const content = await readShard(store, shard);
    if (content === undefined) throw await incomplete(plan, store, index);
    backends.add(content.backend);
    if (backends.size > 1 && !mixedBackends) {
      throw new AttentiveError(
        `readShards: shards must be computed on one backend, since the last digits differ, but these are of ${[...backends].join(' and ')}. Set mixedBackends to take them as they are.`,
      );
    }
    yield* content.records as unknown as readonly RecordsOf[Kind][];
    onProgress?.({stage: 'merge', done: index + 1, total: plan.shards.length});
  }
}

/**
 * Returns the indices of the shards that have no whole file yet.
 *
 * @throws {TypeError} If an argument is wrong.
 */
export async function missingShards(plan: ShardPlan, store: ShardStore, from: number = 0): Promise<number[]> {
  checkPlan('missingShards', plan);
  checkStore('missingShards', store);
  const missing: number[] = [];
  for (let index = from; index < plan.shards.length; index++) {
    if ((await readShard(store, at(plan.shards, index))) === undefined) missing.push(index);
  }
  return missing;
}

/**
 * Makes the table of a comparison from its shards: to the last bit what `compare()` gives for all images in one process on the same
 * backend, the times ('seconds') excepted. The set of shards is read, twice; nothing is added to anything, so it does not matter
 * who did a shard, or how often.
 *
 * @returns One row per explainer, as `compare()`.
 * @throws {AttentiveError} If a shard is missing or damaged, see {@link readShards}.
 * @throws {TypeError | RangeError} If an argument is wrong, or the plan is none of a comparison.
 * @example
 * console.log(formatComparison(await mergeShards(plan, {store: folderStore('shards')})));
 */
export async function mergeShards(plan: ShardPlan, options: MergeShardsOptions): Promise<ComparisonRow[]> {
  const {perImage, onProgress, ...reading} = readOptions(mergeShardsSchema, options);
  checkPlan('mergeShards', plan);
  const {task} = plan;
  if (task.kind !== 'compare')
    throw new RangeError(`mergeShards: the plan must be one of a comparison, but its task is '${task.kind}': use readShards.`);
  const names = task.metrics.map(nameOf);
  const rows = new Map(
    task.methods.map((method) => [method, {totals: new ComparisonTotals(method, names), images: [] as ComparedImage[]}]),
  );
  const total = 2 * plan.images.length;
  let done = 0;
  for (const add of ['add', 'addDeviation'] as const) {
    for await (const {results} of readShards<'compare'>(plan as PlanOf<'compare'>, reading)) {
      for (const {method, image} of results) {
        const row = rows.get(method);
        row?.totals[add](image);
        if (perImage && add === 'add') row?.images.push(image);
      }
      onProgress?.({stage: 'merge', done: ++done, total});
    }
  }
  return [...rows.values()].map(({totals, images}) => totals.row(images));
}

async function incomplete(plan: ShardPlan, store: ShardStore, from: number): Promise<AttentiveError> {
  const missing = await missingShards(plan, store, from);
  const named = missing.slice(0, 10).join(', ') + (missing.length > 10 ? ', …' : '');
  return new AttentiveError(
    `readShards: ${missing.length} of ${plan.shards.length} shards are missing or damaged: ${named}. Do them with runShard(plan, index).`,
  );
}
