/**
 * Installs the package from a git repository, as `npm install git+https://…` does: this folder's files,
 * committed to a new repository, then an empty folder in which npm clones, builds and installs it. What arrives
 * must be what `npm pack` packs, and every entry must import. Ends with 3 where the npm registry cannot be
 * reached. `npm run check:git-install`.
 */
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {entryPaths, manifest, root} from './shipping/entries.js';
import {dryPack} from './packed-project.js';
import {trackedFiles} from './source-files.js';

const folder = mkdtempSync(join(tmpdir(), 'git-install-'));
try {
  const repository = join(folder, 'repository');
  for (const file of trackedFiles(root)) {
    mkdirSync(dirname(join(repository, file)), {recursive: true});
    cpSync(join(root, file), join(repository, file));
  }
  const git = (...args: string[]): unknown => execFileSync('git', args, {cwd: repository, stdio: 'ignore'});
  git('init', '--initial-branch=main');
  git('add', '--all');
  git('-c', 'user.name=check', '-c', 'user.email=check@localhost', 'commit', '--message=check');

  const project = join(folder, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{"private": true}\n');
  const started = performance.now();
  install(project, `git+${pathToFileURL(repository).href}`);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);

  const installed = join(project, 'node_modules', manifest.name);
  const arrived = readdirSync(installed, {recursive: true, withFileTypes: true})
    .filter((each) => each.isFile())
    .map(({parentPath, name}) =>
      join(parentPath, name)
        .slice(installed.length + 1)
        .replaceAll('\\', '/'),
    );
  // Names with a hash of their content are left out: dist here may be of other sources than those that were committed.
  const isNamed = (path: string): boolean => !/-[\w-]{8}\.d\.c?ts$|\/chunk-/.test(path);
  const wanted = dryPack().files.map(({path}) => path);
  const isMissing = (these: readonly string[], those: readonly string[]): string[] =>
    those.filter((path) => isNamed(path) && !these.includes(path));
  assert.deepEqual(isMissing(arrived, wanted), [], 'npm pack would pack these here, and they did not come from git');
  assert.deepEqual(isMissing(wanted, arrived), [], 'these came from git, and npm pack would not pack them here');
  writeFileSync(join(project, 'esm.mjs'), program("await import('NAME')"));
  writeFileSync(join(project, 'cjs.cjs'), `(async () => {${program("require('NAME')")}})();`);
  for (const file of ['esm.mjs', 'cjs.cjs']) execFileSync(process.execPath, [file], {cwd: project, stdio: ['ignore', 'ignore', 'inherit']});
  console.log(`Installed from git in ${seconds} s: ${arrived.length} files, and every entry imports as ESM and as CommonJS.`);
} finally {
  rmSync(folder, {recursive: true, force: true});
}

function install(project: string, address: string): void {
  const args = ['install', '--no-audit', '--no-fund', '--loglevel=error', address];
  try {
    execFileSync('npm', args, {cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe']});
  } catch (error) {
    const said = String((error as {stderr?: string}).stderr);
    console.error(said);
    // The packages to build with come from the registry.
    if (/ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ENETUNREACH/.test(said)) process.exit(3);
    throw new Error('npm could not install the package from git.');
  }
  assert.ok(existsSync(join(project, 'node_modules', manifest.name, manifest.main)), 'The package came from git without dist.');
}

/** Imports every entry, and computes on the backend that the package brings along. */
function program(load: string): string {
  const names = Object.keys(entryPaths).map((name) => (name === 'index' ? manifest.name : `${manifest.name}/${name}`));
  return `${names.map((name) => `${load.replace('NAME', name)};`).join('\n')}
    const {selectBackend, VERSION} = ${load.replace('NAME', manifest.name)};
    const {backend} = await selectBackend({prefer: ['wasm']});
    if (backend !== 'wasm' || VERSION !== '${manifest.version}') throw new Error(backend + ' ' + VERSION);`;
}
