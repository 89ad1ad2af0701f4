/**
 * Runs the library on other versions of Node than the one in use: the npm package `node` brings them.
 * On each: the built package through `import` and `require`, tests on wasm, and the quickstart.
 * `npm run check:nodes [-- 22 24]`; exit code 3 where the versions cannot be fetched.
 */
import {execFileSync, spawnSync} from 'node:child_process';
import {existsSync, mkdirSync} from 'node:fs';
import {join} from 'node:path';

const root = join(import.meta.dirname, '..');
const given = process.argv.slice(2).filter((each) => /^\d+$/.test(each));
const versions = given.length > 0 ? given : ['22', '24'];
const UNREACHABLE = 3;

// What depends on Node itself: files, threads, modules found at run time, a whole training run.
const tests = ['test/backend', 'test/data-', 'test/distiller', 'test/node-images', 'test/workers', 'test/render-sheet', 'test/random'];

const entries = ['', '/layers', '/losses', '/metrics', '/baselines', '/node'].map((entry) => `attentive-distiller${entry}`);
const asModules = `for (const entry of ${JSON.stringify(entries)}) await import(entry); console.log(process.version, 'import and require work');`;
const use = `for (const entry of ${JSON.stringify(entries)}) require(entry);`;

for (const version of versions) {
  const node = fetchNode(version);
  console.log(`\n== Node ${execFileSync(node, ['--version'], {encoding: 'utf8'}).trim()}`);
  run(node, ['--input-type=commonjs', '-e', use]);
  run(node, ['--input-type=module', '-e', asModules]);
  run(node, ['node_modules/vitest/vitest.mjs', 'run', ...tests], {AKD_BACKEND: 'wasm'});
  run(node, ['node_modules/tsx/dist/cli.mjs', 'quickstart/main.ts', '--epochs', '1', '--out', `out/quickstart-node-${version}.png`]);
}

/** Installs a version of Node beside the project's packages, once. */
function fetchNode(version: string): string {
  const folder = join(root, 'node_modules/.cache', `node-${version}`);
  const binary = join(folder, 'node_modules/node/bin/node');
  if (existsSync(binary)) return binary;
  mkdirSync(folder, {recursive: true});
  const {status} = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--no-save', '--prefix', folder, `node@${version}`], {cwd: folder, stdio: 'inherit'});
  // The package's own script puts the binary in place; where scripts are off, it is a dependency's.
  if (status !== 0 || !existsSync(binary)) {
    console.error(`Node ${version} could not be fetched from the npm registry (package 'node'); what is tested on it was not run.`);
    process.exit(UNREACHABLE);
  }
  return binary;
}

function run(node: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): void {
  const {status} = spawnSync(node, args, {cwd: root, stdio: 'inherit', env: {...process.env, ...env}});
  if (status !== 0) {
    console.error(`Failed: node ${args.join(' ')}`);
    process.exit(1);
  }
}
