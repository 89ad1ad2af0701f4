/**
 * A comparison in parts that are kept in a folder: the same command goes on after a stop, and several processes or machines that
 * see the folder share the work.
 */
import {mkdir, readFile, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {at} from '../core/at.js';
import {writeFileAtomically} from '../files/atomic-file.js';
import {decodeImage} from '../node/decode-image.js';
import {assignedShards, type ShardShare} from '../node/shards/assigned.js';
import {mergeShards, missingShards} from '../node/shards/merge.js';
import {readPlan, writePlan} from '../node/shards/plan-file.js';
import {planShards, type PlanShardsOptions, type ShardPlan} from '../node/shards/plan.js';
import {runShard} from '../node/shards/run.js';
import {folderStore, hashOf, type ShardStore} from '../node/shards/store.js';
import {explainersOf, noneReadable, type Compared, type ComparisonWork} from './comparison-work.js';
import {CommandError} from './exit-code.js';
import {fingerprint} from './open-model.js';
import {readPictures} from './read-pictures.js';
import {writing} from './run-record.js';

/** Where the parts are, and which of them this process does. */
export interface ShardPlace {
  readonly folder: string;
  /** @default what the environment of a cluster says, otherwise all that are missing */
  readonly share: ShardShare | undefined;
}

/** What was found out when a plan was made. */
interface Planned {
  /** The id of the plan. */
  readonly plan: string;
  /** Pictures that cannot be read, and why. */
  readonly leftOut: readonly (readonly [file: string, reason: string])[];
}

/** Does its share. @returns The table if nothing is missing any more, otherwise undefined: what is left is told. */
export async function compareInShards(work: ComparisonWork, {folder, share}: ShardPlace): Promise<Compared | undefined> {
  const {methods, model, maxSide, workers, terminal, signal} = work;
  await writing(folder, () => mkdir(folder, {recursive: true}));
  const files = folderStore(folder);
  const store: ShardStore = {...files, write: (name, content) => writing(folder, () => files.write(name, content))};
  const plan = await planned(work, {folder, store});
  const mine = assigned(plan, share);
  const parts = {
    model: model.teacher,
    explainers: explainersOf(methods),
    decode: (bytes: Uint8Array) => decodeImage(bytes, {size: [maxSide, maxSide], fit: 'inside'}),
  };
  const shards = mine.map((index) => at(plan.shards, index));
  const total = shards.reduce((sum, {first, end}) => sum + end - first, 0);
  let before = 0;
  for (const [place, index] of mine.entries()) {
    const {first, end} = at(shards, place);
    const count = end - first;
    const onProgress = ({done, total: of}: {done: number; total: number}): void =>
      terminal.progress({stage: 'compare', done: before + Math.floor((done / of) * count), total}, `part ${place + 1}/${mine.length}`);
    await runShard(plan, index, {parts, store, workers, signal, onProgress});
    before += count;
    terminal.progress({stage: 'compare', done: before, total});
  }
  terminal.endProgress();
  const missing = await missingShards(plan, store);
  if (missing.length === 0) return {rows: await mergeShards(plan, {store, signal}), files: plan.images.map(({source}) => source)};
  const {length} = plan.shards;
  terminal.record({parts: length, missing: missing.length});
  terminal.text(
    `${length - missing.length} of ${length} parts are in ${folder}. The table comes with the last; the same command without --shard does all that are missing.`,
  );
  return undefined;
}

/** The plan for what is asked: the one in the folder, or a new one, which reads every picture once. */
async function planned(work: ComparisonWork, {folder, store}: {readonly folder: string; readonly store: ShardStore}): Promise<ShardPlan> {
  const {pictures, methods, asked, model, maxSide, strict, leftOut, terminal, signal} = work;
  const settings = {
    maxSide,
    methods: Object.fromEntries(methods.map(({name, settings: own}) => [name, own])),
  } as PlanShardsOptions['settings'];
  const print = await fingerprint(model);
  const files = await Promise.all(
    pictures.map(async ({file, path}) => {
      const {size, mtimeMs} = await stat(path);
      return [file, size, mtimeMs];
    }),
  );
  const record = `asked-${hashOf(JSON.stringify([files, asked, settings, print]))}.json`;
  const known = await readFile(join(folder, record), 'utf8').catch(() => undefined);
  if (known !== undefined) {
    const {plan, leftOut: unreadable} = JSON.parse(known) as Planned;
    for (const [file, reason] of unreadable) leftOut.add(file, new Error(reason));
    return readPlan(plan, store);
  }
  const readable: string[] = [];
  for await (const batch of readPictures(pictures, {batchSize: 16, maxSide, strict, leftOut, signal})) {
    readable.push(...batch.map(({picture}) => picture.file));
    terminal.progress({stage: 'plan', done: readable.length + leftOut.count, total: pictures.length});
  }
  if (readable.length === 0) throw noneReadable();
  const task = {kind: 'compare', ...asked, methods: methods.map(({name}) => name)} as const;
  const plan = await planShards({task, images: readable, model: print, settings, signal});
  await writePlan(plan, store);
  const found: Planned = {plan: plan.id, leftOut: leftOut.entries()};
  await writing(folder, () => writeFileAtomically(folder, record, JSON.stringify(found)));
  return plan;
}

function assigned(plan: ShardPlan, share: ShardShare | undefined): number[] {
  try {
    return assignedShards(plan, share);
  } catch (cause) {
    throw new CommandError(`--shard: ${(cause as Error).message}`, undefined, {cause});
  }
}
