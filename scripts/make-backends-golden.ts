/**
 * Writes test/golden/backends.json and .bin: the numbers of the short runs on the cpu backend, which
 * computes plainly, in float32. Run it after a change that is meant to change them:
 * `npx tsx scripts/make-backends-golden.ts`.
 */
import '@tensorflow/tfjs-backend-cpu';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setBackend, version_core} from '@tensorflow/tfjs-core';
import {shortRuns} from '../test/helpers/short-run.js';

await setBackend('cpu');
const bytes: Buffer[] = [];
let offset = 0;
const runs: Record<string, Record<string, object>> = {};
for (const [name, run] of Object.entries(shortRuns)) {
  const arrays: Record<string, object> = (runs[name] = {});
  for (const [part, {shape, values}] of Object.entries(await run())) {
    arrays[part] = {shape, dtype: 'float32', offset};
    bytes.push(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
    offset += values.byteLength;
  }
}
const path = join(import.meta.dirname, '../test/golden/backends');
writeFileSync(`${path}.bin`, Buffer.concat(bytes));
writeFileSync(
  `${path}.json`,
  `${JSON.stringify({made_by: 'scripts/make-backends-golden.ts', backend: 'cpu', tfjs: version_core, runs}, null, 1)}\n`,
);
console.log(`${path}: ${offset} bytes`);
