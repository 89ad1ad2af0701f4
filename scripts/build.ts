/**
 * Builds the package: the WebAssembly, then dist, and looks whether it is whole. A build that is not is taken away
 * again, so that nothing half can be packed.
 *
 *   npm run build                   builds
 *   npm run build -- --if-needed    builds unless dist is whole and made from the sources as they are: `prepack`
 *   npm run build -- --prepare      makes the WebAssembly, which tests and examples need: `prepare`. The whole where npm
 *                                   makes a package of a git address: there it runs `prepare` and nothing else.
 *   npm run build -- --check        builds nothing, and says what is wrong with dist
 */
import {execFileSync} from 'node:child_process';
import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import {basename, isAbsolute, join} from 'node:path';
import {parseArgs} from 'node:util';
import {buildFaults, filesOf, isWasmFresh} from './shipping/build-faults.js';
import {root} from './shipping/entries.js';

const flag = {type: 'boolean', default: false} as const;
const {values} = parseArgs({options: {'if-needed': flag, prepare: flag, check: flag}});

if (values.check) {
  const faults = buildFaults();
  report(faults);
  process.exitCode = faults.length === 0 ? 0 : 1;
} else if (values.prepare) {
  if (!isWasmFresh()) run('scripts/build-wasm.ts');
  // npm was started elsewhere: this folder is its copy of a repository that somebody installs.
  if (process.env['INIT_CWD'] !== undefined && process.env['INIT_CWD'] !== root && buildFaults().length > 0) build();
} else if (!values['if-needed'] || buildFaults().length > 0) {
  build();
} else {
  console.log('dist is whole, and made from the sources as they are.');
}

function build(): void {
  const dist = join(root, 'dist');
  // tsup leaves declarations of earlier builds where they are.
  rmSync(dist, {recursive: true, force: true});
  try {
    if (!isWasmFresh()) run('scripts/build-wasm.ts');
    execFileSync(process.execPath, [join(root, 'node_modules/tsup/dist/cli-default.js')], {cwd: root, stdio: 'inherit'});
    for (const path of filesOf('cjs', /\.cjs\.map$/)) withoutOwnPath(join(root, path));
    const faults = buildFaults();
    if (faults.length > 0) {
      report(faults);
      throw new Error('The build is not whole.');
    }
  } catch (error) {
    rmSync(dist, {recursive: true, force: true});
    console.error(`${(error as Error).message}\ndist is taken away, so that nothing half is packed.`);
    process.exitCode = 1;
  }
}

/** The helpers that tsup's second pass adds come, in its source maps, from the file itself, by its path on this machine. */
function withoutOwnPath(file: string): void {
  const map = JSON.parse(readFileSync(file, 'utf8')) as {sources: string[]};
  map.sources = map.sources.map((source) => (isAbsolute(source) ? basename(source) : source));
  writeFileSync(file, JSON.stringify(map));
}

function run(script: string): void {
  execFileSync(process.execPath, ['--import', 'tsx', join(root, script)], {cwd: root, stdio: 'inherit'});
}

function report(faults: readonly string[]): void {
  const shown = faults.slice(0, 12);
  if (faults.length === 0) console.log('dist is whole, and made from the sources as they are.');
  else console.error([...shown, ...(faults.length > 12 ? [`… and ${faults.length - 12} more.`] : [])].join('\n'));
}
