/**
 * Measurements: `npm run bench -- NAME [--json FILE] [options of the bench]`. Prints a table and, on
 * request, writes the same as JSON.
 */
import {mkdir, writeFile} from 'node:fs/promises';
import {dirname} from 'node:path';
import {getBackend, version_core} from '@tensorflow/tfjs-core';
import {VERSION} from '../src/index.js';
import {formatTable} from '../src/core/format-table.js';
import type {Bench, BenchReport, BenchRow} from './report.js';

const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  attention: async () => (await import('./attention.js')).run,
  'black-box': async () => (await import('./black-box.js')).run,
  causal: async () => (await import('./causal.js')).run,
  classes: async () => (await import('./classes.js')).run,
  convolution: async () => (await import('./convolution.js')).run,
  'event-loop': async () => (await import('./event-loop.js')).run,
  explain: async () => (await import('./explain.js')).run,
  'fine-tune': async () => (await import('./fine-tune.js')).run,
  lime: async () => (await import('./lime.js')).run,
  loading: async () => (await import('./loading.js')).run,
  memory: async () => (await import('./memory.js')).run,
  native: async () => (await import('./native.js')).run,
  paper: async () => (await import('./paper.js')).run,
  quality: async () => (await import('./quality.js')).run,
  rise: async () => (await import('./rise.js')).run,
  shards: async () => (await import('./shards.js')).run,
  speed: async () => (await import('./speed.js')).run,
  train: async () => (await import('./train.js')).run,
  sanity: async () => (await import('./sanity.js')).run,
  smoke: async () => (await import('./smoke.js')).run,
  uploads: async () => (await import('./uploads.js')).run,
  workers: async () => (await import('./workers.js')).run,
};

const [name = '', ...rest] = process.argv.slice(2);
const load = benches[name];
if (load === undefined) {
  console.error(`npm run bench -- NAME [--json FILE], NAME one of ${Object.keys(benches).join(', ')}; but got '${name}'.`);
  process.exit(2);
}
const at = rest.indexOf('--json');
const json = at < 0 ? undefined : rest[at + 1];
if (at >= 0 && json === undefined) {
  console.error('--json needs a file name.');
  process.exit(2);
}
const {rows, ratios} = await (await load())(rest.filter((_, index) => at < 0 || (index !== at && index !== at + 1)));
const versions = {'attentive-distiller': VERSION, tfjs: version_core, node: process.versions.node};
const report: BenchReport = {name, backend: getBackend(), versions, rows, ratios};

const cells = rows.map((row) => ({...row}) as BenchRow);
const header = [...new Set(cells.flatMap((row) => Object.keys(row)))];
console.log(
  `\n${formatTable(
    header,
    cells.map((row) => header.map((column) => row[column] ?? '')),
  )}`,
);
for (const [key, value] of Object.entries(ratios)) console.log(`${key}: ${value.toFixed(4)}`);
if (json !== undefined) {
  await mkdir(dirname(json), {recursive: true});
  await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`Written to ${json}.`);
}
// Worker processes or native backends may keep the loop alive.
process.exit(0);
