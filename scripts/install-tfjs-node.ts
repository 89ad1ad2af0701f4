/**
 * Installs @tensorflow/tfjs-node, or with `--gpu` @tensorflow/tfjs-node-gpu, where the host of its native
 * library cannot be reached: `npm run install:tfjs-node [-- --gpu] [--into PROJECT]`. The library comes from
 * PyPI and the binding is compiled here; docs/backends.md says more. Ends with 3 where PyPI or the npm registry cannot be
 * reached, with 1 where something else is missing, and leaves nothing half installed.
 */
import {copyFileSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {parseArgs} from 'node:util';
import {buildBinding, NODE_API, TFJS_NODE} from './tfjs-node/build-binding.js';
import {Failure, NOT_REACHABLE, npm, run} from './tfjs-node/command.js';
import {distributions, fetchTensorflow, libraries, TENSORFLOW} from './tfjs-node/fetch-tensorflow.js';

const root = join(import.meta.dirname, '..');
const {values} = parseArgs({options: {into: {type: 'string'}, gpu: {type: 'boolean', default: false}}});
const variant = values.gpu ? 'gpu' : 'cpu';
const name = values.gpu ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node';
const project = resolve(values.into ?? root);
const installed = join(project, 'node_modules', name);
const cache = join(project, 'node_modules/.cache/tfjs-node');
const work = join(cache, 'work');
const tensorflow = join(cache, `${distributions[variant].name}-${TENSORFLOW}`);
const binding = join(cache, `tfjs-node-${TFJS_NODE}-tensorflow-${TENSORFLOW}.node`);

try {
  install();
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  const reason = error.status === NOT_REACHABLE ? ': what it needs cannot be downloaded from here' : '';
  console.error(`\n${error.message}\n\n${name} is not installed${reason}.`);
  process.exitCode = error.status;
} finally {
  rmSync(work, {recursive: true, force: true});
}

function install(): void {
  checkPlace();
  if (existsSync(installed) && works() === undefined) {
    console.log(`${name} ${TFJS_NODE} is installed in ${project} and works.`);
    return;
  }
  console.log(`Installing ${name} ${TFJS_NODE} in ${project}; one to three minutes.`);
  // Nothing but the cache is touched before all that can fail for want of something has been done.
  step(`TensorFlow ${TENSORFLOW} from PyPI (${distributions[variant].size})`, tensorflow, () => fetchTensorflow(variant, tensorflow, work));
  step('binding, compiled', binding, () => buildBinding(binding, tensorflow, work));
  const parts = existsSync(installed) ? ['deps', 'lib'] : [''];
  try {
    step('package and what it depends on, from the npm registry', installed, installPackage);
    addNativePart();
    const reason = works();
    if (reason !== undefined) throw new Failure(`It was built but does not work. ${reason}`);
  } catch (error) {
    for (const part of parts) rmSync(join(installed, part), {recursive: true, force: true});
    throw error;
  }
  console.log(
    `It loads and computes${values.gpu ? '; selectBackend() will say whether it finds a GPU' : ': selectBackend() will take it'}.`,
  );
}

function checkPlace(): void {
  const {platform, arch} = process;
  const {header} = process.report.getReport() as unknown as {header: {glibcVersionRuntime?: string}};
  if (platform !== 'linux' || arch !== 'x64' || header.glibcVersionRuntime === undefined) {
    const here = `${platform} ${arch}${platform === 'linux' && header.glibcVersionRuntime === undefined ? ' without glibc' : ''}`;
    throw new Failure(`This way of installing it is for Linux on x64 with glibc, and here is ${here}. Try npm install ${name}.`);
  }
  if (!existsSync(join(project, 'package.json'))) throw new Failure(`${project} has no package.json.`);
  if (!existsSync(installed)) return;
  const {version} = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {version: string};
  if (version !== TFJS_NODE) throw new Failure(`${project} has ${name} ${version}, but this is for ${TFJS_NODE}.`);
}

/** Does one part unless its result is there, in the empty folder `work`, and says how long it took. */
function step(what: string, result: string, make: () => void): void {
  if (existsSync(result)) {
    console.log(`  ${what}: already there`);
    return;
  }
  console.log(`  ${what} ...`);
  const started = performance.now();
  rmSync(work, {recursive: true, force: true});
  mkdirSync(work, {recursive: true});
  make();
  console.log(`  ${what}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
}

/** Its own install script would download the library, so it does not run. */
function installPackage(): void {
  // Of a package that is an optional peer, npm installs nothing unless it is asked for in another role.
  const role = ['--no-save', '--save-dev'];
  npm(['install', ...role, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', `${name}@${TFJS_NODE}`], {
    cwd: project,
    what: `Installing ${name} ${TFJS_NODE} from the npm registry`,
    help: 'npm said:',
  });
}

function addNativePart(): void {
  const places = {library: join(installed, 'deps/lib'), binding: join(installed, `lib/napi-v${NODE_API}`)};
  for (const folder of Object.values(places)) {
    rmSync(folder, {recursive: true, force: true});
    mkdirSync(folder, {recursive: true});
  }
  // One copy on the disk; npm may remove the package, the cache stays.
  for (const library of libraries) linkOrCopy(join(tensorflow, 'lib', library), join(places.library, library));
  copyFileSync(binding, join(places.binding, 'tfjs_binding.node'));
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

/** Tries it out. Returns a reason if it does not work. */
function works(): string | undefined {
  const args = ['--import', 'tsx', join(root, 'scripts/tfjs-node/verify.ts'), project, name];
  try {
    run(process.execPath, args, {cwd: root, env: {TF_CPP_MIN_LOG_LEVEL: '2'}, what: 'Loading', help: ''});
    return undefined;
  } catch (error) {
    if (error instanceof Failure) return error.message;
    throw error;
  }
}
