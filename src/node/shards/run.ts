/** Does one shard of a plan and keeps its file. */
import {getBackend} from '@tensorflow/tfjs-core';
import {progressField, signalField, workersField} from '../../core/common-options.js';
import {custom, required, text} from '../../core/fields.js';
import {readOptions, type OptionsSchema, type Settled} from '../../core/options.js';
import type {RunOptions, WorkerOptions} from '../../core/types.js';
import {compareRecords} from './compare-records.js';
import {decodeContent, encodeContent} from './content.js';
import {explainRecords} from './explain-records.js';
import {imagesOf, shardOf, type PlannedShard, type ShardPlan} from './plan.js';
import {explainerOf, withImages, type ShardParts} from './parts.js';
import type {ShardContent} from './records.js';
import {storeField, type ShardStore} from './store.js';
import {scoresRecords} from './scores-records.js';
import type {ShardTask} from './tasks.js';

const WHERE = 'runShard';

/** Options of {@link runShard}. */
export interface RunShardOptions extends RunOptions, WorkerOptions {
  /** The model and the explainers. */
  readonly parts: ShardParts;
  /** Where the file of the shard goes. */
  readonly store: ShardStore;
  /** The folder that relative files are in. @default the working directory */
  readonly root?: string | undefined;
}

/** What became of a shard. */
export interface ShardRun {
  /** The name of its file. */
  readonly name: string;
  /** Whether it was computed now; otherwise its file was there already. */
  readonly computed: boolean;
  /** How many images the shard has. */
  readonly images: number;
}

type Settings = Settled<RunShardOptions, 'signal' | 'onProgress' | 'root'>;

/** The options of {@link runShard}. */
export const runShardSchema: OptionsSchema<Settings> = {
  where: WHERE,
  fields: {
    parts: required(
      custom<ShardParts>('the parts {model, explainers}', (value) =>
        (value as Partial<ShardParts> | null)?.model === undefined ? 'kind' : undefined,
      ),
    ),
    store: storeField,
    root: {...text(), fallback: 'the working directory'},
    workers: workersField,
    signal: signalField,
    onProgress: progressField,
  },
};

/**
 * Does one shard and keeps its file, unless that is there and whole. The file says the same whoever computes it and however often,
 * as long as they compute on one backend; so a shard may be done twice, at the same time too.
 *
 * @param plan From {@link planShards}.
 * @param index Of the shard in `plan.shards`, from 0.
 * @throws {TypeError | RangeError} If an argument is wrong, or the explainers are not those of the plan.
 * @throws {AttentiveError} If the plan is of another version, a picture was changed, or the work fails; nothing is kept then.
 *   Aborting rejects with the signal's reason.
 * @example
 * for (const index of assignedShards(plan)) await runShard(plan, index, {parts: {model, explainers}, store: folderStore('shards')});
 */
export async function runShard(plan: ShardPlan, index: number, options: RunShardOptions): Promise<ShardRun> {
  const {parts, store, root, workers, signal, onProgress} = readOptions(runShardSchema, options);
  const shard = shardOf(WHERE, plan, index);
  const {name, first, end} = shard;
  const images = end - first;
  if ((await readShard(store, shard)) !== undefined) return {name, computed: false, images};
  signal?.throwIfAborted();
  const {task} = plan;
  // Before images are read for nothing.
  for (const method of methodsOf(task)) explainerOf(parts, method);
  const work = {plan, shard, parts, workers, signal, onProgress};
  const records = await withImages(
    WHERE,
    {images: imagesOf(plan, shard), first, read: parts.read, decode: parts.decode, root},
    async (given): Promise<ShardContent['records']> => {
      if (task.kind === 'compare') return compareRecords(given, {...work, task});
      return task.kind === 'explain' ? explainRecords(given, {...work, task}) : scoresRecords(given, {...work, task});
    },
  );
  signal?.throwIfAborted();
  const content: ShardContent = {name, backend: getBackend(), records};
  await store.write(name, encodeContent(content));
  return {name, computed: true, images};
}

/** The content of a shard's file; undefined where there is none or it is damaged. */
export async function readShard(store: ShardStore, {name, first, end}: PlannedShard): Promise<ShardContent | undefined> {
  const bytes = await store.read(name);
  const content = bytes && (decodeContent(bytes) as ShardContent | undefined);
  return content?.name === name && content.records.length === end - first ? content : undefined;
}

function methodsOf(task: ShardTask): readonly string[] {
  if (task.kind === 'scores') return [];
  return task.kind === 'compare' ? task.methods : [task.method];
}
