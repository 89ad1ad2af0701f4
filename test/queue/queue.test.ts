/**
 * Shards on real servers by workers of their own processes, of which one is killed, one is stopped past its lock, and whose server is
 * restarted. The workers run the built package: `npm run build` first. `npm run test:queue`.
 */
import {existsSync} from 'node:fs';
import {mkdir, mkdtemp, readdir, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import {tensor3d} from '@tensorflow/tfjs-core';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {gradientSaliencyExplainer} from '../../src/baselines/gradient/gradient-saliency.js';
import {randomExplainer} from '../../src/baselines/random/random-explainer.js';
import {compare} from '../../src/metrics/compare/compare.js';
import type {ComparisonRow} from '../../src/metrics/compare/options.js';
import {folderStore, mergeShards, missingShards, planShards, readShards, type ShardPlan} from '../../src/node/index.js';
import {openShardQueue, startShardWorker, type ShardQueue} from '../../src/queue/index.js';
import {programOf, type Program, type Running} from '../endurance/program.js';
import {startServer, servers, type Server} from './server.js';
import {pixels, SHAPE, tinyModel} from './tiny-model.js';

const SHARDS = 200;
const IMAGES = 32 * SHARDS - 5;
const LOCK_MS = 2000;
const options = {metrics: ['drop', 'gini'], limits: {gradient: 700}, seed: 5} as const;

let root: string;
let worker: Program;
let module: Program;
let whole: ComparisonRow[];
const planOf = (images: number, settings: {pauseMs?: number; failOnce?: number; run?: string}): Promise<ShardPlan> =>
  planShards({
    task: {kind: 'compare', methods: ['random', 'gradient'], ...options},
    images: Array.from({length: images}, (_, index) => ({source: `picture ${index}`, hash: `${index}`})),
    model: 'tiny',
    settings,
  });

beforeAll(async () => {
  if (!existsSync(join(import.meta.dirname, '../../dist/esm/queue/index.js'))) throw new Error('The workers run the build: npm run build');
  [worker, module] = await Promise.all(
    ['worker', 'shard-module'].map((name) => programOf(name, import.meta.dirname)) as [Promise<Program>, Promise<Program>],
  );
  root = await mkdtemp(join(tmpdir(), 'queue-'));
  const model = tinyModel();
  const explainers = {random: randomExplainer(model), gradient: gradientSaliencyExplainer(model)};
  const images = Array.from({length: IMAGES}, (_, index) => tensor3d(pixels(index), [...SHAPE]));
  whole = await compare({...options, explainers, images, model});
  for (const image of images) image.dispose();
  model.dispose();
});
afterAll(async () => {
  await Promise.all([worker.remove(), module.remove(), rm(root, {recursive: true})]);
});

it('there is a server to try', () => {
  console.log(`Servers: ${servers.map(([name, program]) => `${name} (${program})`).join(', ')}.`);
  expect(servers.length).toBeGreaterThan(0);
});

describe.each(servers)('on %s', (name, program) => {
  let server: Server;
  let queue: ShardQueue;
  let folder: string;
  const running: Running[] = [];
  const start = (): Running => {
    const env = {
      ...process.env,
      AKD_CONNECTION: server.connection,
      AKD_QUEUE: 'tests',
      AKD_STORE: join(folder, 'store'),
      AKD_MODULE: module.file,
    };
    const child = worker.start([], env);
    running.push(child);
    return child;
  };

  beforeAll(async () => {
    folder = join(root, name);
    await mkdir(join(folder, 'store'), {recursive: true});
    await mkdir(join(folder, 'data'));
    server = await startServer(program, join(folder, 'data'));
    queue = await openShardQueue({connection: server.connection, queue: 'tests'});
  });
  afterAll(async () => {
    for (const child of running) child.kill();
    await Promise.all(running.map(({ended}) => ended));
    await queue.close();
    await server.stop();
  });

  it('every shard is once in the merge, whatever happens to workers and server', async () => {
    const store = folderStore(join(folder, 'store'));
    const plan = await planOf(IMAGES, {pauseMs: 60});
    expect(plan.shards).toHaveLength(SHARDS);
    expect(await queue.enqueue(plan, {store})).toEqual({added: SHARDS, queued: 0, done: 0});
    expect(await queue.enqueue(plan, {store})).toEqual({added: 0, queued: SHARDS, done: 0});
    const workers = [start(), start(), start()];
    await Promise.all(workers.map((each) => each.said('begin')));
    const [first, second, third] = workers as [Running, Running, Running];
    const atDone = async (count: number): Promise<void> => {
      while ((await queue.progress(plan)).done < count) await pause(50);
    };

    await atDone(15);
    const killedAt = await first.next('begin');
    first.kill();
    expect(await first.ended).toBeNull();

    await atDone(40);
    const stoppedAt = await second.next('begin');
    second.signal('SIGSTOP');
    await pause(2.5 * LOCK_MS);
    const before = third.lines.length;
    second.signal('SIGCONT');

    await atDone(90);
    await server.restart();
    await queue.wait(plan, {pollSeconds: 0.2});

    const {done, failed} = await queue.progress(plan);
    expect([done, failed]).toEqual([SHARDS, 0]);
    // What the first was at when it was killed, and the second when it was stopped, others did again.
    for (const at of [killedAt, stoppedAt])
      expect(workers.flatMap(({lines}) => lines.filter((line) => line === at)).length).toBeGreaterThan(1);
    expect(third.lines.slice(0, before).length).toBeGreaterThan(0);

    const files = (await readdir(join(folder, 'store'))).filter((file) => /^compare-\w+\.json$/.test(file));
    expect(files.sort()).toEqual(plan.shards.map((shard) => shard.name).sort());
    const seen: number[] = [];
    for await (const {index} of readShards(plan as ShardPlan & {task: {kind: 'compare'}}, {store})) seen.push(index);
    expect(seen).toEqual(Array.from({length: IMAGES}, (_, index) => index));
    expect(await mergeShards(plan, {store})).toStrictEqual(whole);
    expect(await queue.enqueue(plan, {store})).toEqual({added: 0, queued: 0, done: SHARDS});
    console.log(
      `${name}: ${SHARDS} shards; begun ${count(workers, 'begin')}, done ${count(workers, 'done')}, found done ${count(workers, 'known')}, errors told ${count(workers, 'error')}.`,
    );
  });

  it('a shard that fails is tried again; what is cancelled stops, and goes on when it is enqueued again', async () => {
    const store = folderStore(join(folder, 'store'));
    const child = start();
    await child.said('ready');
    const failing = await planOf(96, {failOnce: 1});
    await queue.enqueue(failing, {store});
    await queue.wait(failing, {pollSeconds: 0.1});
    expect(await missingShards(failing, store)).toEqual([]);

    for (const other of running) if (other !== child) other.kill();
    const slow = await planOf(32 * 12, {pauseMs: 1500});
    await queue.enqueue(slow, {store});
    await child.next('begin');
    expect(await queue.cancel(slow)).toBeGreaterThanOrEqual(10);
    const stopped = await queue.wait(slow, {pollSeconds: 0.1}).catch((error: Error) => error.message);
    expect(stopped).toMatch(/of 12 shards . have failed and 1?\d are not in the queue/);
    const missing = await missingShards(slow, store);
    expect(missing.length).toBeGreaterThanOrEqual(10);
    expect((await queue.enqueue(slow, {store})).added).toBe(missing.length);
    await queue.cancel(slow);

    const hopeless = await planShards({
      task: {kind: 'compare', methods: ['nobody'], metrics: ['gini']},
      images: Array.from({length: 32}, (_, index) => ({source: `${index}`, hash: `${index}`})),
      model: 'tiny',
    });
    await queue.enqueue(hopeless, {store, attempts: 2});
    await expect(queue.wait(hopeless, {pollSeconds: 0.1})).rejects.toThrow('"nobody" is not among "random", "gradient"');
    await expect(queue.wait(slow, {signal: AbortSignal.abort(new Error('enough'))})).rejects.toThrow('enough');
    child.signal('SIGTERM');
    expect(await child.ended).toBe(0);
  });
});

it('a worker is refused without a module, and a queue without an address', async () => {
  await expect(startShardWorker({connection: 'redis://localhost', module: 'none.mjs'})).rejects.toThrow('there is no');
  await expect(openShardQueue({connection: 'http://localhost'})).rejects.toThrow(RangeError);
  await expect(openShardQueue({} as never)).rejects.toThrow(TypeError);
});

function count(workers: readonly Running[], word: string): number {
  return workers.flatMap(({lines}) => lines).filter((line) => line.startsWith(word)).length;
}
