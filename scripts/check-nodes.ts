/**
 * Runs the library on other versions of Node than the one in use; the npm package `node` brings them. On
 * each: the package installed into an empty project with npm, the README's quickstart, and the tests, on
 * wasm and, where it is installed, on tfjs-node. Run after `npm run build`: `npm run check:nodes [-- 22 24]
 * [--tests PATTERN ...]`; the exit code is 3 where the versions cannot be fetched.
 */
import {execFileSync, spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {delimiter, dirname, join} from 'node:path';
import {parseArgs} from 'node:util';
import {hasNative, noNative} from '../test/helpers/native.js';
import {pack} from './packed-project.js';

const root = join(import.meta.dirname, '..');
const {values, positionals} = parseArgs({allowPositionals: true, options: {tests: {type: 'string', multiple: true, default: []}}});
const versions = positionals.length > 0 ? positionals : ['22', '24'];
const UNREACHABLE = 3;

// npm's own program, so that it runs on the Node in question and not on the one in use; npm tells its scripts where it is.
const npm = process.env['npm_execpath'];
if (npm === undefined) throw new Error('Run this with npm: npm run check:nodes.');

// What a new project would first do: see both kinds of import work, and a backend chosen by itself.
const asModule = `
  import {AttentiveDistiller, gradCam} from 'attentive-distiller';
  import {loadLayersModelFromFiles} from 'attentive-distiller/node';
  import * as tf from '@tensorflow/tfjs-core';
  for (const entry of ['layers', 'losses', 'metrics', 'baselines']) await import('attentive-distiller/' + entry);
  const teacher = await loadLayersModelFromFiles(${JSON.stringify(join(root, 'quickstart/teacher'))});
  const image = tf.randomUniform([1, ...teacher.inputs[0].shape.slice(1)], -1, 1, 'float32', 1);
  const distiller = await AttentiveDistiller.create({teacher});
  const [[map], [cam]] = [await distiller.explain(image), await gradCam(image, teacher)];
  if (map.empty || cam.empty) throw new Error('a map is flat');
  console.log(process.version + ': installed, imported, explained on ' + tf.getBackend());`;
const asCommonJs =
  "for (const entry of ['', '/layers', '/losses', '/metrics', '/baselines', '/node', '/queue']) require('attentive-distiller' + entry);";

for (const version of versions) {
  const node = fetchNode(version);
  console.log(`\n== Node ${execFileSync(node, ['--version'], {encoding: 'utf8'}).trim()}`);
  install(node);
  run(node, ['node_modules/tsx/dist/cli.mjs', 'quickstart/main.ts', '--out', `out/quickstart-node-${version}.png`]);
  for (const backend of ['wasm', ...(hasNative ? ['tensorflow'] : [])]) {
    run(node, ['node_modules/vitest/vitest.mjs', 'run', ...values.tests], {AKD_BACKEND: backend, TF_CPP_MIN_LOG_LEVEL: '2'});
  }
  if (!hasNative) console.log(`Not tested on tfjs-node: ${noNative}`);
}

/** Installs a version of Node beside the project's packages, once. */
function fetchNode(version: string): string {
  const folder = join(root, 'node_modules/.cache', `node-${version}`);
  const binary = join(folder, 'node_modules/node/bin/node');
  if (existsSync(binary)) return binary;
  mkdirSync(folder, {recursive: true});
  const {status} = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--no-save', '--prefix', folder, `node@${version}`], {
    cwd: folder,
    stdio: 'inherit',
  });
  // The package's own script puts the binary in place; where scripts are off, it is a dependency's.
  if (status !== 0 || !existsSync(binary)) {
    console.error(`Node ${version} could not be fetched from the npm registry (package 'node'); what is tested on it was not run.`);
    process.exit(UNREACHABLE);
  }
  return binary;
}

/** As the README says: npm install, in an empty project; then uses what is there. */
function install(node: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'project-'));
  try {
    const {filename} = pack(folder);
    writeFileSync(join(folder, 'package.json'), '{"private": true}\n');
    run(
      node,
      [
        npm as string,
        'install',
        '--no-audit',
        '--no-fund',
        '--loglevel=error',
        `./${filename}`,
        '@tensorflow/tfjs-core',
        '@tensorflow/tfjs-layers',
      ],
      {},
      folder,
    );
    run(node, ['--input-type=commonjs', '-e', asCommonJs], {}, folder);
    run(node, ['--input-type=module', '-e', asModule], {}, folder);
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}

function run(node: string, args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd: string = root): void {
  // What they start in turn is to be that Node as well.
  const path = [dirname(node), process.env['PATH']].join(delimiter);
  const {status} = spawnSync(node, args, {cwd, stdio: 'inherit', env: {...process.env, ...env, PATH: path}});
  if (status !== 0) {
    console.error(`Failed: node ${args.join(' ')}`);
    process.exit(1);
  }
}
