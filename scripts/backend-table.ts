/**
 * Writes the table of backends into docs/backends.md from what the test runs have counted (out/tests/):
 * a row per backend and place, a column per capability, in each the number of tests that passed.
 * Fails if a test failed, or if a run that the docs speak of is missing (`--partial` allows that).
 */
import {existsSync} from 'node:fs';
import {readdir, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import type {Tally} from '../test/helpers/tally.js';

const root = join(import.meta.dirname, '..');
const page = join(root, 'docs/backends.md');
const [start, end] = ['<!-- backends: start -->', '<!-- backends: end -->'];

/** Capabilities by the files that test them; backends-agree tests a short run of everything. */
const capabilities: Readonly<Record<string, RegExp>> = {
  'layers, losses': /test\/(layers|losses|data\/resize)/,
  'gradients, kernels':
    /test\/(layers|data\/resize|models\/execute-graph|baselines\/gradient-saliency|tfjs\/(?!native)|backend\/(check|missing))/,
  train: /test\/(distiller\/(distiller|backends-agree)|models\/(students|frozen-networks))\.test/,
  explain: /test\/(browser\/storage|distiller\/(compiled-student|backends-agree|distiller)|workers\/distiller)\.test/,
  'Grad-CAM, gradients of images': /test\/(baselines\/(grad-cam|gradient-saliency)|distiller\/backends-agree)/,
  RISE: /test\/(baselines\/rise|distiller\/backends-agree)/,
  LIME: /test\/(baselines\/(lime|ridge)|distiller\/backends-agree)/,
  'insertion, deletion, metrics': /test\/(metrics\/|distiller\/backends-agree)/,
  'save, load': /test\/(files\/(artifact-store|model-files)|browser\/storage)\.test/,
};

const partial = process.argv.includes('--partial');
const inNode = (version: number, ...backends: string[]): string[] => backends.map((backend) => `node-${version}-${backend}`);
const inChromium = ['webgl', 'webgpu', 'wasm', 'wasm-threads', 'cpu'].map((backend) => `chromium-${backend}`);
const wanted = [
  ...inNode(20, 'cpu', 'wasm', 'tensorflow', 'webgpu'),
  ...inNode(22, 'wasm', 'tensorflow'),
  ...inNode(24, 'wasm', 'tensorflow'),
  ...inChromium,
];
const folder = join(root, 'out/tests');
const names = (await readdir(folder).catch(() => [])).map((name) => name.replace(/\.json$/, ''));
const missing = wanted.filter((name) => !names.includes(name));
if (missing.length > 0 && !partial)
  throw new Error(`No test run of ${missing.join(', ')} in out/tests. Run these tests first, or pass --partial.`);
const tallies = await Promise.all(
  wanted
    .filter((name) => names.includes(name))
    .map(async (name) => JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')) as Tally),
);

const failures = tallies.flatMap(({place, backend, files}) =>
  Object.entries(files)
    .filter(([, {failed}]) => failed > 0)
    .map(([file]) => `${file} on ${backend} (${place})`),
);
if (failures.length > 0) throw new Error(`Tests failed: ${failures.join(', ')}.`);

/** Files that are no more may still be counted from an earlier run. */
const passed = ({files}: Tally, pattern: RegExp): number =>
  Object.entries(files)
    .filter(([file]) => pattern.test(file) && existsSync(join(root, file)))
    .reduce((sum, [, each]) => sum + each.passed, 0);
const columns = Object.entries(capabilities);
const lines = [
  `| backend | where | ${columns.map(([name]) => name).join(' | ')} |`,
  `|---|---|${columns.map(() => '---').join('|')}|`,
  ...tallies.map(
    (tally) => `| ${tally.backend} | ${tally.place} | ${columns.map(([, pattern]) => passed(tally, pattern) || '–').join(' | ')} |`,
  ),
];
const text = await readFile(page, 'utf8');
const [from, to] = [text.indexOf(start), text.indexOf(end)];
if (from < 0 || to < from) throw new Error(`docs/backends.md must hold ${start} and ${end}.`);
await writeFile(page, `${text.slice(0, from + start.length)}\n${lines.join('\n')}\n${text.slice(to)}`);
console.log(lines.join('\n'));
