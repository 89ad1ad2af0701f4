/**
 * Writes the table of backends into docs/backends.md from what the test runs have counted (out/tests/):
 * a row per capability, a column per backend and place, in each the number of tests that passed.
 * Fails if a test failed, or if a run that the docs speak of is missing (`--partial` allows that).
 */
import {readdir, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import type {Tally} from '../test/helpers/tally.js';

const root = join(import.meta.dirname, '..');
const page = join(root, 'docs/backends.md');
const [start, end] = ['<!-- backends: start -->', '<!-- backends: end -->'];

/** Capabilities by the files that test them. */
const capabilities: Readonly<Record<string, RegExp>> = {
  'layers and losses': /test\/(layers|losses|resize)\.test/,
  'gradients and kernels': /test\/backend\/(?!select|reasons|webgpu|native)/,
  'train, explain, evaluate': /test\/(distiller|students|backends-agree|frozen-networks|workers-distiller)\.test/,
  'compiled student': /test\/compiled-student\.test/,
  'Grad-CAM and gradients of images': /test\/(grad-cam|gradient-saliency)/,
  RISE: /test\/rise/,
  LIME: /test\/(lime|superpixels|ridge)/,
  'insertion, deletion, measures': /test\/(metrics|measures|compare)/,
  'save and load': /test\/(data-artifact|data-model-files|browser-storage|storage)/,
};

const partial = process.argv.includes('--partial');
const wanted = ['node-20-cpu', 'node-20-wasm', 'node-20-tensorflow', 'node-20-webgpu', 'chromium-webgl', 'chromium-webgpu', 'chromium-wasm', 'chromium-wasm-threads'];
const folder = join(root, 'out/tests');
const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -5));
const missing = wanted.filter((name) => !names.includes(name));
if (missing.length > 0 && !partial) throw new Error(`No test run of ${missing.join(', ')} in out/tests. Run these tests first, or pass --partial.`);
const order = (name: string): number => (wanted.includes(name) ? wanted.indexOf(name) : wanted.length);
names.sort((a, b) => order(a) - order(b) || (a < b ? -1 : 1));
const tallies = await Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')) as Tally));

const failures = tallies.flatMap(({place, backend, files}) => Object.entries(files).filter(([, {failed}]) => failed > 0).map(([file]) => `${file} on ${backend} (${place})`));
if (failures.length > 0) throw new Error(`Tests failed: ${failures.join(', ')}.`);

const cell = ({files}: Tally, pattern: RegExp): string => {
  const counts = Object.entries(files).filter(([file]) => pattern.test(file)).map(([, each]) => each);
  const passed = counts.reduce((sum, each) => sum + each.passed, 0);
  const skipped = counts.reduce((sum, each) => sum + each.skipped, 0);
  return passed === 0 ? '–' : `${passed}${skipped > 0 ? ` (${skipped} skipped)` : ''}`;
};
const lines = [
  `| | ${tallies.map(({backend, place}) => `${backend}, ${place}`).join(' | ')} |`,
  `|---|${tallies.map(() => '---').join('|')}|`,
  ...Object.entries(capabilities).map(([name, pattern]) => `| ${name} | ${tallies.map((tally) => cell(tally, pattern)).join(' | ')} |`),
];
const text = await readFile(page, 'utf8');
const [from, to] = [text.indexOf(start), text.indexOf(end)];
if (from < 0 || to < from) throw new Error(`docs/backends.md must hold ${start} and ${end}.`);
await writeFile(page, `${text.slice(0, from + start.length)}\n${lines.join('\n')}\n${text.slice(to)}`);
console.log(lines.join('\n'));
