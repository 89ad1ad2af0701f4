/**
 * Compares explainers on many pictures, shared among workers through Redis: plans the shards, puts them into the queue, starts
 * two workers here, waits, and merges what they have written. Stop it at any time: the next run does what is missing.
 *
 *     redis-server & npm start
 */
import {fork} from 'node:child_process';
import {once} from 'node:events';
import {formatComparison} from 'attentive-distiller';
import {hashFiles, mergeShards, planShards} from 'attentive-distiller/node';
import {openShardQueue} from 'attentive-distiller/queue';
import {layersModel} from '../sample/layers-model.js';
import {writeFiles} from '../sample/write-files.js';
import {store} from './shards.js';

const PICTURES = 128;
const WORKERS = 2;
const folder = await writeFiles('out/model', layersModel());

const plan = await planShards({
  task: {kind: 'compare', methods: ['RISE', 'Grad-CAM', 'random'], metrics: ['insertion', 'deletion'], seed: 1},
  // These are drawn by their number; of photos this is the list of files.
  images: Array.from({length: PICTURES}, (_, index) => ({source: `square ${index}`, hash: `${index}`})),
  model: await hashFiles([`${folder}/model.json`, `${folder}/weights.bin`]),
  settings: {folder, numMasks: 100},
});
const queue = await openShardQueue({connection: process.env.REDIS_URL ?? 'redis://localhost:6379'});
const {added, done} = await queue.enqueue(plan, {store});
console.log(`${plan.shards.length} shards: ${added} put into the queue, ${done} done before.`);

const workers = Array.from({length: WORKERS}, () => fork(new URL('worker.js', import.meta.url)));
await queue.wait(plan);
for (const worker of workers) worker.kill('SIGTERM');
await Promise.all(workers.map((worker) => once(worker, 'exit')));
await queue.close();

console.log(formatComparison(await mergeShards(plan, {store}), {standardErrors: true, digits: 3}));
