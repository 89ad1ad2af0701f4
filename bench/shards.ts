/**
 * What shards cost and bring: `compare()` on 400 images by two processes against one; what plan, queue and merge add to a shard; and
 * the memory of a merge of 50,000 images by 5 methods, whose scores are made up, that 64 workers have done.
 */
import {fork, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {mkdtemp, rm} from 'node:fs/promises';
import {availableParallelism, tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {randomUniform, type Tensor3D} from '@tensorflow/tfjs-core';
import {gradCamExplainer, riseExplainer, selectBackend, teacherFromLayersModel, type Explainer} from '../src/index.js';
import {folderStore, mergeShards, planShards, runShard, type ShardImage, type ShardParts, type ShardPlan} from '../src/node/index.js';
import {openShardQueue, startShardWorker} from '../src/queue/index.js';
import {programOf} from '../test/endurance/program.js';
import {startServer, servers} from '../test/queue/server.js';
import {loadModel} from './data.js';
import {madeUp, STUBBED} from './made-up.js';
import {peakInChild, reportPeak} from './peak-in-child.js';
import type {BenchResult, BenchRow} from './report.js';

const MODEL = 'mobilenet_v1_025_128';
const METHODS = ['grad-cam', 'rise'];
const CHILD = '--shard-child';
const WORKERS = 64;
const QUEUED = 100;
const WARM = 20;

/** Options: `--images N` (400), `--repeats N` (3), `--stubbed N` (50000). */
export async function run(args: string[]): Promise<BenchResult> {
  const {values} = parseArgs({
    args,
    options: {
      images: {type: 'string', default: '400'},
      repeats: {type: 'string', default: '3'},
      stubbed: {type: 'string', default: '50000'},
    },
  });
  await selectBackend({prefer: ['cpu']}); // The children that compute choose their own.
  const folder = await mkdtemp(join(tmpdir(), 'bench-shards-'));
  try {
    const speed = await processes(folder, Number(values.images), Number(values.repeats));
    console.log(speed.ratios);
    const queue = await queued(folder, speed.ofShard);
    console.log(queue.ratios);
    const memory = await stubbed(folder, Number(values.stubbed));
    return {
      rows: [...speed.rows, ...queue.rows, ...memory.rows, {what: `cores that Node sees: ${availableParallelism()}`}],
      ratios: {...speed.ratios, ...queue.ratios, ...memory.ratios},
    };
  } finally {
    await rm(folder, {recursive: true});
  }
}

const named = (count: number): ShardImage[] => Array.from({length: count}, (_, index) => ({source: `${index}`, hash: `${index}`}));

/** One process against two, in turn; the model is loaded and warm before the clock starts. */
async function processes(folder: string, count: number, repeats: number): Promise<BenchResult & {readonly ofShard: number}> {
  const plan = await planShards({
    task: {kind: 'compare', methods: METHODS, metrics: ['deletion'], settings: {deletion: {stepSize: 1024}}},
    images: named(count),
    model: MODEL,
  });
  const shards = plan.shards.map((_, index) => index);
  const children = await Promise.all([startChild(plan), startChild(plan)]);
  const times: (readonly [one: number, two: number])[] = [];
  let merge = NaN;
  for (let repeat = 0; repeat < repeats; repeat++) {
    const timed = async (parts: readonly (readonly number[])[], name: string): Promise<number> => {
      const started = performance.now();
      await Promise.all(parts.map((part, index) => work(children[index] as ChildProcess, part, join(folder, `${name}-${repeat}`))));
      return performance.now() - started;
    };
    const one = await timed([shards], 'one');
    const two = await timed([shards.filter((shard) => shard % 2 === 0), shards.filter((shard) => shard % 2 === 1)], 'two');
    times.push([one, two]);
    const started = performance.now();
    await mergeShards(plan, {store: folderStore(join(folder, `two-${repeat}`))});
    merge = performance.now() - started;
  }
  for (const child of children) child.disconnect();
  const sorted = [...times].sort(([a, b], [c, d]) => a / b - c / d);
  const [one, two] = sorted[Math.floor(sorted.length / 2)] as readonly [number, number];
  const ofShard = one / shards.length;
  const rows: BenchRow[] = [
    {
      what: `compare, ${count} images, ${MODEL}, ${METHODS.join(' and ')}`,
      'one process ms': Math.round(one),
      'two processes ms': Math.round(two),
      ratio: Number((one / two).toFixed(3)),
      all: times.map(([a, b]) => (a / b).toFixed(2)).join(' '),
    },
    {what: `merge, of a shard (a shard is computed in ${ofShard.toFixed(0)} ms)`, ms: Number((merge / shards.length).toPrecision(3))},
  ];
  return {rows, ratios: {'shards.two_processes': one / two, 'shards.merge_share': merge / one}, ofShard};
}

async function startChild(plan: ShardPlan): Promise<ChildProcess> {
  const child = fork(fileURLToPath(import.meta.url), [CHILD]);
  child.send({plan});
  await once(child, 'message');
  return child;
}

async function work(child: ChildProcess, shards: readonly number[], folder: string): Promise<void> {
  const done = once(child, 'message');
  child.send({shards, folder});
  await done;
}

async function serve(): Promise<void> {
  await selectBackend({prefer: ['wasm']});
  const teacher = teacherFromLayersModel(await loadModel(MODEL), {preprocessing: 'tf'});
  const explainers: Record<string, Explainer> = {'grad-cam': gradCamExplainer(teacher), rise: riseExplainer(teacher, {numMasks: 32})};
  const parts: ShardParts = {
    model: teacher,
    explainers,
    read: (_, index) => randomUniform([128, 128, 3], -1, 1, 'float32', 1 + index) as Tensor3D,
  };
  let plan: ShardPlan | undefined;
  process.on('message', (message: {plan?: ShardPlan; shards?: readonly number[]; folder?: string}) => {
    const answer = async (): Promise<void> => {
      if (message.plan !== undefined) {
        plan = message.plan;
        // Compiles and warms up.
        const store = {read: () => Promise.resolve(undefined), write: () => Promise.resolve()};
        await runShard(plan, 0, {parts, store});
      }
      for (const shard of message.shards ?? []) await runShard(plan as ShardPlan, shard, {parts, store: folderStore(message.folder ?? '')});
      process.send?.('done');
    };
    void answer();
  });
  process.on('disconnect', () => process.exit(0));
}

/** What a shard costs beside its own work, in the queue with a worker of one thread: against the same shards one after the other. */
async function queued(folder: string, ofShard: number): Promise<BenchResult> {
  const rows: BenchRow[] = [];
  const ratios: Record<string, number> = {};
  const plan = await stubbedPlan(QUEUED * 32);
  // Threads load what is built.
  const module = await programOf('made-up', import.meta.dirname);
  for (const [name, program] of servers) {
    const data = await mkdtemp(join(folder, `${name}-`));
    process.env['BENCH_STORE'] = join(data, 'queued');
    const server = await startServer(program, data);
    const queue = await openShardQueue({connection: server.connection});
    const ended: number[] = [];
    const worker = await startShardWorker({
      connection: server.connection,
      module: module.file,
      onShard: () => ended.push(performance.now()),
    });
    const store = folderStore(join(data, 'queued'));
    const started = performance.now();
    await queue.enqueue(plan, {store});
    const enqueued = performance.now() - started;
    await queue.wait(plan, {pollSeconds: 0.2});
    // The first ones wait for the thread to start.
    const [from = NaN, to = NaN] = [ended[WARM], ended.at(-1)];
    const each = (to - from) / (ended.length - 1 - WARM);
    const alone = performance.now();
    const direct = folderStore(join(data, 'direct'));
    for (let shard = WARM; shard < QUEUED; shard++) await runShard(plan, shard, {parts: madeUp, store: direct});
    const own = (performance.now() - alone) / (QUEUED - WARM);
    const cost = enqueued / QUEUED + each - own;
    rows.push({
      what: `a shard in the queue on ${name}, ${QUEUED} shards of made-up scores`,
      ms: Number((enqueued / QUEUED + each).toPrecision(3)),
      'without ms': Number(own.toPrecision(3)),
    });
    ratios[`shards.queue_share_${name}`] = cost / ofShard;
    await worker.close();
    await queue.close();
    await server.stop();
  }
  await module.remove();
  return {rows, ratios};
}

/** Images whose scores are made up, done by 64 workers at the same time, then merged in a process of its own: an eighth, and all. */
async function stubbed(folder: string, count: number): Promise<BenchResult> {
  const peaks: number[] = [];
  const rows: BenchRow[] = [];
  for (const images of [Math.ceil(count / 8), count]) {
    const path = join(folder, `stubbed-${images}`);
    const plan = await stubbedPlan(images);
    const store = folderStore(path);
    const waiting = plan.shards.map((_, index) => index);
    const started = performance.now();
    const worker = async (): Promise<void> => {
      for (let shard = waiting.pop(); shard !== undefined; shard = waiting.pop()) await runShard(plan, shard, {parts: madeUp, store});
    };
    await Promise.all(Array.from({length: WORKERS}, worker));
    const done = performance.now();
    const peak = await peakInChild(import.meta.url, [path, String(images)]);
    peaks.push(peak);
    rows.push({
      what: `made-up scores, ${images} images × ${STUBBED.length} methods, ${plan.shards.length} shards, ${WORKERS} workers`,
      'work s': Number(((done - started) / 1000).toFixed(1)),
      'merge s': Number(((performance.now() - done) / 1000).toFixed(1)),
      'merge peak MiB': Math.round(peak),
    });
  }
  const [some = NaN, all = NaN] = peaks;
  return {rows, ratios: {'shards.merge_memory_8_times_the_images': all / some}};
}

const stubbedPlan = (images: number): Promise<ShardPlan> =>
  planShards({task: {kind: 'compare', methods: STUBBED, metrics: ['gini', 'intensity']}, images: named(images), model: 'made up'});

if (process.argv[2] === CHILD) await serve();
await reportPeak(async ([path = '', images = '']) => {
  const rows = await mergeShards(await stubbedPlan(Number(images)), {store: folderStore(path), perImage: false});
  if (rows.length !== STUBBED.length || rows.some((row) => row.images !== Number(images))) throw new Error('The merge is not whole.');
});
