/**
 * For a machine with a graphics card, in at most five minutes: times the library on it with WebGPU, the same networks in
 * PyTorch on the same card, and runs a short training whose losses and maps are compared with those of the cpu backend.
 *
 * `npm run check:gpu [-- --python PATH]`: a Python that has torch; without one that part is left out, and said.
 * `--backend NAME` takes another backend, wasm or tfjs-node for instance, beside PyTorch on the processor; `--minutes N` gives it more
 * time. What follows `--` once more goes to the bench, `--allow-software --size 32` for instance. The exit code is 1 where numbers
 * differ or a bench fails; the targets only inform.
 */
import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {formatTable} from '../src/core/format-table.js';
import type {BenchReport} from '../bench/report.js';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'out/gpu');
const {values, positionals} = parseArgs({
  allowPositionals: true,
  options: {
    python: {type: 'string', default: 'python3'},
    backend: {type: 'string', default: 'webgpu'},
    minutes: {type: 'string', default: '5'},
  },
});
const total = 60_000 * Number(values.minutes);
const end = Date.now() + total;
mkdirSync(folder, {recursive: true});
const files = {speed: join(folder, 'speed.json'), torch: join(folder, 'torch.json')};
for (const file of Object.values(files)) rmSync(file, {force: true});

/** How both sides name what they measure. The batch's figures are milliseconds of a whole batch in PyTorch, and of an image here. */
const pairs: readonly (readonly [ours: string, torch: string, isOfBatch: boolean])[] = [
  ['normal inference', 'predict1', false],
  ['inference in batches', 'predictBatch', true],
  ['ours', 'explain', false],
  ['ours, guided', 'explainGuided', false],
  ['Grad-CAM', 'gradCam', false],
  ['RISE', 'risePer1000', false],
  ['training, student', 'studentStep', true],
  ['training, explanation', 'explanationStep', true],
];

const sizes = sharedOptions(positionals);
// Started without npm: what runs out of time ends with all that it has started.
const timed = run(process.execPath, [
  ...['--import', 'tsx', 'bench/main.ts', 'speed', '--backend', values.backend],
  ...small(positionals),
  ...['--json', files.speed],
]);
const hasTorch = run(values.python, ['-c', 'import torch']);
if (!hasTorch) console.log(`${values.python} does not give torch: PyTorch is left out (--python PATH names another).`);
const compared = !hasTorch || run(values.python, [join(root, 'bench/peers/torch_speed.py'), ...sizes, '--json', files.torch]);
if (timed) report();
const tests = ['backends-agree', ...(values.backend === 'webgpu' ? ['tfjs/webgpu-kernels', 'tfjs/uploads'] : [])];
const agrees = run('npx', ['vitest', 'run', ...tests], {AKD_BACKEND: values.backend.replace('tfjs-node', 'tensorflow')});
console.log(agrees ? 'A short training gives the losses and maps of cpu.' : 'The numbers differ from those of cpu, or time ran out.');
process.exit(timed && compared && agrees ? 0 : 1);

/** A part gets half of all the time at most, so that the others have some. */
function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): boolean {
  const timeout = Math.min(end - Date.now(), total / 2);
  if (timeout <= 0) {
    console.log(`No time is left for ${[command, ...args].join(' ')}.`);
    return false;
  }
  const {status, error} = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout,
    env: {...process.env, ...env},
  });
  if (error !== undefined) console.log(`${command}: ${error.message}`);
  return status === 0;
}

/** Few repetitions, unless more are asked for: five minutes are for everything. */
function small(given: readonly string[]): string[] {
  return ['--samples', '100', '--part', '64', ...given];
}

/** What the bench and the PyTorch script have in common. */
function sharedOptions(given: readonly string[]): string[] {
  return ['size', 'batch', 'repeats'].flatMap((name) => {
    const at = given.indexOf(`--${name}`);
    return at < 0 ? [] : given.slice(at, at + 2);
  });
}

/** A table of both sides, and what the library aims at. */
function report(): void {
  const {rows} = JSON.parse(readFileSync(files.speed, 'utf8')) as BenchReport;
  const torch = existsSync(files.torch)
    ? (JSON.parse(readFileSync(files.torch, 'utf8')) as {milliseconds: Record<string, number>}).milliseconds
    : {};
  const at = sizes.indexOf('--batch');
  const batch = at < 0 ? 8 : Number(sizes[at + 1]);
  const ours = new Map((rows as Record<string, string>[]).map((row) => [row['method'], Number(row['ms per image'])]));
  const table = pairs.map(([name, peer, isOfBatch]) => {
    const masks = name === 'RISE' ? 8 : 1; // 8000 masks, in thousands
    const here = ((ours.get(name) ?? NaN) * (isOfBatch ? batch : 1)) / masks;
    return {name, here, there: torch[peer] ?? NaN};
  });
  const of = (name: string): (typeof table)[number] => table.find((row) => row.name === name) as (typeof table)[number];
  console.log(
    `\n${formatTable(
      ['ms', 'here', 'PyTorch', 'ratio'],
      table.map(({name, here, there}) => [name, digits(here), digits(there), digits(here / there)]),
    )}`,
  );
  const [one, several, student] = [of('normal inference'), of('inference in batches'), of('training, student')];
  const targets: readonly (readonly [what: string, value: number, most: number])[] = [
    ['student step ÷ a forward pass of the batch', student.here / several.here, 4],
    ['student step ÷ PyTorch', student.here / student.there, 12],
    ['guided explain ÷ predict', of('ours, guided').here / one.here, 2.5],
    ['predict of one image ÷ PyTorch', one.here / one.there, 5],
  ];
  for (const [what, value, most] of targets) {
    const verdict = Number.isNaN(value) ? 'not measured' : `${digits(value)}, ${value <= most ? 'within' : 'above'} ${most}`;
    console.log(`${what}: ${verdict}`);
  }
}

function digits(value: number): string {
  return Number.isNaN(value) ? '–' : String(Number(value.toPrecision(3)));
}
